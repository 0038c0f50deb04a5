"""What a link of a chain is, and how triage decides on each one by itself."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move
from portal.reports.states.reports import ReportState


class LinkKind(StrEnum):
    """What a link does in its chain, in words that tell nothing of how."""

    ENTRY = "entry"
    ELEVATION = "elevation"
    BYPASS = "bypass"
    PERSISTENCE = "persistence"
    DISCLOSURE = "disclosure"
    OTHER = "other"


class LinkState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    FIXED = "fixed"
    DUPLICATE = "duplicate"
    # The team had written it down before, and can prove it.
    KNOWN = "known"
    BY_DESIGN = "by_design"
    NOT_REPRODUCIBLE = "not_reproducible"
    OUT_OF_SCOPE = "out_of_scope"


_L, _S = LinkState, ReportState
_TRIAGER = frozenset({Role.TRIAGER.value})
_UNFIXED = frozenset({_L.OPEN, _L.CONFIRMED})

CONFIRM_LINK = Move("confirm", "Confirm", frozenset({_L.OPEN}), _L.CONFIRMED, by=_TRIAGER, needs=("severity",))
FIX_LINK = Move(
    "fix", "Mark as fixed", frozenset({_L.CONFIRMED}), _L.FIXED, by=_TRIAGER, needs=("fixed_release", "fixed_on")
)
DUPLICATE_LINK = Move("duplicate", "Mark as duplicate", _UNFIXED, _L.DUPLICATE, by=_TRIAGER, needs=("duplicate_of",))
KNOWN_LINK = Move("known", "Mark as known", _UNFIXED, _L.KNOWN, by=_TRIAGER, needs=("known_issue",))
BY_DESIGN_LINK = Move(
    "by-design", "Call it by design", _UNFIXED, _L.BY_DESIGN, by=_TRIAGER, needs=("mitigating_layer",)
)
NOT_REPRODUCIBLE_LINK = Move(
    "not-reproducible", "Not reproducible", frozenset({_L.OPEN}), _L.NOT_REPRODUCIBLE, by=_TRIAGER, needs=("message",)
)
OUT_OF_SCOPE_LINK = Move(
    "out-of-scope", "Out of scope", frozenset({_L.OPEN}), _L.OUT_OF_SCOPE, by=_TRIAGER, needs=("message",)
)
REOPEN_LINK = Move("reopen", "Decide anew", frozenset(LinkState) - {_L.OPEN}, _L.OPEN, by=_TRIAGER, needs=("message",))
LINK_MOVES = (
    CONFIRM_LINK, FIX_LINK, DUPLICATE_LINK, KNOWN_LINK, BY_DESIGN_LINK, NOT_REPRODUCIBLE_LINK, OUT_OF_SCOPE_LINK,
    REOPEN_LINK,
)  # fmt: skip

# What counts for the report as found, and may be awarded.
GOOD_LINKS = frozenset({_L.CONFIRMED, _L.FIXED})
# The states of a report in which its chain is drawn up, and those in which its links are decided.
DRAWN_UP = frozenset({_S.UPLOADING, _S.RECEIVED, _S.ACKNOWLEDGED, _S.REPRODUCING, _S.NEEDS_INFO, _S.CONFIRMED})
LINKS_DECIDED = frozenset({_S.ACKNOWLEDGED, _S.REPRODUCING, _S.NEEDS_INFO, _S.CONFIRMED, _S.FIXING, _S.FIXED})
# Reports that nobody can be a duplicate of (any more).
FALLEN = frozenset({_S.UPLOADING, _S.WITHDRAWN, _S.UNREADABLE})

# Steps of a whole report that do not stand in the row of buttons: each has a page of its own.
KNOWN = Move(
    "known", "Mark as a known issue", frozenset({_S.ACKNOWLEDGED, _S.REPRODUCING, _S.NEEDS_INFO, _S.CONFIRMED}),
    _S.DUPLICATE, by=_TRIAGER,
)  # fmt: skip
RECONSIDER = Move("reconsider", "Look at it again", frozenset({_S.DUPLICATE}), _S.ACKNOWLEDGED, by=_TRIAGER)
