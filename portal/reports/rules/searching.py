"""What a triager looks for in the queue, as it stands in the address."""

from collections.abc import Mapping
from typing import NamedTuple

from portal.core.errors import NotFound
from portal.reports.states import ReportKind, ReportState, Severity

# Orders of the queue by their names in addresses; a minus turns one round.
SORTS = ("due", "received", "since", "ref")
# Words of the address besides numbers: every state, my own, nobody's, builds that are not in the list.
ALL, MINE, NOBODY, OTHER = "all", "me", "nobody", "other"
# What of the team's a report may wait for besides its clock.
MESSAGE, LINKS = "message", "links"
_WORDS = ("who", "severity", "claimed", "kind", "build", "waits", "q", "sort")


class Search(NamedTuple):
    """Which reports, and in which order. An empty word does not narrow.

    `state` is one state, "" for all that wait, or "all"; `who` a number, "me" or "nobody"; `build` a number or "other";
    `waits` is "message" where the researcher has had the last word, "links" where a report is confirmed and nobody has
    decided on some of its links.
    """

    state: str = ""
    late: bool = False
    waits: str = ""
    who: str = ""
    severity: str = ""
    claimed: str = ""
    kind: str = ""
    scenario: int | None = None
    build: str = ""
    participant: int | None = None
    q: str = ""
    sort: str = ""

    @property
    def descends(self) -> bool:
        """Whether the order is turned round."""
        return self.sort.startswith("-")

    @property
    def order(self) -> str:
        """The name of the order; what is due first, unless the address says otherwise."""
        return self.sort.lstrip("-") or SORTS[0]


def read_search(told: Mapping[str, str], state: str = "") -> Search:
    """What an address says; `state` is what it means where it says no state. Raises NotFound for what means nothing."""
    words = {name: told.get(name, "").strip() for name in _WORDS}
    found = Search(
        state=told.get("state", state), late=told.get("late", "") not in ("", "0"),
        scenario=_number(told.get("scenario", "")), participant=_number(told.get("participant", "")),
        **{**words, "q": words["q"][:120].replace("\0", "")},
    )  # fmt: skip
    _check(found.state, ["", ALL, *ReportState], "state")
    _check(found.severity, ["", *Severity], "severity")
    _check(found.claimed, ["", *Severity], "severity")
    _check(found.kind, ["", *ReportKind], "kind")
    _check(found.waits, ["", MESSAGE, LINKS], "choice")
    _check(found.order, SORTS, "order")
    for word, known in ((found.who, ("", MINE, NOBODY)), (found.build, ("", OTHER))):
        if word not in known:
            _number(word)
    return found


def _check(word: str, known: object, what: str) -> None:
    if word not in known:  # type: ignore[operator]
        raise NotFound(what)


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound("choice")
    return int(text)
