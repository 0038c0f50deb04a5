"""Mails about messages and certificates: a reference, a link, and nothing of what was written."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.core import outbox
from portal.core.outbox import OutgoingMail
from portal.reports import rules
from portal.reports.models import Reading, Report
from portal.reports.queries import threads
from portal.reports.queries.apart import judges
from portal.reports.states import Side

TO_RESEARCHER, TO_TEAM = "reports/message", "reports/message_staff"


def tell_of_message(session: Session, report: Report, side: Side, *, at: datetime) -> None:
    """Tell the other side that something waits to be read: each person of it once an hour at most."""
    if side is Side.TEAM:
        people, template = threads.readers(session, report), TO_RESEARCHER
    else:
        people, template = judges(session, Role.TRIAGER, report), TO_TEAM
    for account in people:
        when = _next(session, report.id, account.id, at)
        if when is None:
            continue
        context = {"slug": report.challenge.slug, "ref": report.ref, "report": report.id, "account": account.id}
        outbox.post(
            session, template, to=account.email, at=at, not_before=when, context=context,
            key=f"report:{report.id}:unread:{account.id}:{when.isoformat()}", scope=report.challenge.slug,
        )  # fmt: skip


def _next(session: Session, report_id: int, account_id: int, at: datetime) -> datetime | None:
    """When the next mail about this report may go to this person; None where one is on its way already."""
    kept = threads.reading(session, report_id, account_id)
    if kept is None:
        kept = Reading(report_id=report_id, account_id=account_id, number=0)
        session.add(kept)
    if kept.told_at is not None and kept.told_at > at:
        return None
    kept.told_at = at if kept.told_at is None else max(at, kept.told_at + rules.QUIET)
    session.flush()
    return kept.told_at


def tell_to_give_certificate(session: Session, report: Report, account: Account, *, at: datetime) -> None:
    """The team wants to write and cannot yet."""
    context = {"slug": report.challenge.slug, "ref": report.ref}
    key = f"report:{report.id}:certificate-wanted:{account.id}"
    outbox.post(session, "reports/certificate_wanted", to=account.email, key=key, at=at, context=context)


def tell_of_certificate(session: Session, account: Account, certificate_id: int, what: str, *, at: datetime) -> None:
    """Tell a person that the certificate of their account has changed, in case it was somebody else."""
    key = f"certificate:{certificate_id}:{what}"
    outbox.post(session, "reports/certificate_changed", to=account.email, key=key, at=at, context={})


def _still_unread(session: Session, mail: OutgoingMail) -> bool:
    side = Side.TEAM if mail.template == TO_RESEARCHER else Side.RESEARCHER
    report, account = int(mail.context["report"]), int(mail.context["account"])
    return bool(threads.unread(session, [report], account, side))


outbox.guard(TO_RESEARCHER, _still_unread)
outbox.guard(TO_TEAM, _still_unread)
