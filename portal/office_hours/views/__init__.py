"""Office hours over HTTP: participants' pages, staff pages, calendars."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import (  # noqa: E402
    answers,
    busy,
    calendars,
    commitments,
    days,
    exceptions,
    participant,
    records,
    series,
    staff,
)

__all__ = [
    "answers",
    "blueprint",
    "busy",
    "calendars",
    "commitments",
    "days",
    "exceptions",
    "participant",
    "records",
    "series",
    "staff",
]
