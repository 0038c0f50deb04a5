"""Office hours over HTTP: participants' pages, staff pages, calendars."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import behalf, busy, calendars, exceptions, participant, series, staff, strikes  # noqa: E402

__all__ = ["behalf", "blueprint", "busy", "calendars", "exceptions", "participant", "series", "staff", "strikes"]
