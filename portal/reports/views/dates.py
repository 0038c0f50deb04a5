"""Days as a challenge counts them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from portal.challenges.models import Challenge


def today_in(challenge: Challenge, at: datetime) -> date:
    """The day that it is in the challenge's zone."""
    return at.astimezone(ZoneInfo(challenge.zone)).date()
