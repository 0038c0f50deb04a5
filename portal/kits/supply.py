"""What the selection may know of the stock."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import clock
from portal.kits import queries
from portal.kits.models import Shipment, ShipmentUnit, Unit
from portal.kits.queries.policy import in_force
from portal.kits.rules.policy import Reach, reach
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


def _reach(session: Session, challenge_id: int) -> Reach:
    return reach(in_force(session, challenge_id, clock.now().date()))


def blocked_countries(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries to which the policies let nothing go, whatever part of them it is."""
    return _reach(session, challenge_id).blocked


def review_countries(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries of which a person is to look at each parcel, or whose parts have different policies."""
    return _reach(session, challenge_id).review


supply.stocks.append(free_units)
supply.barred.append(blocked_countries)
supply.review.append(review_countries)
