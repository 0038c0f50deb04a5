"""Whom services are asked for, when, and how it went. Each of these is a short transaction of its own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import insert
from portal.kits.models import TrackingPoll
from portal.kits.queries import tracking as queries
from portal.kits.rules.polling import Asked, ask_again_after, back_off

# Who asks has so long to note the answer, before somebody else may ask.
LEASE = timedelta(minutes=15)


def plan(session: Session, carriers: Mapping[str, Collection[str]], *, at: datetime) -> None:
    """Ask from now on for every parcel on its way whose carrier some service (by name) knows, and for no other."""
    wanted = {
        shipment_id: service
        for shipment_id, carrier in queries.to_ask(session).items()
        if (service := next((name for name, known in carriers.items() if carrier in known), None))
    }
    kept = {poll.shipment_id: poll.adapter for poll in session.scalars(sa.select(TrackingPoll))}
    over = [shipment_id for shipment_id, service in kept.items() if wanted.get(shipment_id) != service]
    if over:
        session.execute(sa.delete(TrackingPoll).where(TrackingPoll.shipment_id.in_(over)))
    rows = [
        {"shipment_id": shipment_id, "adapter": service, "next_at": at, "failures": 0}
        for shipment_id, service in wanted.items()
        if kept.get(shipment_id) != service
    ]
    if rows:
        session.execute(insert(session, TrackingPoll).values(rows).on_conflict_do_nothing())


def claim(session: Session, service: str, *, at: datetime, limit: int) -> list[Asked]:
    """Take up to `limit` parcels that a service is to be asked for now; nobody else asks for them meanwhile."""
    due = (
        sa.select(TrackingPoll.shipment_id)
        .where(TrackingPoll.adapter == service, TrackingPoll.next_at <= at)
        .order_by(TrackingPoll.next_at, TrackingPoll.shipment_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.scalars(
        sa.update(TrackingPoll)
        .where(TrackingPoll.shipment_id.in_(due.scalar_subquery()))
        .values(next_at=at + LEASE)
        .returning(TrackingPoll.shipment_id)
        .execution_options(synchronize_session=False)
    ).all()
    return queries.asked(session, taken)


def answered(session: Session, parcels: Sequence[Asked], *, at: datetime) -> None:
    """Note that a service answered for these parcels."""
    for parcel in parcels:
        later = at + ask_again_after(parcel)
        _note(session, parcel, next_at=later, last_at=at, failures=0, last_error=None)


def unanswered(session: Session, parcels: Sequence[Asked], why: str, *, at: datetime, wait: timedelta) -> None:
    """Note that it did not; the next time is later with each failure, and not before it wants to be asked."""
    ids = [parcel.shipment_id for parcel in parcels]
    rows = session.scalars(sa.select(TrackingPoll).where(TrackingPoll.shipment_id.in_(ids)))
    counts = {poll.shipment_id: poll.failures for poll in rows}
    for parcel in parcels:
        failures = counts.get(parcel.shipment_id, 0) + 1
        later = at + back_off(parcel.shipment_id, failures, wait)
        _note(session, parcel, next_at=later, last_at=at, failures=failures, last_error=why[:200])


def put_off(session: Session, parcels: Sequence[Asked], *, until: datetime) -> None:
    """Give back parcels that were claimed and not asked for."""
    for parcel in parcels:
        _note(session, parcel, next_at=until)


def _note(session: Session, parcel: Asked, **values: object) -> None:
    session.execute(
        sa.update(TrackingPoll)
        .where(TrackingPoll.shipment_id == parcel.shipment_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
