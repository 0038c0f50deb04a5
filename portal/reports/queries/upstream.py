"""Finding cases at other parties."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.core.errors import NotFound
from portal.reports import rules, states
from portal.reports.models import PassingOn, Report, UpstreamCase, UpstreamEvent, UpstreamParty, UpstreamSubject

_WITH = (
    joinedload(UpstreamCase.party),
    selectinload(UpstreamCase.subjects).joinedload(UpstreamSubject.report),
    selectinload(UpstreamCase.subjects).joinedload(UpstreamSubject.link),
)


def cases(session: Session, challenge_id: int) -> Sequence[UpstreamCase]:
    """Every case of a challenge, the latest first."""
    return session.scalars(
        sa.select(UpstreamCase)
        .options(*_WITH)
        .where(UpstreamCase.challenge_id == challenge_id)
        .order_by(UpstreamCase.number.desc())
    ).all()


def case(session: Session, challenge_id: int, number: int) -> UpstreamCase:
    """One case with its events. Raises NotFound."""
    found = session.scalars(
        sa.select(UpstreamCase)
        .options(
            *_WITH, joinedload(UpstreamCase.challenge),
            selectinload(UpstreamCase.events).joinedload(UpstreamEvent.actor),
        )
        .where(UpstreamCase.challenge_id == challenge_id, UpstreamCase.number == number)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("case")
    return found


def of_report(session: Session, report: Report, *, told_only: bool) -> Sequence[UpstreamCase]:
    """The cases that are about a report; for its researcher only those that the team tells of."""
    rows = (
        sa.select(UpstreamCase)
        .join(UpstreamCase.subjects)
        .options(*_WITH)
        .where(UpstreamSubject.report_id == report.id)
        .order_by(UpstreamCase.number)
    )
    return session.scalars(rows.where(UpstreamCase.told) if told_only else rows).unique().all()


def cves_of(session: Session, report: Report) -> list[str]:
    """The CVE ids of the cases that are about a report, each once."""
    found = [cve for each in of_report(session, report, told_only=False) for cve in each.cves]
    return list(dict.fromkeys(found))


def parties(session: Session) -> Sequence[UpstreamParty]:
    """Everybody with whom there was a case, by name."""
    return session.scalars(sa.select(UpstreamParty).order_by(UpstreamParty.name)).all()


def consents(session: Session, report_ids: Collection[int]) -> dict[int, PassingOn]:
    """What researchers said about passing their reports on, by report."""
    rows = session.scalars(sa.select(PassingOn).where(PassingOn.report_id.in_(report_ids)))
    return {each.report_id: each for each in rows}


def quiet(session: Session, challenge_id: int, at: datetime) -> list[UpstreamCase]:
    """Cases whose party has been silent for too long, the longest first."""
    rows = session.scalars(
        sa.select(UpstreamCase).where(
            UpstreamCase.challenge_id == challenge_id, UpstreamCase.state.in_(states.UPSTREAM_OPEN)
        )
    )
    found = [(since, each.number, each) for each in rows if (since := rules.quiet_since(each, at))]
    return [each for _, _, each in sorted(found, key=lambda row: row[:2])]


def ending(session: Session, challenge_id: int, at: datetime) -> list[UpstreamCase]:
    """Cases whose embargo ends within days, the first to end first."""
    rows = session.scalars(
        sa.select(UpstreamCase)
        .where(
            UpstreamCase.challenge_id == challenge_id,
            UpstreamCase.embargo_until.between(at, at + rules.BEFORE_END),
        )
        .order_by(UpstreamCase.embargo_until)
    )
    return list(rows)


def waiting(session: Session) -> Sequence[UpstreamCase]:
    """Every case that waits for its party, in all challenges."""
    return session.scalars(
        sa.select(UpstreamCase)
        .options(joinedload(UpstreamCase.challenge))
        .where(UpstreamCase.state.in_(states.UPSTREAM_OPEN))
        .order_by(UpstreamCase.id)
    ).all()
