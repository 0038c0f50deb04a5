"""What a researcher may do with a report that has arrived: answer, appeal, verify a fix, or say that it still works."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.core.moves import Move, hold, take
from portal.reports import rules, states
from portal.reports.actions import disclosing
from portal.reports.actions.timeline import note, tell_triagers
from portal.reports.models import Report
from portal.reports.queries import clocks, links
from portal.reports.states import ReportState


def move(
    session: Session, report: Report, step: Move[ReportState], message: str | None, *, by: int, at: datetime,
    tell: bool = True,
) -> None:  # fmt: skip
    """Take one step of the researcher's. The triagers learn by a mail that there is news, unless another tells them.

    Raises Refused, Invalid where a message is missing, Conflict if somebody was first.
    """
    if step not in states.OWN:
        raise Refused(f"“{step.label}” is for the team to take.")
    rules.check_possible(report, step)
    hold(session, report)
    rules.check_whole(step, links.of_report(session, report.id, anew=True))
    calendar, pauses = clocks.calendar(session, report.challenge), clocks.pauses(session, report.id, at)
    values = rules.own_changes(report, step, rules.Outcome(message=message), at, calendar, pauses)
    take(session, report, step, at=at, **values)
    event = note(session, report, step.name, by=by, at=at, message=message)
    disclosing.void(session, report, by=by, at=at)
    if tell:
        tell_triagers(session, report, "moved_staff", f"event:{event.id}", at=at)


def replace(session: Session, report: Report, unreadable: Report, *, by: int, at: datetime) -> None:
    """Say that a report is one that could not be decrypted, sealed again. Raises Refused, Conflict."""
    if report.received_at is None:
        raise Refused("Send the new report first.")
    if unreadable.state is not ReportState.UNREADABLE or unreadable.participant_id != report.participant_id:
        raise Refused("Only a report of yours that could not be decrypted can be sealed again.")
    if report.replaces_id is not None:
        raise Refused("It is linked already.")
    report.replaces_id = unreadable.id
    with conflicts():
        session.flush()
    event = note(session, report, "replace", by=by, at=at, detail=unreadable.ref)
    tell_triagers(session, report, "moved_staff", f"event:{event.id}", at=at)
