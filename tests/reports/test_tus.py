"""The upload protocol to its letter: one row for each thing that its text asks for, under the section that asks."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import IO

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.core.blobs import Blobs
from portal.core.errors import Unavailable
from portal.core.pace import Pace
from portal.reports import intake
from portal.reports.arriving import pieces
from portal.reports.models import Report
from portal.reports.queries import uploads as files
from tests.cast import sign_in
from tests.conftest import Clock
from tests.reports.test_uploads import UPLOADS, Tus, metadata, tus

__all__ = ["tus"]
Seal = Callable[[int], bytes]
STREAM = "application/offset+octet-stream"
SPOKEN = {"Tus-Resumable": "1.0.0"}
LENGTH = 5000


def pair(key: str, value: bytes | str) -> str:
    given = value if isinstance(value, bytes) else value.encode()
    return f"{key} {base64.b64encode(given).decode()}".strip()


def digest(algorithm: str, data: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


@dataclass(frozen=True)
class Row:
    """A section of the protocol, a request, and what is answered: status, headers (None: absent), the offset then.

    The upload has `had` bytes of `LENGTH` announced; `data` is how many follow.
    """

    section: str
    method: str
    status: int
    sends: Mapping[str, str] = field(default_factory=dict)
    gets: Mapping[str, str | None] = field(default_factory=dict)
    had: int = 100
    then: int | None = None
    data: int | bytes | None = None
    kind: str = STREAM


PATCH = {"Upload-Offset": "100"}
ROWS = [
    Row("Upload-Offset", "HEAD", 200, gets={"Upload-Offset": "100", "Upload-Length": str(LENGTH)}),
    Row("HEAD", "HEAD", 200, gets={"Upload-Offset": "0"}, had=0),
    Row("HEAD", "HEAD", 200, gets={"Upload-Offset": str(LENGTH)}, had=LENGTH),
    Row("HEAD", "HEAD", 200, gets={"Cache-Control": "no-store", "Upload-Defer-Length": None}),
    Row("PATCH", "PATCH", 204, PATCH, {"Upload-Offset": "300"}, data=200, then=300),
    Row("PATCH", "PATCH", 415, PATCH, kind="application/octet-stream", data=200, then=100),
    Row("PATCH", "PATCH", 415, PATCH, kind="", data=200, then=100),
    Row("PATCH", "PATCH", 204, {"Upload-Offset": str(LENGTH)}, {"Upload-Offset": str(LENGTH)}, had=LENGTH, data=0),
    Row("PATCH", "PATCH", 413, {"Upload-Offset": str(LENGTH)}, had=LENGTH, data=1, then=LENGTH),
    Row("PATCH", "PATCH", 409, {"Upload-Offset": "0"}, had=LENGTH, data=0, then=LENGTH),
    Row("PATCH", "PATCH", 204, PATCH, {"Upload-Offset": "100"}, data=0, then=100),
    *(
        Row("PATCH: lies", "PATCH", status, {"Upload-Offset": told}, {"Upload-Offset": None}, data=9, then=100)
        for told, status in {
            "0": 409, "99": 409, "101": 409, "4999": 409, "999999999999999": 409, "-1": 400, "": 400, "1e2": 400,
            "0x64": 400, "100.0": 400, "+100": 400, "9" * 30: 400, "100, 100": 400, "٣": 400,
        }.items()
    ),
    Row("PATCH: the offset is missing", "PATCH", 400, data=9, then=100),
    Row("PATCH: more than announced", "PATCH", 413, PATCH, data=LENGTH, then=100),
    Row("Tus-Resumable", "PATCH", 412, {**PATCH, "Tus-Resumable": ""}, {"Tus-Version": "1.0.0"}, data=9, then=100),
    Row("Tus-Resumable", "PATCH", 412, {**PATCH, "Tus-Resumable": "2.0.0"}, {"Tus-Version": "1.0.0"}, data=9, then=100),
    Row("Tus-Resumable", "HEAD", 412, {"Tus-Resumable": "0.2.2"}, {"Tus-Version": "1.0.0", "Upload-Offset": None}),
    Row("OPTIONS", "OPTIONS", 204, {"Tus-Resumable": ""}, {"Tus-Version": "1.0.0", "Tus-Max-Size": str(1 << 30)}),
    Row("OPTIONS", "OPTIONS", 204, {"Tus-Resumable": "9.9.9"}, {"Tus-Checksum-Algorithm": "sha256,sha1"}),
    Row("X-HTTP-Method-Override", "POST", 204, {**PATCH, "X-HTTP-Method-Override": "PATCH"}, data=200, then=300),
    Row("X-HTTP-Method-Override", "PATCH", 200, {"X-HTTP-Method-Override": "HEAD"}, {"Upload-Offset": "100"}, then=100),
    Row("X-HTTP-Method-Override", "POST", 204, {"X-HTTP-Method-Override": "DELETE"}),
    Row("X-HTTP-Method-Override", "POST", 405, {"X-HTTP-Method-Override": "PUT"}, then=100),
    # A HEAD is not asked for its token against forgery, so that it stays one.
    Row("X-HTTP-Method-Override", "HEAD", 405, {"X-HTTP-Method-Override": "DELETE"}, then=100),
    Row("Requests", "GET", 405, then=100),
    Row("Requests", "POST", 405, gets={"Allow": "OPTIONS, HEAD, PATCH, DELETE"}, then=100),
    Row("Upload-Length", "PATCH", 204, {**PATCH, "Upload-Length": str(LENGTH)}, data=200, then=300),
    Row("Upload-Defer-Length: set once", "PATCH", 400, {**PATCH, "Upload-Length": "4999"}, data=200, then=100),
    Row("Checksum", "PATCH", 400, {**PATCH, "Upload-Checksum": "crc32 AAAAAA=="}, data=9, then=100),
    Row("Checksum", "PATCH", 400, {**PATCH, "Upload-Checksum": "SHA256 AAAA"}, data=9, then=100),
    Row("Checksum", "PATCH", 400, {**PATCH, "Upload-Checksum": "sha256"}, data=9, then=100),
    Row("Checksum", "PATCH", 400, {**PATCH, "Upload-Checksum": "sha256 %%%"}, data=9, then=100),
    Row("Checksum", "PATCH", 460, {**PATCH, "Upload-Checksum": digest("sha1", b"else")}, data=200, then=100),
    Row("Checksum", "PATCH", 460, {**PATCH, "Upload-Checksum": digest("sha256", b"else")}, data=200, then=100),
    Row("Termination", "DELETE", 204),
    Row("Termination: a completed one", "DELETE", 204, had=LENGTH),
]  # fmt: skip


@pytest.fixture
def begun(tus: Tus, draft: Report, seal: Seal) -> Callable[[int], tuple[str, bytes]]:
    """An upload of `LENGTH` bytes of which some have been sent: its address, and all its bytes."""

    def begin(had: int) -> tuple[str, bytes]:
        data = seal(LENGTH - (len(seal(LENGTH)) - LENGTH))
        place = tus.begin(draft.ref, LENGTH)
        assert len(data) == LENGTH
        assert tus.patch(place, 0, data[:had]).status_code == 204
        return place, data

    return begin


def ask(tus: Tus, row: Row, place: str, data: bytes) -> TestResponse:
    headers = {name: value.encode().decode("latin-1") for name, value in {**SPOKEN, **row.sends}.items() if value}
    if row.sends.get("Upload-Offset") == "":
        headers["Upload-Offset"] = ""
    body = data[row.had : row.had + row.data] if isinstance(row.data, int) else row.data
    if isinstance(row.data, int) and row.had + row.data > len(data):
        body = bytes(row.data)
    return tus.client.open(place, method=row.method, data=body, headers=headers, content_type=row.kind or None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}-{row.method}-{row.status}")
def test_each_sentence_of_the_protocol(tus: Tus, begun: Callable[[int], tuple[str, bytes]], row: Row) -> None:
    place, data = begun(row.had)

    answer = ask(tus, row, place, data)

    assert answer.status_code == row.status, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Cache-Control"] == "no-store"
    for name, value in row.gets.items():
        assert answer.headers.get(name) == value
    if row.method == "PATCH" and row.status in (204, 409, 413, 460):
        assert parsedate_to_datetime(answer.headers["Upload-Expires"]).tzinfo is not None
    if row.then is not None:
        assert tus.head(place).headers["Upload-Offset"] == str(row.then)
    if row.method != "HEAD" and row.status >= 400 and row.method != "GET":
        assert answer.mimetype == "text/plain"
        assert len(answer.text) > 10


@dataclass(frozen=True)
class Begin:
    """A section, what is sent beside the usual to begin an upload (empty: left out), and what is answered."""

    section: str
    status: int
    sends: Mapping[str, str] = field(default_factory=dict)
    gets: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes = b""


REPORT, KIND = pair("report", "TCR-0001"), pair("kind", "body")
BEGINS = [
    Begin("Creation", 201, {"Upload-Length": "100", "Upload-Defer-Length": ""}),
    Begin("Creation", 201, {"Upload-Length": "0", "Upload-Defer-Length": ""}),
    Begin("Creation: defer length", 201),
    Begin("Creation: neither", 400, {"Upload-Defer-Length": ""}),
    Begin("Creation: both", 400, {"Upload-Length": "100"}),
    Begin("Upload-Defer-Length", 400, {"Upload-Defer-Length": "0"}),
    Begin("Upload-Defer-Length", 400, {"Upload-Defer-Length": "true"}),
    Begin("Upload-Defer-Length", 400, {"Upload-Length": "100", "Upload-Defer-Length": "2"}),
    Begin("Upload-Length", 400, {"Upload-Length": "-1", "Upload-Defer-Length": ""}),
    Begin("Upload-Length", 400, {"Upload-Length": "ten", "Upload-Defer-Length": ""}),
    Begin("Tus-Max-Size", 413, {"Upload-Length": str((1 << 30) + 1), "Upload-Defer-Length": ""}),
    Begin("Tus-Max-Size", 201, {"Upload-Length": str(1 << 30), "Upload-Defer-Length": ""}),
    Begin("Upload-Metadata", 201, {"Upload-Metadata": f"{KIND},{REPORT}"}),
    Begin("Upload-Metadata", 201, {"Upload-Metadata": f"{REPORT}, {KIND}"}),
    Begin("Upload-Metadata: an empty value", 404, {"Upload-Metadata": f"report,{KIND}"}),
    Begin("Upload-Metadata: an empty value", 404, {"Upload-Metadata": f"report ,{KIND}"}),
    Begin("Upload-Metadata: unique keys", 400, {"Upload-Metadata": f"{REPORT},{KIND},{KIND}"}),
    Begin("Upload-Metadata: bad base64", 400, {"Upload-Metadata": f"report T*R,{KIND}"}),
    Begin("Upload-Metadata: bad base64", 400, {"Upload-Metadata": f"report QUJ,{KIND}"}),
    Begin("Upload-Metadata: two spaces", 400, {"Upload-Metadata": f"report QUI= QUI=,{KIND}"}),
    Begin("Upload-Metadata: not UTF-8", 400, {"Upload-Metadata": f"report /w==,{KIND}"}),
    Begin("Upload-Metadata: an empty key", 400, {"Upload-Metadata": f"{REPORT},,{KIND}"}),
    Begin("Upload-Metadata: a key not in ASCII", 400, {"Upload-Metadata": f"{REPORT},{KIND},größe QUI="}),
    Begin("Upload-Metadata: too long", 400, {"Upload-Metadata": pair("report", "x" * 4000)}),
    Begin("Upload-Metadata: what is none of ours", 400, {"Upload-Metadata": f"{REPORT},{KIND},filename cG9j"}),
    Begin("Creation With Upload: not offered", 400, {"Content-Type": STREAM}, {"Upload-Offset": None}, b"hello"),
    Begin("Concatenation: not offered", 400, {"Upload-Concat": "partial"}),
    Begin("Concatenation: not offered", 400, {"Upload-Concat": "final;/a /b", "Upload-Defer-Length": ""}),
    Begin("Tus-Resumable", 412, {"Tus-Resumable": ""}, {"Tus-Version": "1.0.0"}),
    Begin("X-HTTP-Method-Override", 405, {"X-HTTP-Method-Override": "PATCH"}),
]  # fmt: skip


@pytest.mark.parametrize("row", BEGINS, ids=lambda row: f"{row.section}-{row.status}")
def test_each_sentence_about_the_beginning(tus: Tus, session: Session, draft: Report, row: Begin) -> None:
    usual = {**SPOKEN, "Upload-Defer-Length": "1", "Upload-Metadata": metadata(draft.ref)}
    headers = {name: value.encode().decode("latin-1") for name, value in {**usual, **row.sends}.items() if value}

    answer = tus.client.post(UPLOADS, data=row.body, headers=headers)

    assert answer.status_code == row.status, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    for name, value in row.gets.items():
        assert answer.headers.get(name) == value
    assert len(files.of_report(session, draft.id)) == (row.status == 201)
    if row.status == 201:
        assert parsedate_to_datetime(answer.headers["Upload-Expires"]).tzinfo is not None
        head = tus.head(answer.headers["Location"])
        assert head.headers["Upload-Metadata"] == metadata(draft.ref)
        assert head.headers["Upload-Offset"] == "0"
        assert ("Upload-Defer-Length" in head.headers) is ("Upload-Length" not in row.sends)
    else:
        assert answer.mimetype == "text/plain"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_checksums_that_are_taken(tus: Tus, draft: Report, seal: Seal, algorithm: str) -> None:
    data = seal(500)
    place = tus.begin(draft.ref, len(data))

    answer = tus.patch(place, 0, data, **{"Upload-Checksum": digest(algorithm, data)})

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(data)))


def test_an_unknown_address_is_not_found_in_the_protocols_way(tus: Tus, draft: Report) -> None:
    for place in (f"{UPLOADS}/00000000-0000-4000-8000-000000000000", f"{UPLOADS}/none"):
        answer = tus.head(place)
        assert (answer.status_code, answer.headers["Tus-Resumable"]) == (404, "1.0.0")
        assert "Upload-Offset" not in answer.headers
        assert tus.patch(place, 0, b"x").status_code == 404
        assert tus.delete(place).status_code == 404


def test_what_stands_before_the_protocol_speaks_it_too(app: Flask, tus: Tus, draft: Report) -> None:
    place = tus.begin(draft.ref)
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert tus.patch(place, 0, b"x").headers["Tus-Resumable"] == "1.0.0"
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    sign_in(tus.client, None)
    assert tus.head(place).headers["Tus-Resumable"] == "1.0.0"
    wrong = Tus(tus.client, Authorization="Bearer rcp_wrong").head(place)
    assert (wrong.status_code, wrong.headers["Tus-Resumable"]) == (401, "1.0.0")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"


def test_expiry_moves_on_with_each_part_and_ends_the_upload(tus: Tus, draft: Report, seal: Seal, clock: Clock) -> None:
    data = seal(500)
    begun = tus.create(draft.ref)
    place, first = begun.headers["Location"], parsedate_to_datetime(begun.headers["Upload-Expires"])
    clock.tick(hours=20)
    second = parsedate_to_datetime(tus.patch(place, 0, data[:9]).headers["Upload-Expires"])
    assert (second - first).total_seconds() == 20 * 3600
    assert parsedate_to_datetime(tus.head(place).headers["Upload-Expires"]) == second
    clock.tick(hours=25)

    late = tus.head(place)

    assert (late.status_code, late.headers.get("Upload-Offset")) == (410, None)


def test_a_length_is_told_once_and_with_a_part(tus: Tus, draft: Report, seal: Seal) -> None:
    data = seal(500)
    place = tus.begin(draft.ref)
    assert tus.patch(place, 0, data[:200]).status_code == 204
    assert tus.patch(place, 200, b"", **{"Upload-Length": "199"}).status_code == 400
    assert tus.patch(place, 200, data[200:300], **{"Upload-Length": str(len(data))}).status_code == 204
    head = tus.head(place)
    assert (head.headers["Upload-Length"], head.headers.get("Upload-Defer-Length")) == (str(len(data)), None)
    assert tus.patch(place, 300, b"", **{"Upload-Length": str(len(data) + 1)}).status_code == 400

    assert tus.patch(place, 300, data[300:]).status_code == 204


def test_a_store_that_is_away_is_told_with_when_to_come_again(
    tus: Tus, draft: Report, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object, **_named: object) -> int:
        raise Unavailable("The store of files does not answer.")

    monkeypatch.setattr(intake, "receive", away)
    answer = tus.patch(tus.begin(draft.ref), 0, seal(500))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
    assert answer.text == "The store of files does not answer.\n"


def test_one_participant_does_not_take_all_places(app: Flask, tus: Tus, draft: Report, seal: Seal) -> None:
    place = tus.begin(draft.ref)
    app.config["PACE"] = Pace(at_once=0)
    try:
        answer = tus.patch(place, 0, seal(500))
    finally:
        del app.config["PACE"]

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert answer.text == "At most 0 files are taken at once. Wait until one has arrived, then go on.\n"
    assert tus.patch(place, 0, seal(500)).status_code == 204


@pytest.mark.parametrize("checked", [False, True])
def test_the_newer_of_two_requests_takes_over_and_the_older_learns_of_it_at_its_next_piece(
    session: Session,
    tus: Tus,
    draft: Report,
    seal: Seal,
    store: Blobs,
    monkeypatch: pytest.MonkeyPatch,
    *,
    checked: bool,
) -> None:
    """The older one is told long before it has sent everything, and what it had stored is gone from the store."""
    monkeypatch.setattr("portal.reports.rules.PART", 1024)
    data = seal(60_000)
    place = tus.begin(draft.ref, len(data))
    older, newer = tus.client.application.test_client(), tus.client
    with older.session_transaction() as cookie, newer.session_transaction() as mine:
        cookie.update(mine)
    sent = 0

    def coming(stream: IO[bytes], most: int | None, *_more: object) -> Iterator[memoryview]:
        """Each piece counts when the second after it has come, and no sooner."""
        nonlocal sent
        for piece in pieces(stream, most, intake.BESIDE):
            sent += 1
            if sent == 5:
                monkeypatch.setattr(intake, "pieces", pieces)
                position = int(Tus(newer).head(place).headers["Upload-Offset"])
                assert position == (0 if checked else 2 * 1024)
                assert Tus(newer).patch(place, position, data[position:]).status_code == 204
            yield piece

    monkeypatch.setattr(intake, "pieces", coming)
    more = {"Upload-Checksum": digest("sha256", data)} if checked else {}
    answer = Tus(older).patch(place, 0, data, **more)

    assert answer.status_code == 409, answer.text
    assert sent == 5
    number = place.rpartition("/")[2]
    chunks = files.chunks(session, number)
    assert store.list(f"reports/{number}") == sorted(chunk.key for chunk in chunks)
    assert sum(chunk.size for chunk in chunks) == len(data)
    assert [chunk.offset for chunk in chunks] == [sum(each.size for each in chunks[:n]) for n in range(len(chunks))]
