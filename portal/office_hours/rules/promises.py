"""What may be promised, and when one is reminded of it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.office_hours.states import SEATED, BookingState
from portal.office_hours.time import instant

# Promises for longer than that are plans.
FARTHEST = timedelta(days=366)
MORNING = time(8)
# A reminder that could not go in the morning still makes sense for so long.
STILL = timedelta(days=2)


def today(at: datetime, zone: str) -> date:
    """The day in a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def why_not_promise(state: BookingState, starts_at: datetime, due_on: date, at: datetime, zone: str) -> str | None:
    """Why this cannot be promised now; days are those of the challenge's zone."""
    if state not in SEATED:
        return f"This booking is {state.replace('_', ' ')}."
    if at < starts_at:
        return "Commitments are made in the session or after it."
    now = today(at, zone)
    if due_on < now:
        return "The day is over already. Choose a coming one."
    return "Choose a day within a year." if due_on > now + FARTHEST else None


def reminded_at(due_on: date, zone: str) -> datetime:
    """When somebody in a zone is reminded: in the morning of the day."""
    return instant(datetime.combine(due_on, MORNING), zone)


def is_due(due_on: date, zone: str, at: datetime) -> bool:
    """Whether the moment of the reminder has come, and is not long past."""
    since = reminded_at(due_on, zone)
    return since <= at < since + STILL
