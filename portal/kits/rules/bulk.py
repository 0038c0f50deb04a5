"""What may be done to many parcels at once."""

from typing import NamedTuple

from portal.core.moves import Move
from portal.kits import states
from portal.kits.states import ShipmentState

# So many are changed in one transaction, and so many at once at most.
CHUNK, MOST = 50, 1000
# What is done to the units of a parcel, not to the parcel.
KEEP = states.KEEP.name

_MOVES = (
    states.REQUEST_ADDRESS, states.READY, states.PACK, states.HAND_OVER, states.RECEIVE, states.LOSE, states.CANCEL,
)  # fmt: skip
MOVES: dict[str, Move[ShipmentState]] = {move.name: move for move in _MOVES}
LABELS = {**{name: move.label for name, move in MOVES.items()}, KEEP: states.KEEP.label}


class Left(NamedTuple):
    """A parcel to which it was not done, and why."""

    shipment_id: int
    reference: str
    name: str
    reason: str


def needs_reason(verb: str) -> bool:
    """Whether a verb wants to know why."""
    return verb in MOVES and "reason" in MOVES[verb].needs


def is_grave(verb: str) -> bool:
    """Whether it cannot be undone."""
    return verb in (states.LOSE.name, states.CANCEL.name, KEEP)
