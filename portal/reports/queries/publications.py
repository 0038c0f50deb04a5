"""What is linked about a challenge's reports, and who is thanked for them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.queries import participating
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.reports.models import Publication, Report, ReportCredit
from portal.reports.queries.apart import not_own
from portal.reports.queries.disclosing import embargoes
from portal.reports.states import Credit, PublicationState, ReportState

_WITH = (selectinload(Publication.reports), joinedload(Publication.participant))


def _of_others(reader: int) -> sa.ColumnElement[bool]:
    """What is neither from a participant to whom the reader belongs, nor about a report of theirs."""
    by = sa.or_(Publication.participant_id.is_(None), Publication.participant_id.not_in(participating(reader)))
    return sa.and_(by, ~Publication.reports.any(~not_own(reader)))


def of_staff(session: Session, challenge_id: int, *, reader: int) -> Sequence[Publication]:
    """Everything that others have handed in about others, what waits first."""
    return session.scalars(
        sa.select(Publication)
        .options(*_WITH)
        .where(Publication.challenge_id == challenge_id, _of_others(reader))
        .order_by(Publication.state != PublicationState.PENDING, Publication.id.desc())
        .limit(500)
    ).all()


def of_participant(session: Session, participant_id: int) -> Sequence[Publication]:
    """What a participant has handed in, the newest first."""
    return session.scalars(
        sa.select(Publication)
        .options(*_WITH)
        .where(Publication.participant_id == participant_id)
        .order_by(Publication.id.desc())
    ).all()


def one(session: Session, challenge_id: int, publication_id: int, *, reader: int) -> Publication:
    """One of these. Raises NotFound."""
    found = session.scalars(
        sa.select(Publication)
        .options(*_WITH)
        .where(Publication.challenge_id == challenge_id, Publication.id == publication_id, _of_others(reader))
    ).one_or_none()
    if found is None:
        raise NotFound("publication")
    return found


def own(session: Session, participant_id: int, publication_id: int) -> Publication:
    """One that a participant has handed in. Raises NotFound."""
    found = session.scalars(
        sa.select(Publication)
        .options(*_WITH)
        .where(Publication.participant_id == participant_id, Publication.id == publication_id)
    ).one_or_none()
    if found is None:
        raise NotFound("publication")
    return found


def waiting(session: Session, challenge_id: int, *, reader: int) -> tuple[int, datetime | None]:
    """How many of these nobody has looked at, and since when the oldest waits."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Publication.created_at)).where(
            Publication.challenge_id == challenge_id, Publication.state == PublicationState.PENDING, _of_others(reader)
        )
    ).one()
    return count, oldest


def listed(session: Session, challenge: Challenge) -> list[tuple[Publication, datetime]]:
    """What is listed, and from which instant everybody sees it; the latest comes first.

    That is when its day begins in the challenge's zone, and the embargo of each report that it is about is over. What
    is about a report without an agreed hour is not in it.
    """
    rows = session.scalars(
        sa.select(Publication)
        .options(*_WITH)
        .where(Publication.challenge_id == challenge.id, Publication.state == PublicationState.LISTED)
        .order_by(Publication.published_on.desc(), Publication.id.desc())
    ).all()
    until = embargoes(session, {report.id for row in rows for report in row.reports})
    found = []
    for row in rows:
        about = {report.id for report in row.reports}
        if row.decided_at is not None and about <= until.keys():
            begins = datetime.combine(row.published_on, time(), ZoneInfo(challenge.zone)).astimezone(UTC)
            found.append((row, max(row.decided_at, begins, *(until[number] for number in about))))
    return found


def public(session: Session, challenge: Challenge, at: datetime) -> list[Publication]:
    """What everybody sees listed at an instant; the latest first."""
    return [row for row, since in listed(session, challenge) if since <= at]


def choices(session: Session, challenge_id: int, participant_id: int | None, *, reader: int) -> dict[str, str]:
    """The reports that something can be about, by their ids: a participant's, or for the team those of others."""
    rows = sa.select(Report.id, Report.ref, Report.title).where(
        Report.challenge_id == challenge_id, Report.received_at.is_not(None), Report.state != ReportState.WITHDRAWN
    )
    whose = not_own(reader) if participant_id is None else Report.participant_id == participant_id
    rows = rows.where(whose)
    return {str(number): f"{ref} {title}" for number, ref, title in session.execute(rows.order_by(Report.number))}


class Thanked(NamedTuple):
    """How one is thanked for a report; `name` is None for the anonymous."""

    report_id: int
    kind: Credit
    name: str | None
    url: str | None


def thanked(session: Session, report_ids: Iterable[int]) -> list[Thanked]:
    """Who is thanked for reports: those who want it just now and still take part; the anonymous once a report."""
    rows = session.execute(
        sa.select(ReportCredit.report_id, ReportCredit.kind, ReportCredit.name, ReportCredit.url)
        .join(Member, Member.id == ReportCredit.member_id)
        .join(Participant, Participant.id == Member.participant_id)
        .where(ReportCredit.report_id.in_(list(report_ids)), Participant.state == ParticipantState.ACTIVE)
        .order_by(
            ReportCredit.report_id,
            ReportCredit.name.is_(None),
            sa.func.lower(ReportCredit.name),
            ReportCredit.member_id,
        )
    )
    return list(dict.fromkeys(Thanked(*row) for row in rows))


def ended(session: Session, report_ids: Iterable[int]) -> list[tuple[int, datetime]]:
    """When it ended that somebody was thanked for a report because their participation did."""
    rows = session.execute(
        sa.select(ReportCredit.report_id, Participant.removed_at)
        .distinct()
        .join(Member, Member.id == ReportCredit.member_id)
        .join(Participant, Participant.id == Member.participant_id)
        .where(ReportCredit.report_id.in_(list(report_ids)), Participant.removed_at.is_not(None))
    )
    return [(number, at) for number, at in rows if at is not None]


def credit_of(session: Session, report_id: int, member_id: int) -> ReportCredit | None:
    """A member's own consent for a report."""
    return session.get(ReportCredit, (report_id, member_id))


def credited(session: Session, account_id: int) -> Sequence[tuple[ReportCredit, str]]:
    """Every consent of a person, with the reports' references."""
    rows = session.execute(
        sa.select(ReportCredit, Report.ref)
        .join(Report, Report.id == ReportCredit.report_id)
        .join(Member, Member.id == ReportCredit.member_id)
        .where(Member.account_id == account_id)
        .order_by(ReportCredit.report_id)
    )
    return [(credit, ref) for credit, ref in rows]
