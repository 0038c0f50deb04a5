"""What the worker does for office hours. Every tick is safe twice, and at any time."""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from portal.core import clock, outbox
from portal.core.errors import Conflict
from portal.core.jobs import Job
from portal.core.mail import config_of
from portal.office_hours import actions, queries
from portal.office_hours.actions.reminders import TEMPLATE, still_true
from portal.office_hours.ics import Sender

WEEKS_AHEAD = 8


def make_sessions(session: Session, at: datetime) -> int:
    """Keep the sessions of the next weeks made, and at the right time when the rules of a zone change."""
    sender = Sender.of(config_of(current_app))
    ids, made = queries.open_series(session), 0
    session.commit()
    for series_id in ids:
        try:
            made += actions.materialise(session, series_id, since=at, before=at + timedelta(weeks=WEEKS_AHEAD), at=at)
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


def let_go_of_holds(session: Session, at: datetime) -> int:
    """Expire holds that have run out."""
    swept = actions.expire_holds(session, at)
    session.commit()
    return swept


outbox.guard(TEMPLATE, lambda session, mail: still_true(session, mail, at=clock.now()))

JOBS: tuple[Job, ...] = (
    Job("office-hours-sessions", 3600, make_sessions),
    Job("office-hours-reminders", 60, enqueue_reminders),
    Job("office-hours-holds", 60, let_go_of_holds),
)
