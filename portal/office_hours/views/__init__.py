"""Office hours over HTTP: participants' pages, staff pages, calendars."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import (  # noqa: E402
    api,
    behalf,
    busy,
    calendars,
    exceptions,
    fairness,
    importing,
    participant,
    rounds,
    series,
    staff,
    strikes,
    waiting,
)

__all__ = [
    "api",
    "behalf",
    "blueprint",
    "busy",
    "calendars",
    "exceptions",
    "fairness",
    "importing",
    "participant",
    "rounds",
    "series",
    "staff",
    "strikes",
    "waiting",
]
