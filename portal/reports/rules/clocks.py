"""Which clock runs over a report, and when it runs out."""

from datetime import datetime, timedelta
from typing import NamedTuple

from portal.reports.models import Report
from portal.reports.states import ReportState

FIRST_ANSWER, TRIAGE, DECISION, FIX = timedelta(days=1), timedelta(days=3), timedelta(days=14), timedelta(days=30)
# Which clock runs in which state. All run from the arrival of the report; needs_info stops them.
CLOCKS: dict[ReportState, tuple[str, timedelta]] = {
    ReportState.RECEIVED: ("first answer", FIRST_ANSWER),
    ReportState.ACKNOWLEDGED: ("triage", TRIAGE),
    ReportState.REPRODUCING: ("decision", DECISION),
    ReportState.CONFIRMED: ("fix", FIX),
    ReportState.FIXING: ("fix", FIX),
}


class Clock(NamedTuple):
    """The clock that runs over a report."""

    label: str
    due_at: datetime
    late: bool


def clock_of(report: Report, at: datetime) -> Clock | None:
    """Which clock runs, when it runs out, and whether it has."""
    named = CLOCKS.get(report.state)
    if named is None or report.due_at is None:
        return None
    return Clock(named[0], report.due_at, report.due_at < at)


def due(state: ReportState, received_at: datetime, paused_seconds: int) -> datetime | None:
    """When the clock of a state runs out."""
    named = CLOCKS.get(state)
    return received_at + named[1] + timedelta(seconds=paused_seconds) if named else None


def paused(report: Report, at: datetime) -> int:
    """For how many seconds a report has waited for the researcher, the present wait included."""
    waiting = report.state is ReportState.NEEDS_INFO
    return report.paused_seconds + (int((at - report.state_since).total_seconds()) if waiting else 0)
