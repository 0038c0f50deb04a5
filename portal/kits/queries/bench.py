"""Finding what a day at the bench is about."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload, undefer

from portal.core.paging import Page, keyset
from portal.kits.models import DeliveryAddress, KitModel, Sender, Shipment, ShipmentUnit, Unit
from portal.kits.states import ShipmentState, UnitState

DAY = (ShipmentState.READY, ShipmentState.PACKED)
MOST = 200


class Shelf(NamedTuple):
    """How many free units of a kind lie at a location."""

    location: str
    free: int


def sender(session: Session, challenge_id: int) -> Sender | None:
    """Who sends the challenge's parcels."""
    return session.get(Sender, challenge_id)


def _whole(rows: sa.Select[Shipment]) -> sa.Select[Shipment]:
    inside = selectinload(Shipment.places).joinedload(ShipmentUnit.unit).joinedload(Unit.model)
    return rows.options(joinedload(Shipment.participant), joinedload(Shipment.challenge), inside)


def day(
    session: Session, challenge_id: int, state: ShipmentState | None, after: str | None = None, limit: int = MOST
) -> Page[Shipment]:
    """Parcels that are ready or packed, or in the one state; those that have waited longest first."""
    rows = sa.select(Shipment).where(
        Shipment.challenge_id == challenge_id, Shipment.state.in_([state] if state else DAY)
    )
    order = [(Shipment.state_since, "asc"), (Shipment.id, "asc")]
    return keyset(session, _whole(rows), order=order, after=after, limit=limit)


def chosen(session: Session, challenge_id: int, ids: Collection[int]) -> Sequence[Shipment]:
    """These parcels of the challenge, in the order of their numbers; what is not there is left out."""
    rows = sa.select(Shipment).where(Shipment.challenge_id == challenge_id, Shipment.id.in_(ids))
    return session.scalars(_whole(rows).order_by(Shipment.id)).all()


def addresses(session: Session, participant_ids: Collection[int]) -> dict[int, DeliveryAddress]:
    """The sealed addresses of participants who have one."""
    rows = session.scalars(
        sa.select(DeliveryAddress)
        .options(undefer(DeliveryAddress.sealed))
        .where(DeliveryAddress.participant_id.in_(participant_ids), DeliveryAddress.purged_at.is_(None))
    )
    return {row.participant_id: row for row in rows}


def shelves(session: Session, challenge_id: int) -> dict[int, list[Shelf]]:
    """Where the free units of each kind lie, by location."""
    found: dict[int, list[Shelf]] = {}
    rows = session.execute(
        sa.select(Unit.model_id, Unit.location, sa.func.count())
        .join(KitModel, KitModel.id == Unit.model_id)
        .where(Unit.challenge_id == challenge_id, Unit.state == UnitState.IN_STOCK)
        .group_by(Unit.model_id, Unit.location)
        .order_by(Unit.model_id, Unit.location)
    )
    for model_id, location, count in rows:
        found.setdefault(model_id, []).append(Shelf(location, count))
    return found
