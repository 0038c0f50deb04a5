"""The team's side: moves of triage, assignment, assessment, internal notes."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.reports import rules, states
from portal.reports.actions.links import whole_step
from portal.reports.actions.timeline import note, tell_researcher
from portal.reports.models import Note, Report
from portal.reports.states import ReportState, Severity


def move(
    session: Session, report: Report, step: Move[ReportState], outcome: rules.Outcome, *, by: int, at: datetime
) -> None:
    """Take one step of triage. The researcher learns by a mail that there is news.

    Raises Refused, Invalid where something that the step needs is missing, Conflict if somebody was first.
    """
    if not step.by:
        raise Refused(f"“{step.label}” is not for the team to take.")
    if outcome.duplicate_of_id == report.id:
        raise Invalid({"duplicate_of": "A report cannot be a duplicate of itself."})
    if report.state not in step.sources:
        raise Refused(f"“{step.label}” is not possible: it is {report.state.replace('_', ' ')}.")
    whole = whole_step(session, report, step, outcome)
    take(session, report, step, at=at, **(rules.changes(report, step, outcome, at) | whole))
    event = note(session, report, step.name, by=by, at=at, message=outcome.message or None)
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)


def acknowledge(session: Session, report: Report, *, by: int, at: datetime) -> None:
    """Say that a person has opened the report. Saying it again changes nothing."""
    if report.acknowledged_at is None:
        move(session, report, states.ACKNOWLEDGE, rules.Outcome(), by=by, at=at)


def assign(session: Session, report: Report, assignee_id: int | None, *, by: int, at: datetime) -> None:
    """Make a triager responsible, or nobody."""
    if report.assignee_id == assignee_id:
        return
    before, report.assignee_id = report.assignee_id, assignee_id
    _record(session, report, "assign", {"assignee": before}, {"assignee": assignee_id}, by=by, at=at)


def assess(
    session: Session,
    report: Report,
    *,
    severity: Severity | None,
    achieved_scenario_id: int | None,
    led_to_improvement: bool,
    by: int,
    at: datetime,
) -> None:
    """Set the programme's severity, the scenario that was achieved, and whether the product became better by it."""
    if report.acknowledged_at is None:
        raise Refused("Acknowledge the report first: nobody has opened it yet.")
    needed = states.FIXED_OR_CLOSED | {ReportState.CONFIRMED, ReportState.FIXING}
    if severity is None and report.state in needed:
        raise Invalid({"severity": "A confirmed report has a severity."})
    before = _assessment(report)
    report.severity, report.achieved_scenario_id = severity, achieved_scenario_id
    report.led_to_improvement = led_to_improvement
    if before != _assessment(report):
        _record(session, report, "assess", before, _assessment(report), by=by, at=at)


def _assessment(report: Report) -> dict[str, object]:
    return {
        "severity": report.severity,
        "achieved_scenario": report.achieved_scenario_id,
        "led_to_improvement": report.led_to_improvement,
    }


def _record(
    session: Session,
    report: Report,
    verb: str,
    before: dict[str, object],
    after: dict[str, object],
    *,
    by: int,
    at: datetime,
) -> None:
    session.flush()
    subject, scope = f"report:{report.id}", report.challenge.slug
    audit.record(session, f"reports:{verb}", subject, by=by, at=at, scope=scope, before=before, after=after)


def add_note(session: Session, report: Report, text: str, *, by: int, at: datetime) -> Note:
    """Write something for the other triagers."""
    made = Note(report_id=report.id, account_id=by, at=at, text=text)
    session.add(made)
    session.flush()
    return made
