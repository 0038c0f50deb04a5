"""The team's side: moves of triage, assessment, internal notes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.reports import rules, states
from portal.reports.actions import disclosing
from portal.reports.actions.assigning import assign
from portal.reports.actions.links import whole_step
from portal.reports.actions.timeline import changed, note, tell_researcher
from portal.reports.models import Note, Report
from portal.reports.queries import clocks, releases
from portal.reports.states import ReportState, Severity

__all__ = ["acknowledge", "add_note", "assess", "assign", "move"]


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
    rules.check_possible(report, step)
    rules.check_eyes(report, step, by)
    rules.check_fix_day(outcome.fixed_on, report.challenge, at)
    reason = rules.reason_of(step, outcome)
    whole = whole_step(session, report, step, outcome)
    calendar, pauses = clocks.calendar(session, report.challenge), clocks.pauses(session, report.id, at)
    values = rules.changes(report, step, outcome, at, calendar, pauses, by) | whole
    if step is states.FIX:
        values["release_id"] = releases.named(session, report.challenge_id, outcome.fixed_release or "")
    take(session, report, step, at=at, **values)
    event = note(
        session, report, step.name, by=by, at=at, message=outcome.message or None, reason=reason,
        detail=_detail(session, step, outcome, whole.get("duplicate_of_id")),
    )  # fmt: skip
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)
    disclosing.void(session, report, by=by, at=at)


def _detail(session: Session, step: Move[ReportState], outcome: rules.Outcome, first_id: object) -> str | None:
    """What a step names, kept with its line: a later step takes it from the report. `first_id` is who was first."""
    if step is states.BY_DESIGN:
        return outcome.mitigating_layer
    if step is states.FIX:
        return outcome.fixed_release
    if step is states.DUPLICATE:
        return session.scalars(sa.select(Report.ref).where(Report.id == first_id)).one_or_none()
    return None


def acknowledge(session: Session, report: Report, *, by: int, at: datetime) -> None:
    """Say that a person has opened the report. Saying it again changes nothing."""
    if report.acknowledged_at is None:
        move(session, report, states.ACKNOWLEDGE, rules.Outcome(), by=by, at=at)


def assess(
    session: Session,
    report: Report,
    *,
    severity: Severity | None,
    achieved_scenario_id: int | None,
    led_to_improvement: bool,
    by: int,
    at: datetime,
    cvss: str | None = None,
) -> None:
    """Set the programme's severity, the scenario that was achieved, and whether the product became better by it.

    `cvss` is a vector of version 4.0 or 3.1, kept in its usual order; "" takes it away, None leaves it as it is. Raises
    Invalid, Refused.
    """
    if report.acknowledged_at is None:
        raise Refused("Acknowledge the report first: nobody has opened it yet.")
    needed = states.FIXED_OR_CLOSED | {ReportState.CONFIRMED, ReportState.FIXING}
    if severity is None and report.state in needed:
        raise Invalid({"severity": "A confirmed report has a severity."})
    before = _assessment(report)
    if cvss is not None:
        report.cvss = rules.scored(cvss).vector if cvss else None
    report.severity, report.achieved_scenario_id = severity, achieved_scenario_id
    report.led_to_improvement = led_to_improvement
    if before != _assessment(report):
        changed(session, report, "assess", before, _assessment(report), by=by, at=at)


def _assessment(report: Report) -> dict[str, object]:
    return {
        "severity": report.severity,
        "achieved_scenario": report.achieved_scenario_id,
        "led_to_improvement": report.led_to_improvement,
        "cvss": report.cvss,
    }


def add_note(session: Session, report: Report, text: str, *, by: int, at: datetime) -> Note:
    """Write something for the other triagers."""
    made = Note(report_id=report.id, account_id=by, at=at, text=text)
    session.add(made)
    session.flush()
    return made
