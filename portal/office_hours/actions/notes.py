"""Noting what was said in a session, and what was promised there; reminding of promises."""

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import audit, outbox
from portal.core.errors import Refused
from portal.core.moves import Move, take
from portal.core.outbox import OutgoingMail
from portal.office_hours.actions.mails import context_of
from portal.office_hours.models import Booking, Note, Promise
from portal.office_hours.queries.promises import open_around
from portal.office_hours.queries.sittings import hosts_of, ids_of
from portal.office_hours.rules.promises import is_due, today, why_not_promise
from portal.office_hours.states import SEATED, NoteKind, PromiseState

DUE = "office_hours/promise_due"


def add_note(
    session: Session, booking: Booking, kind: NoteKind, text: str, *, by: Account, as_host: bool, at: datetime
) -> Note:
    """Add a note to a booking. Participants add shared ones only; the other side is told of those, once a day."""
    if booking.state not in SEATED:
        raise Refused(f"This booking is {booking.state.replace('_', ' ')}.")
    if kind is NoteKind.INTERNAL and not as_host:
        raise Refused("Internal notes are the hosts'.")
    note = Note(booking_id=booking.id, kind=kind, author_id=by.id, written_at=at, text=text)
    session.add(note)
    session.flush()
    _record(session, "note", booking, by=by.id, at=at, kind=kind)
    if kind is NoteKind.SHARED:
        _tell(session, booking, [booking.account] if as_host else hosts_of(booking.slot), by.id, at)
    return note


def promise(
    session: Session, booking: Booking, text: str, due_on: date, *, owner_id: int | None, by: int, at: datetime
) -> Promise:
    """Write down what was promised in a session, by one of its hosts or (without an owner) by the participant."""
    zone = booking.slot.sitting.series.challenge.zone
    reason = why_not_promise(booking.state, booking.starts_at, due_on, at, zone)
    if reason:
        raise Refused(reason)
    if owner_id is not None and owner_id not in ids_of(booking.slot):
        raise Refused("A commitment is the participant's, or that of a host of this session.")
    made = Promise(
        booking_id=booking.id, text=text, owner_id=owner_id, due_on=due_on, state=PromiseState.OPEN, state_since=at,
        made_by_id=by, made_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _record(session, "promise", booking, by=by, at=at, promise=made.id, due_on=due_on)
    _tell(session, booking, [booking.account], by, at)
    return made


def close_promise(
    session: Session, kept: Promise, move: Move[PromiseState], *, by: int, at: datetime, scope: str, reason: str = ""
) -> None:
    """Note that a promise was kept, or that it is dropped and why."""
    if move.needs and not reason:
        raise Refused("Say why it is dropped.")
    take(session, kept, move, at=at, reason=reason if move.needs else None)
    audit.record(session, f"office_hours:promise-{move.name}", f"promise:{kept.id}", by=by, at=at, scope=scope)


def remind_of_promises(session: Session, *, at: datetime) -> int:
    """Enqueue the reminders of what is due today where its owner lives; once each, however often this runs."""
    due = {_key(each, person): (each, person) for each, person in _due(session, at)}
    sent = set(session.scalars(sa.select(OutgoingMail.dedupe_key).where(OutgoingMail.dedupe_key.in_(due))))
    for key in due.keys() - sent:
        each, person = due[key]
        context = {**context_of(each.booking, person), "for_host": each.owner_id is not None, "promise": each.id}
        outbox.post(session, DUE, to=person.email, key=key, at=at, context=context)
    return len(due.keys() - sent)


def still_open(session: Session, mail: OutgoingMail) -> bool:
    """Whether a reminder still has something to say."""
    kept = session.get(Promise, mail.context["promise"])
    return kept is not None and kept.state is PromiseState.OPEN


def _due(session: Session, at: datetime) -> list[tuple[Promise, Account]]:
    people = ((each, each.owner or each.booking.account) for each in open_around(session, at))
    return [(each, person) for each, person in people if person.active and is_due(each.due_on, person.zone, at)]


def _key(each: Promise, person: Account) -> str:
    return f"office-hours:promise:{each.id}:due:{person.id}"


def _tell(session: Session, booking: Booking, people: Iterable[Account], by: int, at: datetime) -> None:
    """Say that there is something new on the page of the booking: to each once a day, and not what."""
    for person in people:
        if person.active and person.id != by:
            key = f"office-hours:{booking.uid}:noted:{today(at, 'UTC')}:{person.id}"
            context = context_of(booking, person)
            outbox.post(session, "office_hours/noted", to=person.email, key=key, at=at, context=context)


def _record(session: Session, verb: str, booking: Booking, *, by: int, at: datetime, **after: object) -> None:
    """The audit entry: that something was written, never what."""
    audit.record(
        session, f"office_hours:{verb}", f"booking:{booking.id}", by=by, at=at,
        scope=booking.slot.sitting.series.challenge.slug, after=after,
    )  # fmt: skip
