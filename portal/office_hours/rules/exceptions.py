"""When a session may be moved, added or opened again."""

from datetime import datetime

from portal.office_hours.models import Series, Sitting
from portal.office_hours.states import SeriesState, SittingState
from portal.office_hours.time import instant, zone_rules_version


def why_not_move(sitting: Sitting, starts_at: datetime, at: datetime) -> str | None:
    """Why a session cannot begin at `starts_at` instead."""
    if sitting.state is not SittingState.PLANNED:
        return "This session is cancelled. Open it again first."
    if sitting.starts_at <= at:
        return "It has begun."
    if starts_at <= at:
        return "That time is past."
    return "That is when it begins already." if starts_at == sitting.starts_at else None


def why_not_add(series: Series, starts_at: datetime, at: datetime) -> str | None:
    """Why the series cannot have one more session at `starts_at`."""
    if series.state is not SeriesState.OPEN:
        return "This series is closed: it makes no more sessions."
    return "That time is past." if starts_at <= at else None


def why_not_reopen(sitting: Sitting, at: datetime) -> str | None:
    """Why a session that was called off cannot be opened again."""
    return "It would have begun already." if sitting.starts_at <= at else None


def is_stale(sitting: Sitting, zone: str) -> bool:
    """Whether the session is not where the present rules of its zone put it: it could not follow them yet."""
    return sitting.zone_rules != zone_rules_version() and instant(sitting.local, zone) != sitting.starts_at
