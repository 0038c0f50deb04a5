"""Dates of disclosure, and what is public by now."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, selectinload

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.core.db import UtcDateTime
from portal.core.errors import NotFound
from portal.reports.models import Disclosure, DisclosureProposal, Report, UpstreamCase, UpstreamSubject
from portal.reports.queries.apart import judges, not_own
from portal.reports.states import HELD, LIVE_DISCLOSURES, Answer, DisclosureState, ReportState, Side, UpstreamState

# A case that is only drafted binds nobody.
_REPORTED = (UpstreamCase.state != UpstreamState.DRAFTED,)


def live(session: Session, report_id: int) -> Disclosure | None:
    """The report's date as it stands, with all that was proposed."""
    return session.scalars(
        sa.select(Disclosure)
        .options(selectinload(Disclosure.proposals))
        .where(Disclosure.report_id == report_id, Disclosure.state.in_(LIVE_DISCLOSURES))
    ).one_or_none()


def history(session: Session, report_id: int) -> Sequence[DisclosureProposal]:
    """Every date that was ever proposed for a report, the newest first."""
    return session.scalars(
        sa.select(DisclosureProposal)
        .join(DisclosureProposal.disclosure)
        .where(Disclosure.report_id == report_id)
        .order_by(DisclosureProposal.id.desc())
    ).all()


def pending(session: Session, disclosure_id: int) -> DisclosureProposal | None:
    """The date that waits for an answer."""
    return session.scalars(
        sa.select(DisclosureProposal).where(
            DisclosureProposal.disclosure_id == disclosure_id, DisclosureProposal.answer == Answer.OPEN
        )
    ).one_or_none()


def proposal_of(session: Session, report_id: int, number: int) -> DisclosureProposal:
    """One date of the report's live disclosure, by its number. Raises NotFound."""
    found = session.scalars(
        sa.select(DisclosureProposal)
        .join(DisclosureProposal.disclosure)
        .where(
            Disclosure.report_id == report_id, Disclosure.state.in_(LIVE_DISCLOSURES),
            DisclosureProposal.number == number,
        )
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("date")
    return found


def next_number(session: Session, disclosure_id: int) -> int:
    """The number of the next proposal."""
    last = session.scalars(
        sa.select(sa.func.max(DisclosureProposal.number)).where(DisclosureProposal.disclosure_id == disclosure_id)
    ).one()
    return (last or 0) + 1


def team(session: Session, report: Report) -> Sequence[Account]:
    """Whom of the team mails about a date reach: who is responsible, else every triager, whose own it is not."""
    people = judges(session, Role.TRIAGER, report)
    responsible = [each for each in people if each.id == report.assignee_id]
    return responsible or people


def calendar(session: Session, challenge_id: int, *, reader: int) -> Sequence[Disclosure]:
    """Every live date about a report of others, with the report: what waits for an answer first, then by the hour."""
    return session.scalars(
        sa.select(Disclosure)
        .join(Disclosure.report)
        .options(contains_eager(Disclosure.report), selectinload(Disclosure.proposals))
        .where(Report.challenge_id == challenge_id, Disclosure.state.in_(LIVE_DISCLOSURES), not_own(reader))
        .order_by(Disclosure.embargo_until.is_not(None), Disclosure.embargo_until, Disclosure.id)
        .limit(500)
    ).all()


def unanswered(session: Session, challenge_id: int, before: datetime, *, reader: int) -> tuple[int, datetime | None]:
    """How many dates about reports of others nobody has answered that were proposed before `before`.

    And since when the oldest waits.
    """
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(DisclosureProposal.at))
        .join(DisclosureProposal.disclosure)
        .join(Disclosure.report)
        .where(
            Report.challenge_id == challenge_id, DisclosureProposal.answer == Answer.OPEN,
            DisclosureProposal.at < before, not_own(reader),
        )
    ).one()  # fmt: skip
    return count, oldest


def waiting_for_team(session: Session, challenge_id: int, *, reader: int) -> tuple[int, datetime | None]:
    """How many dates about reports of others the team has to answer, and since when the oldest waits."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(DisclosureProposal.at))
        .join(DisclosureProposal.disclosure)
        .join(Disclosure.report)
        .where(
            Report.challenge_id == challenge_id, DisclosureProposal.answer == Answer.OPEN,
            DisclosureProposal.side == Side.RESEARCHER, not_own(reader),
        )
    ).one()  # fmt: skip
    return count, oldest


def waiting_for(session: Session, participant_id: int) -> Sequence[tuple[DisclosureProposal, str]]:
    """The dates of the team that a participant has to answer, with their reports' references."""
    rows = session.execute(
        sa.select(DisclosureProposal, Report.ref)
        .join(DisclosureProposal.disclosure)
        .join(Disclosure.report)
        .where(
            Report.participant_id == participant_id, DisclosureProposal.answer == Answer.OPEN,
            DisclosureProposal.side == Side.TEAM,
        )
        .order_by(DisclosureProposal.id)
    )  # fmt: skip
    return [(proposal, ref) for proposal, ref in rows]


def due(session: Session, at: datetime) -> Sequence[Disclosure]:
    """Agreed dates whose hour has come."""
    return session.scalars(
        sa.select(Disclosure)
        .join(Disclosure.report)
        .options(contains_eager(Disclosure.report).joinedload(Report.challenge))
        .where(Disclosure.state == DisclosureState.AGREED, Disclosure.embargo_until <= at, ~_held_by_others(at))
        .order_by(Disclosure.id)
        .limit(100)
    ).all()


def over(at: datetime) -> sa.ColumnElement[bool]:
    """Whether the embargo of the report in the outer statement is over at an instant, here and at every other party."""
    agreed = sa.select(Disclosure.id).where(
        Disclosure.report_id == Report.id, Disclosure.state.in_(HELD), Disclosure.embargo_until <= at
    )
    return sa.and_(agreed.exists(), ~_held_by_others(at))


def _held_by_others(at: datetime) -> sa.Exists:
    """Whether the embargo of another party on the report in the outer statement lasts beyond an instant."""
    return (
        sa.select(UpstreamCase.id)
        .join(UpstreamSubject, UpstreamSubject.case_id == UpstreamCase.id)
        .where(UpstreamSubject.report_id == Report.id, *_REPORTED, UpstreamCase.embargo_until > at)
        .exists()
    )


def theirs(session: Session, report_ids: Iterable[int]) -> dict[int, datetime]:
    """Until when other parties have reports under embargo, for those that they have."""
    rows = session.execute(
        sa.select(UpstreamSubject.report_id, sa.func.max(UpstreamCase.embargo_until, type_=UtcDateTime()))
        .join(UpstreamCase, UpstreamCase.id == UpstreamSubject.case_id)
        .where(UpstreamSubject.report_id.in_(list(report_ids)), *_REPORTED, UpstreamCase.embargo_until.is_not(None))
        .group_by(UpstreamSubject.report_id)
    )
    return {number: until for number, until in rows if until is not None}


def theirs_on(session: Session, report: Report) -> datetime | None:
    """Until when other parties have one report under embargo."""
    return theirs(session, [report.id]).get(report.id)


def embargoes(session: Session, report_ids: Iterable[int]) -> dict[int, datetime]:
    """Until when nothing is published of reports: to the agreed hour, or longer where another party has it as well.

    A report without an agreed hour is not in it.
    """
    wanted = list(report_ids)
    agreed = session.execute(
        sa.select(Disclosure.report_id, Disclosure.embargo_until).where(
            Disclosure.report_id.in_(wanted), Disclosure.state.in_(HELD)
        )
    )
    found = {number: until for number, until in agreed if until is not None}
    for number, until in theirs(session, found).items():
        found[number] = max(found[number], until)
    return found


def latest_embargo(session: Session, report_ids: Iterable[int]) -> tuple[datetime | None, list[str]]:
    """The last hour until which one of the reports is under embargo, and the references of those without a date."""
    wanted = list(report_ids)
    until = embargoes(session, wanted)
    refs = sa.select(Report.ref).where(Report.id.in_(wanted), Report.id.not_in(until)).order_by(Report.number)
    return max(until.values(), default=None), list(session.scalars(refs))


def disclosed(session: Session, challenge_id: int, at: datetime) -> Sequence[tuple[Report, datetime]]:
    """The reports of a challenge whose hour has come, with that hour, the latest first."""
    rows = session.scalars(
        sa.select(Report)
        .where(Report.challenge_id == challenge_id, Report.state != ReportState.WITHDRAWN, over(at))
        .order_by(Report.number)
    ).all()
    until = embargoes(session, [report.id for report in rows])
    return sorted(((report, until[report.id]) for report in rows), key=lambda each: each[1], reverse=True)
