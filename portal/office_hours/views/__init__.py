"""Office hours over HTTP: participants' pages, staff pages, calendars, programs."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import (  # noqa: E402
    answers,
    api,
    behalf,
    busy,
    calendars,
    commitments,
    days,
    exceptions,
    fairness,
    hosting,
    importing,
    participant,
    questions,
    records,
    rounds,
    series,
    staff,
    strikes,
    waiting,
)

__all__ = [
    "answers",
    "api",
    "behalf",
    "blueprint",
    "busy",
    "calendars",
    "commitments",
    "days",
    "exceptions",
    "fairness",
    "hosting",
    "importing",
    "participant",
    "questions",
    "records",
    "rounds",
    "series",
    "staff",
    "strikes",
    "waiting",
]
