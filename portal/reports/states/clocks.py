"""The clocks that run over reports, and what builds are found to be."""

from enum import StrEnum

from portal.reports.states.reports import ReportState


class ClockName(StrEnum):
    """What the team has promised to do in time."""

    FIRST_ANSWER = "first_answer"
    TRIAGE = "triage"
    DECISION = "decision"
    FIX = "fix"


class Told(StrEnum):
    """Which reminders of a clock have gone out."""

    NOTHING = "nothing"
    SOON = "soon"
    LATE = "late"
    LEADS = "leads"


class Finding(StrEnum):
    """What a build turned out to be."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"


# Which clock runs in which state. In needs_info none does: the report waits for its researcher.
RUNS = {
    ReportState.RECEIVED: ClockName.FIRST_ANSWER,
    ReportState.ACKNOWLEDGED: ClockName.TRIAGE,
    ReportState.REPRODUCING: ClockName.DECISION,
    ReportState.APPEALED: ClockName.DECISION,
    ReportState.CONFIRMED: ClockName.FIX,
    ReportState.FIXING: ClockName.FIX,
}
