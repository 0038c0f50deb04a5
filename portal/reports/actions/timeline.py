"""What every change of a report leaves behind: a line of its timeline, an entry of the audit, and neutral mails."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.core import audit, outbox
from portal.reports.models import Report, ReportEvent


def note(
    session: Session,
    report: Report,
    what: str,
    *,
    by: int | None,
    at: datetime,
    message: str | None = None,
    told: bool = True,
) -> ReportEvent:
    """Add a line to the timeline and the same to the audit."""
    event = ReportEvent(report_id=report.id, at=at, what=what, actor_id=by, message=message, told=told)
    session.add(event)
    session.flush()
    subject, scope = f"report:{report.id}", report.challenge.slug
    audit.record(session, f"reports:{what}", subject, by=by, at=at, scope=scope, after={"state": report.state.value})
    return event


def tell_researcher(
    session: Session, report: Report, template: str, key: str, *, at: datetime, more: Mapping[str, Any] | None = None
) -> None:
    """A mail to the person who sent the report: its reference and nothing of its content."""
    context = {"slug": report.challenge.slug, "ref": report.ref, **(more or {})}
    to = report.submitted_by.email
    outbox.post(session, f"reports/{template}", to=to, key=f"report:{report.id}:{key}", at=at, context=context)


def tell_triagers(session: Session, report: Report, template: str, key: str, *, at: datetime) -> None:
    """The same to each triager of the challenge."""
    context = {"slug": report.challenge.slug, "ref": report.ref}
    for account in holders(session, Role.TRIAGER, report.challenge.slug):
        unique = f"report:{report.id}:{key}:{account.id}"
        outbox.post(session, f"reports/{template}", to=account.email, key=unique, at=at, context=context)
