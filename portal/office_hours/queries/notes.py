"""Notes and promises of a booking, each for the person who asks."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.office_hours.models import Booking, Note, Promise, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by, one, whole_booking_options
from portal.office_hours.states import NoteKind, PromiseState


def booking_on_record(session: Session, challenge_id: int, account_id: int, uid: str, *, lead: bool) -> Booking:
    """A booking for those who may read what was noted of it: the hosts of its slot, and the lead. Raises NotFound."""
    rows = (
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(Booking.uid == uid, Series.challenge_id == challenge_id)
    )
    if not lead:
        rows = rows.where(held_by(account_id))
    return one(session, rows.options(*whole_booking_options()), "booking")


def notes_of(session: Session, booking_id: int, *, internal: bool) -> Sequence[Note]:
    """The notes of a booking in their order; internal ones only for those whom they are for."""
    rows = sa.select(Note).options(joinedload(Note.author)).where(Note.booking_id == booking_id).order_by(Note.id)
    return session.scalars(rows if internal else rows.where(Note.kind == NoteKind.SHARED)).all()


def promises_in(session: Session, booking_id: int) -> Sequence[Promise]:
    """What was promised in a session, what is open first."""
    return session.scalars(
        sa.select(Promise)
        .options(joinedload(Promise.owner))
        .where(Promise.booking_id == booking_id)
        .order_by(Promise.state != PromiseState.OPEN, Promise.due_on, Promise.id)
    ).all()
