"""Pure answers about parcels and what is told of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from portal.core.errors import Conflict, Refused
from portal.core.moves import Move
from portal.kits import states
from portal.kits.states import RANK, ShipmentState, UnitState, Word

# How long after its delivery an address is kept, how long people have for giving it, and after how long without a scan
# somebody should ask the carrier.
KEEP_ADDRESS = timedelta(days=30)


ADDRESS_WITHIN = timedelta(days=7)


SILENT_AFTER = timedelta(days=5)


# Where a parcel is, in words for the person who waits for it.
WHERE = {
    ShipmentState.PLANNED: "A kit is set aside for you. We will ask you where to send it.",
    ShipmentState.ADDRESS_REQUESTED: "We need an address to send your kit to.",
    ShipmentState.ADDRESS_CONFIRMED: "We have your address. Your kit will be packed next.",
    # Why a parcel is held is between the team and its lawyers; that it takes longer is not.
    ShipmentState.HELD: "Preparing this parcel takes a little longer.",
    ShipmentState.READY: "Your kit is about to be packed.",
    ShipmentState.PACKED: "Your kit is packed.",
    ShipmentState.LABELLED: "Your kit waits for the carrier to fetch it.",
    ShipmentState.HANDED_OVER: "The carrier has your kit.",
    ShipmentState.IN_TRANSIT: "Your kit is on its way to you.",
    ShipmentState.EXCEPTION: "The carrier reports a problem. We are looking after it.",
    ShipmentState.CUSTOMS_HOLD: "Customs are looking at your kit. If they ask you for duty, tell us here.",
    ShipmentState.OUT_FOR_DELIVERY: "Your kit is out for delivery.",
    ShipmentState.AVAILABLE_FOR_PICKUP: "Your kit waits for you at the carrier's place.",
    ShipmentState.DELIVERED: "The carrier says that your kit is delivered. Is it?",
    ShipmentState.RECEIVED: "You have your kit.",
    ShipmentState.RETURNING: "This kit comes back to us.",
    ShipmentState.RETURNED: "The kit is back with us.",
    ShipmentState.LOST: "This parcel is lost.",
    ShipmentState.CANCELLED: "This parcel was cancelled.",
}


def tracking_move(
    state: ShipmentState, status: ShipmentState, *, occurred_at: datetime, tracked_at: datetime
) -> Move[ShipmentState] | None:
    """The move that news of tracking make; None where they are too late, or tell nothing new.

    Forward is right even when it happened earlier than what we knew: a carrier may leave scans out, and tell of them
    later. Not so out of a trouble, which comes at any point of the way, and not back to us, for that would undo what
    came after it: those, and every step sideways or back, only if they happened after that which brought the parcel to
    where it is. Whatever a carrier tells of a parcel that we have just handed over is newer than our own clock.
    """
    move = next((move for move in states.TRACKING if move.target is status and state in move.sources), None)
    if move is None or occurred_at > tracked_at or state is ShipmentState.HANDED_OVER:
        return move
    undoes = move is states.TURN_BACK or (state in states.TROUBLES and move is not states.DELIVER)
    return move if RANK[status] > RANK[state] and not undoes else None


def check_assign(state: ShipmentState, unit: UnitState) -> None:
    """Raises Refused where this unit cannot go into this parcel."""
    if state not in states.OPEN_BOX:
        raise Refused("The parcel is packed. Units go in before that.")
    if unit is not UnitState.IN_STOCK:
        raise Refused(f"This unit is {unit.replace('_', ' ')}. Only a unit in stock can be put into a parcel.")


def check_step(move: Move[ShipmentState], units: int, has_address: bool) -> None:
    """Raises Refused where something that the step takes for granted is missing."""
    if move in (states.READY, states.PACK, states.LABEL, states.HAND_OVER) and not has_address:
        raise Refused("There is no address to send it to.")
    if move in (states.PACK, states.HAND_OVER) and not units:
        raise Refused("There is nothing in the parcel. Put a unit in by its serial number first.")


def check_word(state: ShipmentState, word: Word) -> None:
    """Raises Refused where the participant cannot say this of the parcel."""
    if state not in states.ARRIVING and not (state is ShipmentState.RECEIVED and word is Word.DAMAGED):
        raise Refused("You can say how it arrived once it is on its way.")


def check_count(told: int | None, now: int) -> None:
    """Raises Conflict where the page on which somebody pressed the button counted otherwise."""
    if told != now:
        raise Conflict(f"It is {now} now, not {told}. Look at the list again.")


def check_address_change(parcels: Iterable[ShipmentState]) -> None:
    """Raises Refused while a parcel is under way to the old address."""
    if any(state in states.ARRIVING for state in parcels):
        raise Refused("Your parcel is on its way. Ask the carrier to redirect it, or write to us.")
