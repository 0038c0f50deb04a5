"""What the selection may know of the stock."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.kits import queries
from portal.kits.models import Shipment, ShipmentUnit, Unit
from portal.kits.states import BEFORE_LABEL, UnitState
from portal.selection import supply


def free_units(session: Session, challenge_id: int) -> int | None:
    """Units in stock less one for each participant who has no parcel, and for each parcel that is still empty.

    None where the challenge has no units at all: then it sends none.
    """
    known, stock = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(Unit.state == UnitState.IN_STOCK)).where(
            Unit.challenge_id == challenge_id
        )
    ).one()
    if not known:
        return None
    filled = sa.select(ShipmentUnit.id).where(ShipmentUnit.shipment_id == Shipment.id, ShipmentUnit.live)
    empty = sa.select(sa.func.count()).where(
        Shipment.challenge_id == challenge_id, Shipment.state.in_(BEFORE_LABEL), ~filled.exists()
    )
    waiting = session.scalars(empty).one() + len(queries.unplanned(session, challenge_id))
    return max(0, int(stock) - waiting)


supply.stocks.append(free_units)
