"""What finding things in office hours has in common."""

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from portal.core.errors import NotFound
from portal.office_hours.models import Booking, Series, Sitting, Slot, SlotHost

Row = TypeVar("Row")


def whole_slot() -> tuple[ORMOption, ...]:
    return (
        joinedload(Slot.host),
        selectinload(Slot.seconds).joinedload(SlotHost.account),
        joinedload(Slot.sitting).joinedload(Sitting.series).joinedload(Series.challenge),
    )


def whole_booking_options() -> tuple[ORMOption, ...]:
    slot = joinedload(Booking.slot)
    return (
        slot.joinedload(Slot.host),
        slot.selectinload(Slot.seconds).joinedload(SlotHost.account),
        slot.joinedload(Slot.sitting).joinedload(Sitting.series).joinedload(Series.challenge),
        joinedload(Booking.participant),
        joinedload(Booking.account),
        joinedload(Booking.booked_by),
        joinedload(Booking.scenario),
    )


def held_by(account_id: int) -> sa.ColumnElement[bool]:
    """The condition that the person holds the slot, in the first or the second place."""
    second = sa.select(SlotHost.slot_id).where(SlotHost.account_id == account_id)
    return sa.or_(Slot.host_id == account_id, Slot.id.in_(second))


def one(session: Session, rows: sa.Select[Row], what: str) -> Row:
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFound(what)
    return found
