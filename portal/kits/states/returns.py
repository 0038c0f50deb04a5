"""What people ask for after a parcel: that a kit comes back, and that another one comes instead."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class ReturnState(StrEnum):
    ASKED = "asked"
    ANNOUNCED = "announced"
    ARRIVED = "arrived"
    INSPECTED = "inspected"
    CANCELLED = "cancelled"


class ReplacementState(StrEnum):
    ASKED = "asked"
    PLANNED = "planned"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Condition(StrEnum):
    """How a unit looks that came back."""

    GOOD = "good"
    WORN = "worn"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"


R, A = ReturnState, ReplacementState
_LOGISTICS = frozenset({Role.LOGISTICS.value})

# Whoever announces it again corrects what was announced.
ANNOUNCE = Move(
    "announce", "Announce the return", frozenset({R.ASKED, R.ANNOUNCED}), R.ANNOUNCED, by=_LOGISTICS,
    needs=("expected_on",),
)  # fmt: skip
ARRIVE = Move("arrive", "Mark as arrived", frozenset({R.ASKED, R.ANNOUNCED}), R.ARRIVED, by=_LOGISTICS)
# Taken with the last unit that is looked at.
INSPECT = Move("inspect", "Inspected", frozenset({R.ARRIVED}), R.INSPECTED)
CANCEL_RETURN = Move(
    "cancel", "Cancel the return", frozenset({R.ASKED, R.ANNOUNCED}), R.CANCELLED, by=_LOGISTICS, needs=("reason",)
)

RETURN_MOVES = (ANNOUNCE, ARRIVE, INSPECT, CANCEL_RETURN)
# It is still to come back.
EXPECTED = (R.ASKED, R.ANNOUNCED)

PLAN = Move("plan", "Plan a replacement", frozenset({A.ASKED}), A.PLANNED, by=_LOGISTICS)
REFUSE = Move("refuse", "Say no", frozenset({A.ASKED}), A.REFUSED, by=_LOGISTICS, needs=("answer",))
WITHDRAW = Move("withdraw", "Take it back", frozenset({A.ASKED}), A.WITHDRAWN)

REPLACEMENT_MOVES = (PLAN, REFUSE, WITHDRAW)
