"""Finding known issues."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.challenges.models import Challenge
from portal.core.errors import NotFound
from portal.reports import receipts, rules
from portal.reports.commitments import EMPTY, Listed
from portal.reports.models import KnownIssue, KnownIssueReveal, Receipt, Report


def all_of(session: Session, challenge_id: int) -> Sequence[KnownIssue]:
    """The whole list in its order."""
    return session.scalars(
        sa.select(KnownIssue).where(KnownIssue.challenge_id == challenge_id).order_by(KnownIssue.number)
    ).all()


def revealed(session: Session, challenge_id: int) -> Sequence[KnownIssue]:
    """Those whose text is here."""
    return session.scalars(
        sa.select(KnownIssue)
        .where(KnownIssue.challenge_id == challenge_id, KnownIssue.text.is_not(None))
        .order_by(KnownIssue.number)
    ).all()


def numbered(session: Session, challenge_id: int, number: int) -> KnownIssue:
    """One of them. Raises NotFound."""
    found = session.scalars(
        sa.select(KnownIssue)
        .options(joinedload(KnownIssue.challenge))
        .where(KnownIssue.challenge_id == challenge_id, KnownIssue.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("known issue")
    return found


def public(session: Session, challenge_id: int, number: int) -> KnownIssue:
    """One whose text everybody may read. Raises NotFound."""
    found = numbered(session, challenge_id, number)
    if found.public_at is None:
        raise NotFound("known issue")
    return found


def last(session: Session, challenge_id: int) -> KnownIssue | None:
    """The end of the list."""
    return session.scalars(
        sa.select(KnownIssue).where(KnownIssue.challenge_id == challenge_id).order_by(KnownIssue.number.desc()).limit(1)
    ).one_or_none()


def listed(session: Session, challenge_id: int) -> Listed:
    """How far the list goes now."""
    end = last(session, challenge_id)
    return Listed(end.number, end.head) if end else EMPTY


def listed_for(session: Session, report: Report) -> Listed | None:
    """How far the list went when a report arrived, as its receipt says; None where it has none that says so."""
    receipt = session.get(Receipt, report.id)
    return receipts.listed(receipt) if receipt else None


def proving(session: Session, report: Report) -> list[KnownIssue]:
    """Those that are revealed and were committed to before a report arrived."""
    listed = listed_for(session, report)
    return [issue for issue in revealed(session, report.challenge_id) if rules.proves(report, issue, listed)]


def stands(session: Session, slug: str, told: Listed) -> bool:
    """Whether the list of a challenge still has the line that a receipt names, with the same head."""
    if told.number == 0:
        return told == EMPTY
    found = session.scalars(
        sa.select(KnownIssue.head)
        .join(KnownIssue.challenge)
        .where(Challenge.slug == slug, KnownIssue.number == told.number)
    ).one_or_none()
    return found == told.head


def shown_to(session: Session, report: Report) -> Sequence[KnownIssue]:
    """Those that were revealed to whoever sent a report."""
    return session.scalars(
        sa.select(KnownIssue)
        .join(KnownIssueReveal, KnownIssueReveal.issue_id == KnownIssue.id)
        .where(KnownIssueReveal.report_id == report.id)
        .order_by(KnownIssue.number)
    ).all()
