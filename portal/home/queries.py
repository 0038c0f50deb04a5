"""The engine room: jobs, mails and the audit."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.audit import AuditEntry
from portal.core.errors import NotFound
from portal.core.jobs import JobRun
from portal.core.outbox import MailState, OutgoingMail
from portal.core.paging import Page, keyset


def job_runs(session: Session) -> Sequence[JobRun]:
    """The last run of every job by name, those that failed first."""
    return session.scalars(sa.select(JobRun).order_by((JobRun.failures > 0).desc(), JobRun.name)).all()


def mails(session: Session, state: str, to: str, after: str | None) -> Page[OutgoingMail]:
    """The outbox, the newest first. Raises NotFound for a state that is none."""
    rows = sa.select(OutgoingMail)
    if state:
        if state not in set(MailState):
            raise NotFound("state")
        rows = rows.where(OutgoingMail.state == MailState(state))
    if to:
        rows = rows.where(OutgoingMail.to == to.lower())
    return keyset(session, rows, order=[(OutgoingMail.id, "desc")], after=after)


def mail_counts(session: Session) -> dict[MailState, int]:
    """How many mails are in each state."""
    rows = session.execute(sa.select(OutgoingMail.state, sa.func.count()).group_by(OutgoingMail.state))
    counted = dict(iter(rows))
    return {state: counted.get(state, 0) for state in MailState}


def dead_letters(session: Session) -> tuple[int, datetime | None]:
    """How many mails were given up, and since when the oldest has been waiting."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(OutgoingMail.created_at)).where(OutgoingMail.state == MailState.FAILED)
    ).one()
    return count, oldest


def failed_jobs(session: Session) -> int:
    """How many jobs ended with an error the last time."""
    return session.scalars(sa.select(sa.func.count()).where(JobRun.error.is_not(None))).one()


def mail(session: Session, mail_id: int) -> OutgoingMail:
    """One mail. Raises NotFound."""
    found = session.get(OutgoingMail, mail_id)
    if found is None:
        raise NotFound("mail")
    return found


def audit_entries(session: Session, scope: str, subject: str, after: str | None) -> Page[AuditEntry]:
    """What was done, the latest first; `subject` is "kind:number" or only the kind."""
    rows = sa.select(AuditEntry)
    if scope:
        rows = rows.where(AuditEntry.scope == scope)
    if subject:
        exact = ":" in subject
        rows = rows.where(
            AuditEntry.subject == subject if exact else AuditEntry.subject.startswith(f"{subject}:", autoescape=True)
        )
    return keyset(session, rows, order=[(AuditEntry.id, "desc")], after=after)


def actors(session: Session, entries: Sequence[AuditEntry]) -> dict[int, str]:
    """The addresses of those who did what the entries tell, by account number."""
    ids = {entry.actor_id for entry in entries if entry.actor_id is not None}
    rows = session.execute(sa.select(Account.id, Account.email).where(Account.id.in_(ids)))
    return dict(iter(rows))
