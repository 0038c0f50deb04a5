"""A shipment's way from the plan to the researcher's word that it is there."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move
from portal.kits.states.units import ARRIVE, LOSE_UNIT, RELEASE, SHIP, TAKE_BACK


class ShipmentState(StrEnum):
    PLANNED = "planned"
    ADDRESS_REQUESTED = "address_requested"
    ADDRESS_CONFIRMED = "address_confirmed"
    HELD = "held"
    READY = "ready"
    PACKED = "packed"
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    EXCEPTION = "exception"
    CUSTOMS_HOLD = "customs_hold"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    RECEIVED = "received"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    CANCELLED = "cancelled"


class Word(StrEnum):
    """What the participant says of a parcel. A carrier's "delivered" is not one of these."""

    RECEIVED = "received"
    DAMAGED = "damaged"
    DUTY = "duty"
    NOTHING = "nothing"


S = ShipmentState
_LOGISTICS = frozenset({Role.LOGISTICS.value})

BEFORE_LABEL = (S.PLANNED, S.ADDRESS_REQUESTED, S.ADDRESS_CONFIRMED, S.HELD, S.READY, S.PACKED)
BEFORE_HAND_OVER = (*BEFORE_LABEL, S.LABELLED)
# While the box is open: units may be put in and taken out.
OPEN_BOX = frozenset({S.PLANNED, S.ADDRESS_REQUESTED, S.ADDRESS_CONFIRMED, S.HELD, S.READY})
WAITS_FOR_ADDRESS = frozenset({S.PLANNED, S.ADDRESS_REQUESTED})
ON_THE_WAY = (
    S.HANDED_OVER, S.IN_TRANSIT, S.EXCEPTION, S.CUSTOMS_HOLD, S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP,
)  # fmt: skip
# The participant may say how it arrived.
ARRIVING = (*ON_THE_WAY, S.DELIVERED)
# Nothing more is to be done with these (a received one may still come back).
OVER = (S.RECEIVED, S.RETURNED, S.LOST, S.CANCELLED)
OPEN = tuple(state for state in S if state not in OVER)

REQUEST_ADDRESS = Move(
    "request-address", "Ask for the address", frozenset({S.PLANNED}), S.ADDRESS_REQUESTED, by=_LOGISTICS
)
CONFIRM_ADDRESS = Move("confirm-address", "Confirm the address", WAITS_FOR_ADDRESS, S.ADDRESS_CONFIRMED)
# Whatever was prepared is prepared again afterwards. A parcel goes on by itself when the last reason for holding it is
# gone: people give their verdict on the reasons.
HOLD = Move("hold", "Hold", frozenset(BEFORE_HAND_OVER) - {S.HELD}, S.HELD, by=_LOGISTICS, needs=("reason",))
LET_GO = Move("let-go", "Let it go on", frozenset({S.HELD}), S.ADDRESS_CONFIRMED)
LET_WAIT = Move("let-wait", "Let it wait for its address", frozenset({S.HELD}), S.PLANNED)
READY = Move("ready", "Mark as ready", frozenset({S.ADDRESS_CONFIRMED}), S.READY, by=_LOGISTICS)
PACK = Move("pack", "Mark as packed", frozenset({S.READY}), S.PACKED, by=_LOGISTICS)
LABEL = Move(
    "label", "Label it", frozenset({S.PACKED}), S.LABELLED, by=_LOGISTICS, needs=("carrier", "tracking_number")
)
# The participant's: whatever was prepared for the old address is prepared again.
CHANGE_ADDRESS = Move(
    "change-address", "Change the address", frozenset({S.READY, S.PACKED, S.LABELLED}), S.ADDRESS_CONFIRMED
)
HAND_OVER = Move("hand-over", "Hand to the carrier", frozenset({S.LABELLED}), S.HANDED_OVER, by=_LOGISTICS)

# What tracking says. A move back to where it was ("in transit" after an exception) is one of these too.
TRANSIT = Move("transit", "In transit", frozenset({S.HANDED_OVER, S.EXCEPTION, S.CUSTOMS_HOLD}), S.IN_TRANSIT)
EXCEPT = Move(
    "exception",
    "Exception",
    frozenset({S.HANDED_OVER, S.IN_TRANSIT, S.CUSTOMS_HOLD, S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP}),
    S.EXCEPTION,
)
CUSTOMS = Move("customs-hold", "Held by customs", frozenset({S.HANDED_OVER, S.IN_TRANSIT, S.EXCEPTION}), S.CUSTOMS_HOLD)
OUT = Move("out-for-delivery", "Out for delivery", frozenset(ON_THE_WAY) - {S.OUT_FOR_DELIVERY}, S.OUT_FOR_DELIVERY)
PICKUP = Move(
    "available-for-pickup", "Available for pickup", frozenset(ON_THE_WAY) - {S.AVAILABLE_FOR_PICKUP},
    S.AVAILABLE_FOR_PICKUP,
)  # fmt: skip
DELIVER = Move("deliver", "Delivered", frozenset(ON_THE_WAY), S.DELIVERED)
TURN_BACK = Move("turn-back", "On its way back", frozenset(ARRIVING), S.RETURNING)
TRACKING = (TRANSIT, EXCEPT, CUSTOMS, OUT, PICKUP, DELIVER, TURN_BACK)

RECEIVE = Move("receive", "Mark as received", frozenset(ARRIVING), S.RECEIVED, by=_LOGISTICS)
SEND_BACK = Move("send-back", "Expect it back", frozenset({S.RECEIVED}), S.RETURNING, by=_LOGISTICS)
# A return that is called off.
STAY = Move("stay", "Stays where it is", frozenset({S.RETURNING}), S.RECEIVED)
COME_BACK = Move("come-back", "Mark as returned", frozenset({S.RETURNING}), S.RETURNED, by=_LOGISTICS)
LOSE = Move("lose", "Give up as lost", frozenset(ARRIVING) | {S.RETURNING}, S.LOST, by=_LOGISTICS, needs=("reason",))
CANCEL = Move("cancel", "Cancel", frozenset(BEFORE_HAND_OVER), S.CANCELLED, by=_LOGISTICS, needs=("reason",))

MOVES = (
    REQUEST_ADDRESS, CONFIRM_ADDRESS, HOLD, LET_GO, LET_WAIT, READY, PACK, LABEL, CHANGE_ADDRESS, HAND_OVER, TRANSIT,
    EXCEPT, CUSTOMS, OUT, PICKUP, DELIVER, TURN_BACK, RECEIVE, SEND_BACK, STAY, COME_BACK, LOSE, CANCEL,
)  # fmt: skip

# What becomes of the units in the box, and whether they leave it.
UNITS_WITH = {
    HAND_OVER.name: SHIP, RECEIVE.name: ARRIVE, COME_BACK.name: TAKE_BACK, LOSE.name: LOSE_UNIT, CANCEL.name: RELEASE,
}  # fmt: skip
EMPTIES = frozenset({COME_BACK.name, LOSE.name, CANCEL.name})

# Tracking may tell of these at any point of the way.
TROUBLES = frozenset({S.EXCEPTION, S.CUSTOMS_HOLD})
# How far along the way a state is. What tracking says goes back a step only where a later scan tells of a trouble.
RANK = {
    S.HANDED_OVER: 0, S.IN_TRANSIT: 1, S.EXCEPTION: 1, S.CUSTOMS_HOLD: 1, S.OUT_FOR_DELIVERY: 2,
    S.AVAILABLE_FOR_PICKUP: 2, S.DELIVERED: 3, S.RECEIVED: 4, S.RETURNING: 5, S.RETURNED: 6, S.LOST: 6,
}  # fmt: skip
