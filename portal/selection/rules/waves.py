"""What may be answered, and by when."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.applications.models import Application
from portal.applications.states import RELEASES, ApplicationState, Decision
from portal.selection.models import WaveEntry

REMIND_BEFORE = timedelta(days=2)
# Whoever has had so long is reminded once more on the last day.
LONG = timedelta(days=7)
LAST_DAY = timedelta(days=1)
LEAST_NOTICE = timedelta(days=1)
TOO_LATE = "less than a day left to answer"


class Counts(NamedTuple):
    """How many answers of each kind."""

    invite: int = 0
    waitlist: int = 0
    decline: int = 0

    @property
    def total(self) -> int:
        """All together."""
        return self.invite + self.waitlist + self.decline


class Standing(NamedTuple):
    """How far the selection has come: places, and who has or may get one."""

    places: int
    accepted: int
    invited: int
    waitlisted: int
    open: int
    pending: Counts
    in_waves: int

    @property
    def free(self) -> int:
        """Places that nobody has been offered; negative where more were offered than there are."""
        return self.places - self.accepted - self.invited


def may_mean(application: Application, decision: Decision) -> bool:
    """Whether this answer can be meant for the application: it is undecided and in no wave."""
    return application.wave_id is None and application.state in RELEASES[decision].sources


def why_not_answer(
    entry: WaveEntry, application: Application, answer_by: datetime | None = None, at: datetime | None = None
) -> str | None:
    """Why an answer of a wave does not go out any more, or None: it must be meant still as it was.

    With `answer_by` and `at`, also whether the invited would still have the time that is promised to everybody.
    """
    if application.state not in RELEASES[entry.decision].sources:
        return f"{application.state} in the meantime"
    if application.wave_id != entry.wave_id or application.pending_decision is not entry.decision:
        return "changed in the meantime"
    late = answer_by is not None and at is not None and answer_by < at + LEAST_NOTICE
    return TOO_LATE if late and entry.decision is Decision.INVITE else None


def reminder_due(application: Application, at: datetime) -> bool:
    """Whether the invited should be reminded now: two days before the end, and on the last day of a long time."""
    until, last = application.answer_by, application.reminded_at
    if application.state is not ApplicationState.INVITED or until is None or until <= at:
        return False
    if last is None:
        return until <= at + REMIND_BEFORE
    return until <= at + LAST_DAY and last <= at - LAST_DAY and until - application.state_since >= LONG


def end_of_day(day: date, zone: str) -> datetime:
    """The last minute of a day in a zone."""
    return datetime.combine(day, time(23, 59), ZoneInfo(zone))


def why_not_deadline(counts: Counts, answer_by: datetime | None, at: datetime) -> str | None:
    """Why a wave cannot ask for answers by then, or None."""
    if not counts.invite:
        return None
    if answer_by is None:
        return "Say by when the invited should answer."
    if answer_by < at + LEAST_NOTICE:
        return "Give the invited at least a day to answer."
    return None


def counts_of(numbers: dict[Decision, int]) -> Counts:
    """Numbers by decision."""
    return Counts(*(numbers.get(decision, 0) for decision in (Decision.INVITE, Decision.WAITLIST, Decision.DECLINE)))
