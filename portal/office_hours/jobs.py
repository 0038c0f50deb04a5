"""What the worker does for office hours. Every tick is safe twice, and at any time."""

from collections.abc import Collection
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from portal.config import Config
from portal.core import clock, outbox
from portal.core.errors import Conflict, PortalError, Refused
from portal.core.jobs import Job
from portal.core.mail import config_of
from portal.kits.vault import Vault
from portal.office_hours import actions, queries
from portal.office_hours.actions import calendars, notes, questions, rounds, waiting
from portal.office_hours.actions.reminders import TEMPLATE, still_true
from portal.office_hours.busy import Unreadable, read_apart
from portal.office_hours.fetch import fetch
from portal.office_hours.ics import Sender
from portal.office_hours.models import HostCalendar
from portal.office_hours.queries import calendars as queries_calendars
from portal.office_hours.queries import waiting as queries_waiting
from portal.office_hours.queries.rounds import rounds_due, sittings_without

WEEKS_AHEAD = 8


def make_sessions(session: Session, at: datetime) -> int:
    """Keep the sessions of the next weeks made, and at the right time when the rules of a zone change."""
    sender = Sender.of(config_of(current_app))
    ids, made = queries.open_series(session), 0
    session.commit()
    for series_id in ids:
        try:
            made += actions.materialise(session, series_id, since=at, before=at + timedelta(weeks=WEEKS_AHEAD), at=at)
            session.commit()
            made += actions.follow_zone_rules(session, series_id, at=at, sender=sender)
            session.commit()
        except Conflict:
            # Somebody took the host's time in between; the next tick looks again.
            session.rollback()
    return made


def enqueue_reminders(session: Session, at: datetime) -> int:
    """Put due reminders into the outbox."""
    enqueued = actions.remind(session, at=at)
    session.commit()
    return enqueued


def enqueue_promises(session: Session, at: datetime) -> int:
    """Remind people of what they have promised for today."""
    enqueued = notes.remind_of_promises(session, at=at)
    session.commit()
    return enqueued


def watch_questions(session: Session, at: datetime) -> int:
    """Ask for questions that are due soon or must be sealed again, and let go of slots whose question has not come."""
    sender = Sender.of(config_of(current_app))
    done = questions.ask_for_questions(session, at=at) + questions.forget_questions(session, at=at)
    session.commit()
    for booking_id in questions.unasked(session, at=at):
        try:
            done += questions.let_go(session, booking_id, at=at, sender=sender)
            session.commit()
        except (Conflict, Refused):
            # Somebody has changed it in between; the next tick looks again.
            session.rollback()
    if done:
        offer_seats(session, at)
    return done


def let_go_of_holds(session: Session, at: datetime) -> int:
    """Expire holds that have run out."""
    swept = actions.expire_holds(session, at)
    session.commit()
    return swept


def offer_seats(session: Session, at: datetime, slot_ids: Collection[int] | None = None) -> int:
    """Offer the free seats of all slots, or of these, to those who wait: each in a transaction of its own."""
    actions.expire_holds(session, at)
    session.commit()
    try:
        waiting.settle(session, at)
        session.commit()
    except Conflict:
        # Somebody answered in the same moment; the next tick looks again.
        session.rollback()
    found = queries_waiting.slots_waited_for(session, at)
    ids = [
        slot.id
        for slot in found
        if (slot_ids is None or slot.id in slot_ids) and queries_waiting.candidates(session, slot, at)
    ]
    session.commit()
    sender = Sender.of(config_of(current_app))
    return sum(offer_slot(session, slot_id, at=at, sender=sender) for slot_id in ids)


def offer_slot(session: Session, slot_id: int, *, at: datetime, sender: Sender) -> int:
    """Offer one slot's free seats down its list, until there is none left; how many offers were made."""
    offered, passed = 0, set[int]()
    while True:
        slot = queries_waiting.slot_with_seat(session, slot_id)
        able = queries_waiting.candidates(session, slot, at) if slot else []
        found = next((each for each in able if each.waiter.id not in passed), None)
        if slot is None or found is None:
            session.commit()
            return offered
        passed.add(found.waiter.id)
        try:
            offered += waiting.offer_seat(session, slot, found, at=at, sender=sender)
            session.commit()
        except PortalError:
            # What the lists did not know of: the next one is asked.
            session.rollback()


def hold_rounds(session: Session, at: datetime) -> int:
    """Open the rounds of sessions that can be booked from now on, and draw those whose window is over."""
    sender, done = Sender.of(config_of(current_app)), 0
    wanting, due = [sitting.id for sitting in sittings_without(session, at)], rounds_due(session, at)
    session.commit()
    for sitting_id in wanting:
        done += rounds.open_round(session, sitting_id, at=at)
        session.commit()
    for round_id in due:
        try:
            done += rounds.draw_round(session, round_id, at=at, sender=sender)
            session.commit()
        except Conflict:
            # Somebody else has just drawn it, or called it off.
            session.rollback()
    return done


def refresh_calendars(session: Session, at: datetime) -> int:
    """Ask the addresses of hosts' calendars again; while another server is waited for, no transaction is open."""
    config, read = config_of(current_app), 0
    due = queries_calendars.due_calendars(session, at, calendars.EVERY)
    session.expunge_all()
    session.commit()
    for calendar in due:
        if not calendars.claim_calendar(session, calendar, at=at):
            continue
        session.commit()
        read += _refresh(session, calendar, config, at)
        session.commit()
    return read


def _refresh(session: Session, calendar: HostCalendar, config: Config, at: datetime) -> int:
    try:
        url = Vault.of(config).open(calendar.sealed or b"", calendars.subject(calendar.account_id))["url"]
        answer = fetch(url, config.calendar_hosts, calendar.etag)
        times = None
        if answer.data is not None:
            times = read_apart(answer.data, calendar.account.zone, at, at + calendars.AHEAD)
    except (Unreadable, Refused) as reason:
        calendars.note_answer(session, calendar, at=at, error=str(reason)[:200])
        return 0
    calendars.note_answer(session, calendar, at=at, times=times, etag=answer.etag)
    return 1


outbox.guard(waiting.TEMPLATE, lambda session, mail: waiting.still_offered(session, mail, at=clock.now()))
outbox.guard(TEMPLATE, lambda session, mail: still_true(session, mail, at=clock.now()))
outbox.guard(notes.DUE, notes.still_open)

for _template in (questions.DUE, questions.AGAIN):
    outbox.guard(_template, lambda session, mail: questions.still_true(session, mail, at=clock.now()))

JOBS: tuple[Job, ...] = (
    Job("office-hours-sessions", 3600, make_sessions),
    Job("office-hours-reminders", 60, enqueue_reminders),
    Job("office-hours-promises", 600, enqueue_promises),
    Job("office-hours-calendars", 300, refresh_calendars),
    Job("office-hours-questions", 60, watch_questions),
    Job("office-hours-holds", 60, let_go_of_holds),
    Job("office-hours-waiting", 60, offer_seats),
    Job("office-hours-rounds", 60, hold_rounds),
)
