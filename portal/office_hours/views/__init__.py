"""Office hours over HTTP: participants' pages, staff pages, calendars."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import (  # noqa: E402
    behalf,
    busy,
    calendars,
    exceptions,
    participant,
    rounds,
    series,
    staff,
    strikes,
)

__all__ = [
    "behalf",
    "blueprint",
    "busy",
    "calendars",
    "exceptions",
    "participant",
    "rounds",
    "series",
    "staff",
    "strikes",
]
