"""Parcels that have been waiting for too long, as the database finds them; `rules.late` says the same of one."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.todo import Queue
from portal.kits.models import Shipment, ShipmentEvent
from portal.kits.rules.late import LATE, Late, label

# What is told under this name is ours; all else is a carrier's news.
_OURSELVES = "portal"
_heard = (
    sa.select(sa.func.max(ShipmentEvent.occurred_at))
    .where(ShipmentEvent.shipment_id == Shipment.id, ShipmentEvent.provider != _OURSELVES)
    .correlate(Shipment)
    .scalar_subquery()
)
# When the carrier last told anything, whether or not it moved the parcel; before that, when it got it.
HEARD = sa.func.coalesce(_heard, Shipment.handed_over_at)


def is_late(late: Late, at: datetime) -> sa.ColumnElement[bool]:
    """Late in one way."""
    rule = LATE[late]
    since = HEARD if late is Late.SILENT else Shipment.state_since
    before = sa.literal(at - rule.after, Shipment.state_since.type)
    return sa.and_(Shipment.state.in_(rule.states), since < before)


def any_late(at: datetime) -> sa.ColumnElement[bool]:
    """Late in any way."""
    return sa.or_(*(is_late(late, at) for late in Late))


def heard_of(session: Session, parcels: Iterable[Shipment]) -> dict[int, datetime]:
    """When the carrier last told of each of these."""
    rows = sa.select(Shipment.id, HEARD).where(Shipment.id.in_([parcel.id for parcel in parcels]))
    return {parcel_id: heard for parcel_id, heard in session.execute(rows) if heard is not None}


def _since(late: Late) -> sa.ColumnElement[datetime]:
    return HEARD if late is Late.SILENT else Shipment.state_since  # type: ignore[return-value]


def queues(session: Session, challenge: Challenge, at: datetime) -> Sequence[Queue]:
    """The late ones as piles of work; each address shows exactly what was counted."""
    columns = []
    for late in Late:
        found = is_late(late, at)
        columns += [sa.func.count().filter(found), sa.func.min(sa.case((found, _since(late))))]
    row = session.execute(sa.select(*columns).where(Shipment.challenge_id == challenge.id)).one()
    url = f"/staff/{challenge.slug}/shipments"
    return [
        Queue(label(late).capitalize(), f"{url}?late={late}", row[2 * number], row[2 * number + 1])
        for number, late in enumerate(Late)
    ]
