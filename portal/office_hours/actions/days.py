"""On the day: who is there, how late it is, and whom the hosts call in."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit, outbox
from portal.core.db import insert
from portal.core.errors import Conflict, NotFound, Refused
from portal.office_hours.actions.mails import context_of
from portal.office_hours.ics import Sender
from portal.office_hours.models import Arrival, Booking, Course, HostArrival, Sitting
from portal.office_hours.models.days import LATEST
from portal.office_hours.queries.days import Day, arrival_of, course_of
from portal.office_hours.rules.days import (
    Turn,
    expected,
    missing_from,
    under_way,
    why_not_arrive,
    why_not_missing,
)
from portal.office_hours.states import BookingState
from portal.office_hours.time import spoken


def check_in(session: Session, booking: Booking, *, by: int, at: datetime) -> None:
    """Note that the participant's people are there; the first time is what counts."""
    _arrive(session, booking, at, here_at=at, here_by_id=by)
    _note(session, "check-in", booking, by=by, at=at)


def say_late(session: Session, booking: Booking, minutes: int, *, by: int, at: datetime) -> None:
    """Note how late the participant's people will be, as far as they know."""
    if not 1 <= minutes <= LATEST:
        raise Refused(f"From 1 to {LATEST} minutes.")
    known = arrival_of(session, booking)
    if known is not None and known.here_at is not None:
        raise Refused("You have said already that you are here.")
    _arrive(session, booking, at, late_minutes=minutes, late_at=at)
    _note(session, "late", booking, by=by, at=at, minutes=minutes)


def _arrive(session: Session, booking: Booking, at: datetime, **values: object) -> None:
    # Whether it still is a booking is looked at under its lock: hosts may be marking it.
    now = session.execute(
        sa.select(Booking.state, Booking.slot_id).where(Booking.id == booking.id).with_for_update(key_share=True)
    ).one()
    if now.slot_id != booking.slot_id:
        raise Conflict("This booking has just been moved. Look at it again.")
    reason = why_not_arrive(now.state, booking.starts_at, booking.ends_at, at)
    if reason:
        raise Refused(reason)
    row = insert(session, Arrival).values(booking_id=booking.id, slot_id=booking.slot_id, **values)
    first = Arrival.here_at.is_(None)
    session.execute(row.on_conflict_do_update(index_elements=["booking_id", "slot_id"], set_=values, where=first))


def host_here(session: Session, sitting: Sitting, *, by: int, at: datetime) -> None:
    """Note that one of the hosts of a session is there."""
    if not under_way(sitting.starts_at, sitting.ends_at, at):
        raise Refused("Hosts check in from an hour before the session.")
    row = insert(session, HostArrival).values(sitting_id=sitting.id, account_id=by, here_at=at)
    made = session.execute(row.on_conflict_do_nothing().returning(HostArrival.account_id)).one_or_none()
    if made is not None:
        _record(session, "host-here", sitting, by=by, at=at)


def run_late(
    session: Session, day: Day, minutes: int, *, version: int, by: int, at: datetime, sender: Sender | None
) -> int:
    """Let a session run late by so many minutes (0: on time again). Whoever still waits is told, once a booking.

    `version` is the one that was seen. Returns how many were told by mail now.
    """
    if not 0 <= minutes <= LATEST:
        raise Refused(f"From 0 to {LATEST} minutes.")
    _go_on(session, day.sitting, version, at, late_minutes=minutes, late_at=at if minutes else None)
    _record(session, "run-late", day.sitting, by=by, at=at, minutes=minutes)
    waiting = _waiting(day, at) if minutes and sender is not None else []
    keys = {f"office-hours:{each.uid}:{each.slot_id}:runs-late": each for each in waiting}
    told = set(
        session.scalars(sa.select(outbox.OutgoingMail.dedupe_key).where(outbox.OutgoingMail.dedupe_key.in_(keys)))
    )
    for key, booking in keys.items():
        begins, ends = (expected(moment, minutes) for moment in (booking.starts_at, booking.ends_at))
        context = {
            **context_of(booking, booking.account), "minutes": minutes,
            "when": spoken(begins, ends, booking.account.zone), "utc": spoken(begins, ends, "UTC"),
        }  # fmt: skip
        outbox.post(session, "office_hours/late", to=booking.account.email, key=key, at=at, context=context)
    return len(keys.keys() - told)


def _waiting(day: Day, at: datetime) -> list[Booking]:
    """The bookings that a lateness concerns: not called in yet, and not over."""
    ahead = (Turn.LATER, Turn.NEXT)
    return [
        booking
        for slot in day.slots if day.turns[slot.id] in ahead and slot.ends_at > at
        for booking in day.bookings[slot.id] if booking.state is BookingState.CONFIRMED and booking.account.active
    ]  # fmt: skip


def call_in(session: Session, day: Day, slot_id: int, *, version: int, by: int, at: datetime) -> None:
    """Call in whoever booked a slot. Of two hosts who do it at once, the second is told to look again."""
    if day.turns.get(slot_id) is None:
        raise NotFound("slot")
    if day.turns[slot_id] in (Turn.FREE, Turn.OVER):
        raise Refused("Nobody waits for this slot.")
    _go_on(session, day.sitting, version, at, slot_id=slot_id, called_at=at)
    _record(session, "call-in", day.sitting, by=by, at=at, slot=slot_id)


def _go_on(session: Session, sitting: Sitting, version: int, at: datetime, **values: object) -> None:
    if not under_way(sitting.starts_at, sitting.ends_at, at):
        raise Refused("The session is not under way: it opens an hour before its beginning.")
    new = insert(session, Course).values(sitting_id=sitting.id, version=0, late_minutes=0)
    session.execute(new.on_conflict_do_nothing())
    moved = session.scalars(
        sa.update(Course)
        .where(Course.sitting_id == sitting.id, Course.version == version)
        .values(version=version + 1, **values)
        .returning(Course.sitting_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if moved is None:
        raise Conflict("Another host has just changed the course of this session. Look at it again.")


def refuse_missing(session: Session, booking: Booking, at: datetime, *, sure: bool) -> None:
    """Raises Refused where it is too early to note a participant as missing, or where they have checked in."""
    arrival = arrival_of(session, booking)
    late = arrival.late_minutes or 0 if arrival else 0
    since = missing_from(booking.starts_at, course_of(session, booking.slot.sitting_id).late_minutes, late)
    reason = why_not_missing(since, arrival.here_at if arrival else None, at, sure=sure)
    if reason:
        raise Refused(reason)


def _note(session: Session, verb: str, booking: Booking, *, by: int, at: datetime, **after: object) -> None:
    audit.record(
        session, f"office_hours:{verb}", f"booking:{booking.id}", by=by, at=at,
        scope=booking.slot.sitting.series.challenge.slug, after={"slot": booking.slot_id, **after},
    )  # fmt: skip


def _record(session: Session, verb: str, sitting: Sitting, *, by: int, at: datetime, **after: object) -> None:
    audit.record(
        session, f"office_hours:{verb}", f"session:{sitting.id}", by=by, at=at, scope=sitting.series.challenge.slug,
        after=after or None,
    )  # fmt: skip
