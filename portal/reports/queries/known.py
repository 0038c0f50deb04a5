"""Finding known issues."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.reports.models import KnownIssue, KnownIssueReveal, Report


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


def shown_to(session: Session, report: Report) -> Sequence[KnownIssue]:
    """Those that were revealed to whoever sent a report."""
    return session.scalars(
        sa.select(KnownIssue)
        .join(KnownIssueReveal, KnownIssueReveal.issue_id == KnownIssue.id)
        .where(KnownIssueReveal.report_id == report.id)
        .order_by(KnownIssue.number)
    ).all()
