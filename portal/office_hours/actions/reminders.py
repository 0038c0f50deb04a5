"""Reminders: put into the outbox when they are due, and asked once more whether they are true when they go."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import outbox
from portal.core.outbox import OutgoingMail
from portal.office_hours.actions.mails import context_of, people_of
from portal.office_hours.models import Booking
from portal.office_hours.queries import upcoming
from portal.office_hours.rules import length
from portal.office_hours.states import BookingState

OFFSETS = (timedelta(hours=24), timedelta(hours=1))
TEMPLATE = "office_hours/reminder"


def remind(session: Session, *, at: datetime) -> int:
    """Enqueue what is due: everything whose moment has come, however late this runs, and that is not enqueued yet."""
    due = {
        _key(booking, offset, person): (booking, offset, person)
        for booking in upcoming(session, at, at + max(OFFSETS))
        for offset in _due(booking, at)
        for person in people_of(booking)
    }
    sent = set(session.scalars(sa.select(OutgoingMail.dedupe_key).where(OutgoingMail.dedupe_key.in_(due))))
    missing = [key for key in due if key not in sent]
    for key in missing:
        booking, offset, person = due[key]
        context = {**context_of(booking, person), "ahead": length(offset)}
        outbox.post(session, TEMPLATE, to=person.email, key=key, at=at, context=context)
    return len(missing)


def _due(booking: Booking, at: datetime) -> list[timedelta]:
    """The reminder whose moment has come. A nearer one makes it pointless; so does a booking made since."""
    come = [offset for offset in OFFSETS if booking.changed_at < booking.starts_at - offset <= at]
    return [min(come)] if come else []


def _key(booking: Booking, offset: timedelta, person: Account) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"reminder:{booking.uid}:{booking.sequence}:{minutes}:{person.id}"


def still_true(session: Session, mail: OutgoingMail) -> bool:
    """Whether the booking is still the one that the reminder speaks of."""
    found = sa.select(Booking.id).where(
        Booking.uid == mail.context["uid"],
        Booking.sequence == mail.context["sequence"],
        Booking.state == BookingState.CONFIRMED,
    )
    return session.scalars(found).one_or_none() is not None


outbox.guard(TEMPLATE, still_true)
