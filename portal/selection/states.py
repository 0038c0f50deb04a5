"""What becomes of a wave and of each answer in it."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


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
