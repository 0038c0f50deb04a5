"""A unit's life: from the stock to the researcher, and what becomes of it then."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class UnitState(StrEnum):
    IN_STOCK = "in_stock"
    RESERVED = "reserved"
    SHIPPED = "shipped"
    WITH_PARTICIPANT = "with_participant"
    RETURNED = "returned"
    KEPT = "kept"
    LOST = "lost"
    FAULTY = "faulty"
    RETIRED = "retired"


U = UnitState
_LOGISTICS = frozenset({Role.LOGISTICS.value})

# A unit. What moves with a shipment is nobody's button; the rest is done at the bench.
RESERVE = Move("reserve", "Reserve", frozenset({U.IN_STOCK}), U.RESERVED)
RELEASE = Move("release", "Put back into stock", frozenset({U.RESERVED}), U.IN_STOCK)
SHIP = Move("ship", "Ship", frozenset({U.RESERVED}), U.SHIPPED)
ARRIVE = Move("arrive", "Arrive", frozenset({U.SHIPPED}), U.WITH_PARTICIPANT)
TAKE_BACK = Move("take-back", "Mark as returned", frozenset({U.SHIPPED, U.WITH_PARTICIPANT}), U.RETURNED)
LOSE_UNIT = Move("lose", "Mark as lost", frozenset({U.SHIPPED, U.WITH_PARTICIPANT}), U.LOST)
KEEP = Move("keep", "Let the participant keep it", frozenset({U.WITH_PARTICIPANT}), U.KEPT, by=_LOGISTICS)
HAND_BACK = Move("hand-back", "Mark as returned", frozenset({U.WITH_PARTICIPANT}), U.RETURNED, by=_LOGISTICS)
# What goes wrong on the shelf; a unit in a parcel is taken out of it first.
_ON_THE_SHELF = frozenset({U.IN_STOCK, U.RESERVED})
MISLAY = Move("mislay", "Mark as lost", _ON_THE_SHELF | {U.WITH_PARTICIPANT}, U.LOST, by=_LOGISTICS)
FAULT = Move("fault", "Mark as faulty", _ON_THE_SHELF | {U.WITH_PARTICIPANT, U.RETURNED}, U.FAULTY, by=_LOGISTICS)
RESTOCK = Move("restock", "Put back into stock", frozenset({U.RETURNED}), U.IN_STOCK, by=_LOGISTICS)
RETIRE = Move("retire", "Retire", frozenset({U.RETURNED, U.KEPT, U.LOST, U.FAULTY}), U.RETIRED, by=_LOGISTICS)

UNIT_MOVES = (
    RESERVE, RELEASE, SHIP, ARRIVE, TAKE_BACK, LOSE_UNIT, KEEP, HAND_BACK, MISLAY, FAULT, RESTOCK, RETIRE,
)  # fmt: skip

# Bound to somebody: exactly these units have a live place in a parcel, or, while reserved, a live reservation.
BOUND = frozenset({U.RESERVED, U.SHIPPED, U.WITH_PARTICIPANT})
