"""Until when reports are taken."""

from datetime import datetime, timedelta
from typing import NamedTuple

from portal.challenges.models import Challenge
from portal.challenges.rules import ends_at
from portal.core.errors import Refused

# What was begun in time may still be sealed and sent: a large file takes hours, and lines break. A report is received
# when it is submitted: bytes that come later still fill what was announced, which then is no report and is collected.
UNDER_WAY = timedelta(days=1)
OVER = (
    "The challenge is over: new reports are not taken any more. What has arrived goes on, and so do messages about it."
)
OUT = "The results of the challenge are out: reports are not taken any more."
LATE = "It could be sent for one day after the end of the challenge, and that day is over."


class Deadline(NamedTuple):
    """The instants until which reports may be begun, and until which those begun by then may be sent."""

    begin: datetime
    send: datetime


def deadline(challenge: Challenge) -> Deadline:
    """Until when a challenge takes reports; once its results are out it takes none, whatever these say."""
    end = ends_at(challenge)
    return Deadline(end, end + UNDER_WAY)


def closed(challenge: Challenge, until: datetime, at: datetime, *, again: bool) -> bool:
    """Whether a report is not taken at `at` for coming after `until`.

    Who has sent one in time that nobody could open (`again`) may seal it again until the results are out.
    """
    out = challenge.results_released_at
    return (out is not None and out <= at) or (until <= at and not again)


def check_begin(challenge: Challenge, at: datetime, *, again: bool) -> None:
    """Raises Refused where no report can be begun any more."""
    if closed(challenge, deadline(challenge).begin, at, again=again):
        raise Refused(OVER)


def check_send(challenge: Challenge, at: datetime, *, again: bool) -> None:
    """Raises Refused where a report that was begun cannot be sent any more."""
    until = deadline(challenge).send
    if closed(challenge, until, at, again=again):
        raise Refused(LATE if until <= at else OUT)
