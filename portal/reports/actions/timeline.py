"""What every change of a report leaves behind: a line of its timeline, an entry of the audit, and neutral mails."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core import audit, outbox
from portal.reports import states
from portal.reports.models import Pause, Report, ReportEvent
from portal.reports.queries.apart import judges
from portal.reports.states import Reason, ReportState


def note(
    session: Session,
    report: Report,
    what: str,
    *,
    by: int | None,
    at: datetime,
    message: str | None = None,
    told: bool = True,
    reason: Reason | None = None,
    detail: str | None = None,
) -> ReportEvent:
    """Add a line to the timeline and to the audit. Clocks pause with a question and go on with what follows."""
    event = ReportEvent(
        report_id=report.id, at=at, what=what, actor_id=by, message=message, told=told, reason_code=reason,
        detail=detail,
    )  # fmt: skip
    session.add(event)
    _pause(session, report, what, at)
    session.flush()
    subject, scope = f"report:{report.id}", report.challenge.slug
    after = {"state": report.state.value} | ({"reason": reason.value} if reason else {})
    audit.record(session, f"reports:{what}", subject, by=by, at=at, scope=scope, after=after)
    return event


def _pause(session: Session, report: Report, what: str, at: datetime) -> None:
    """Begin the pause of a report that waits for its researcher, or end it, whoever has moved it on."""
    if report.state is not ReportState.NEEDS_INFO:
        session.execute(
            sa.update(Pause)
            .where(Pause.report_id == report.id, Pause.until.is_(None))
            .values(until=at)
            .execution_options(synchronize_session=False)
        )
    elif what == states.ASK.name:
        session.add(Pause(report_id=report.id, since=at))


def tell_researcher(
    session: Session, report: Report, template: str, key: str, *, at: datetime, more: Mapping[str, Any] | None = None
) -> None:
    """A mail to the person who sent the report: its reference and nothing of its content."""
    context = {"slug": report.challenge.slug, "ref": report.ref, **(more or {})}
    to = report.submitted_by.email
    outbox.post(session, f"reports/{template}", to=to, key=f"report:{report.id}:{key}", at=at, context=context)


def tell_triagers(session: Session, report: Report, template: str, key: str, *, at: datetime) -> None:
    """The same to each triager of the challenge whose own it is not."""
    context = {"slug": report.challenge.slug, "ref": report.ref}
    for account in judges(session, Role.TRIAGER, report):
        unique = f"report:{report.id}:{key}:{account.id}"
        outbox.post(session, f"reports/{template}", to=account.email, key=unique, at=at, context=context)


def changed(
    session: Session,
    report: Report,
    verb: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    by: int | None,
    at: datetime,
) -> None:
    """Tell the audit of something about a report that is no move."""
    session.flush()
    subject, scope = f"report:{report.id}", report.challenge.slug
    audit.record(session, f"reports:{verb}", subject, by=by, at=at, scope=scope, before=before, after=after)
