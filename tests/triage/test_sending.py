"""A sealed message on a bad line: what was kept is gone on from, and what cannot be is said."""

import hashlib
from base64 import b64encode
from email.message import Message
from typing import Any

import pytest

from portal.triage import sending
from portal.triage.client import Answer
from portal.triage.failures import Failure, Unanswered

SEALED = bytes(range(256)) * 40_000  # three parts


class Line:
    """A portal behind a line that breaks: before a part arrives, or before its answer comes back."""

    def __init__(self, *breaks: str) -> None:
        self.breaks = list(breaks)
        self.kept = b""
        self.sent: list[dict[str, Any]] = []
        self.rests: list[float] = []

    def post(self, _path: str, _value: object) -> dict[str, Any]:
        """Begin a message."""
        return {"number": 3, "uploads_url": "/uploads", "submit_url": "/send"}

    def post_to(self, _url: str, value: dict[str, Any]) -> dict[str, Any]:
        """Send it."""
        self.sent.append(value)
        return {}

    def ask(self, method: str, _url: str, *, headers: dict[str, str], data: bytes = b"") -> Answer:
        """One request of an upload."""
        told = Message()
        if method == "POST":
            assert headers["Upload-Length"] == str(len(SEALED))
            told["Location"] = "/uploads/1"
            return Answer(told)
        if method == "PATCH":
            how = self.breaks.pop(0) if self.breaks else ""
            if how == "before":
                raise Unanswered("The line broke.")
            assert headers["Upload-Checksum"] == f"sha256 {b64encode(hashlib.sha256(data).digest()).decode()}"
            if int(headers["Upload-Offset"]) == len(self.kept):
                self.kept += data
            if how == "after":
                raise Unanswered("The line broke.")
        told["Upload-Offset"] = "99999999999" if self.breaks == ["lies"] else str(len(self.kept))
        return Answer(told)


def send(line: Line) -> int:
    return sending.send(line, "R-1", SEALED, {"reason": "x"}, line.rests.append)  # type: ignore[arg-type]


@pytest.mark.parametrize("breaks", [(), ("before",), ("", "after"), ("before", "after", "before", "", "before")])
def test_a_cut_costs_at_most_the_part_on_its_way(breaks: tuple[str, ...]) -> None:
    line = Line(*breaks)

    assert send(line) == 3

    assert (line.kept, line.sent) == (SEALED, [{"reason": "x"}])
    assert len(line.rests) == sum(map(bool, breaks))


def test_a_line_that_stays_down_ends_it_unsent() -> None:
    line = Line(*["before"] * 9)

    with pytest.raises(Unanswered):
        send(line)

    assert (line.sent, line.rests) == ([], [2, 4, 8, 16])


def test_a_portal_that_lies_about_the_offset_is_not_followed() -> None:
    line = Line("", "lies")

    with pytest.raises(Failure, match="an offset that cannot be"):
        send(line)

    assert line.sent == []
