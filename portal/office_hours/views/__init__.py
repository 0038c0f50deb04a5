"""Office hours over HTTP: participants' pages, staff pages, calendars."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import (  # noqa: E402
    busy,
    calendars,
    exceptions,
    hosting,
    participant,
    questions,
    series,
    staff,
)

__all__ = ["blueprint", "busy", "calendars", "exceptions", "hosting", "participant", "questions", "series", "staff"]
