"""What becomes of a wave and of each answer in it, and the words of the passes before."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class Pool(StrEnum):
    """What reviewers are offered in the second pass: everything, or what the lead has put into it."""

    ALL = "all"
    CHOSEN = "chosen"


class ConflictKind(StrEnum):
    """How it is known that somebody must not judge an application."""

    DECLARED = "declared"
    AFFILIATION = "affiliation"
    TEAM = "team"


class WaveState(StrEnum):
    """A draft is a frozen list that nobody has been told of."""

    DRAFT = "draft"
    RELEASING = "releasing"
    RELEASED = "released"
    DISCARDED = "discarded"


class EntryState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"


_LEAD = frozenset({Role.LEAD.value})

RELEASE = Move(
    "release", "Release the wave", frozenset({WaveState.DRAFT}), WaveState.RELEASING, by=_LEAD, needs=("count",)
)
DISCARD = Move("discard", "Discard the wave", frozenset({WaveState.DRAFT}), WaveState.DISCARDED, by=_LEAD)
FINISH = Move("finish", "Finish", frozenset({WaveState.RELEASING}), WaveState.RELEASED)

MOVES = (RELEASE, DISCARD, FINISH)
