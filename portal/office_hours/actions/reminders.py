"""Reminders: put into the outbox when they are due, and asked once more whether they are true when they go."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import outbox
from portal.core.db import insert
from portal.core.outbox import OutgoingMail
from portal.office_hours.actions.mails import context_of, people_of
from portal.office_hours.models import Booking, ReminderChoice
from portal.office_hours.models.reminders import OFFSETS
from portal.office_hours.queries import chosen_offsets, upcoming
from portal.office_hours.rules import length

TEMPLATE = "office_hours/reminder"
# Within it a reminder is on time, and says what was chosen.
PUNCTUAL = timedelta(minutes=5)


class Reminder(NamedTuple):
    """What one person is told of one booking."""

    booking: Booking
    offset: timedelta
    person: Account

    @property
    def key(self) -> str:
        """The same for whoever finds it due, however often; another one once the booking has changed."""
        minutes = int(self.offset.total_seconds() // 60)
        return f"reminder:{self.booking.uid}:{self.booking.sequence}:{minutes}:{self.person.id}"

    def ahead(self, at: datetime) -> str:
        """How far off it is, in words; a reminder that comes late does not say what is no longer true."""
        left = self.booking.starts_at - at
        return length(self.offset if self.offset - left < PUNCTUAL else left)


def remind(session: Session, *, at: datetime) -> int:
    """Enqueue what is due: everything whose moment has come, however late this runs, and that is not enqueued yet."""
    due = {reminder.key: reminder for reminder in _due(session, upcoming(session, at, at + max(OFFSETS.values())), at)}
    if not due:
        return 0
    sent = set(session.scalars(sa.select(OutgoingMail.dedupe_key).where(OutgoingMail.dedupe_key.in_(due))))
    missing = [reminder for key, reminder in due.items() if key not in sent]
    outbox.post_all(session, [
        outbox.row(
            TEMPLATE, to=reminder.person.email, key=reminder.key, at=at,
            context={**context_of(reminder.booking, reminder.person), "ahead": reminder.ahead(at)},
        )
        for reminder in missing
    ])  # fmt: skip
    return len(missing)


def _due(session: Session, bookings: Sequence[Booking], at: datetime) -> list[Reminder]:
    """The reminder of each person whose moment has come. A nearer one makes it pointless; so does a change since."""
    people = {booking.id: people_of(booking) for booking in bookings}
    chosen = chosen_offsets(session, {person.id for each in people.values() for person in each})
    due = []
    for booking in bookings:
        for person in people[booking.id]:
            offsets = chosen[person.id]
            come = [offset for offset in offsets if booking.changed_at < booking.starts_at - offset <= at]
            due += [Reminder(booking, min(come), person)] if come else []
    return due


def still_true(session: Session, mail: OutgoingMail, *, at: datetime) -> bool:
    """Whether the reminder would be enqueued now: the booking is as it was, and nothing nearer has come up."""
    # The clock of whoever sends may be behind the one of who enqueued: that makes no reminder untrue.
    at = max(at, mail.created_at)
    told = upcoming(session, at, at + max(OFFSETS.values()), uid=mail.context["uid"])
    return mail.dedupe_key in {reminder.key for reminder in _due(session, told, at)}


def choose_reminders(session: Session, account_id: int, names: Sequence[str], *, at: datetime) -> None:
    """Remind a person so long before, from now on; `names` are those of OFFSETS. None at all is a choice too."""
    values = {name: name in names for name in OFFSETS} | {"changed_at": at}
    chosen = insert(session, ReminderChoice).values(account_id=account_id, **values)
    session.execute(chosen.on_conflict_do_update(index_elements=["account_id"], set_=values))
