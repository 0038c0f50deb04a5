"""Office hours over HTTP: participants' pages, staff pages, calendars."""

from flask import Blueprint

blueprint = Blueprint("office_hours", __name__)

from portal.office_hours.views import api, behalf, busy, calendars, exceptions, participant, series, staff, strikes  # noqa: E402

__all__ = ["api", "behalf", "blueprint", "busy", "calendars", "exceptions", "participant", "series", "staff", "strikes"]
