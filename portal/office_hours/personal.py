"""What office hours keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.office_hours.actions.calendars import forget_calendar
from portal.office_hours.models import Booking, BusySpan, Feed, ReminderChoice
from portal.office_hours.models.reminders import OFFSETS
from portal.office_hours.states import LIVE


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """The bookings that the person made, when their calendar addresses were made, and when they are reminded."""
    bookings = session.scalars(sa.select(Booking).where(Booking.account_id == account_id).order_by(Booking.id)).all()
    feeds = session.scalars(sa.select(Feed).where(Feed.account_id == account_id).order_by(Feed.id)).all()
    reminders = session.get(ReminderChoice, account_id)
    return {
        "bookings": [
            {
                "uid": booking.uid, "state": booking.state, "starts_at": booking.starts_at, "ends_at": booking.ends_at,
                "booked_at": booking.booked_at, "topic": booking.topic,
            }
            for booking in bookings
        ],
        "calendar_addresses": [
            {"shows": feed.scope, "created_at": feed.created_at, "revoked_at": feed.revoked_at} for feed in feeds
        ],
        "busy_times": [
            {"since": span.since, "until": span.until}
            for span in session.scalars(
                sa.select(BusySpan).where(BusySpan.account_id == account_id).order_by(BusySpan.since)
            )
        ],
        "reminders": reminders and {name: getattr(reminders, name) for name in OFFSETS},
    }  # fmt: skip


def objection(session: Session, account_id: int, at: datetime) -> str | None:
    """A seat that nobody comes to helps nobody: it is given back first."""
    coming = sa.select(Booking.id).where(
        Booking.account_id == account_id, Booking.state.in_(LIVE), Booking.starts_at > at
    )
    booked = session.scalars(coming.limit(1)).one_or_none()
    return "You have booked office hours. Cancel them first." if booked is not None else None


def erase(session: Session, account_id: int, at: datetime) -> None:
    """Forget what was asked, and close the calendar addresses. That a seat was taken stays for the statistics."""
    session.execute(sa.update(Booking).where(Booking.account_id == account_id).values(topic="Erased"))
    forget_calendar(session, account_id)
    session.execute(
        sa.update(Feed)
        .where(Feed.account_id == account_id, Feed.challenge_id.is_(None), Feed.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    session.execute(sa.delete(ReminderChoice).where(ReminderChoice.account_id == account_id))


personal.exporters["office_hours"] = exported
personal.objections.append(objection)
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Office hours: times, topics, questions; of hosts, when they are busy",
        "So that hosts can prepare, and everybody gets a fair share.",
        "Topics and questions until you erase your account; times as long as the results.",
    )
)
