"""Counting: every figure of the results comes out of the rows, in a fixed number of statements."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.applications.models import Application
from portal.awards import queries as awards
from portal.awards.models import Award
from portal.awards.queries import Granted
from portal.awards.states import AwardState
from portal.challenges.models import Challenge, Member, Participant, Scenario
from portal.challenges.states import ParticipantKind, ParticipantState
from portal.core.errors import NotFound
from portal.core.todo import Queue
from portal.reports.models import Report, ReportLink
from portal.reports.queries.apart import impartial, is_impartial
from portal.reports.rules import deadline
from portal.reports.states import GOOD_LINKS, ReportState, Severity
from portal.results import rules
from portal.results.models import Acknowledgement, ResultsRelease
from portal.results.rules import Figures, Money, Picture, Submission
from portal.results.states import LIVE, ReleaseState

NO_SCENARIO = "No scenario"


def submissions(session: Session, challenge: Challenge) -> list[Submission]:
    """The reports that arrived in time and were not withdrawn, without who sent them.

    One that nobody could open and that was sealed again is counted once: as what it became, on the day it first came.
    """
    first, again = aliased(Report), aliased(Report)
    arrived = sa.func.coalesce(first.received_at, Report.received_at)
    stands_for_it = sa.exists().where(
        again.replaces_id == Report.id, again.received_at.is_not(None), again.state != ReportState.WITHDRAWN
    )
    links = sa.select(sa.func.count()).where(ReportLink.report_id == Report.id).scalar_subquery()
    rows = session.execute(
        sa.select(
            Report.id, Report.state, Report.severity, Report.led_to_improvement, Scenario.code, arrived,
            Report.fixed_release, Report.fixed_on, links,
        )
        .outerjoin(Scenario, Scenario.id == Report.achieved_scenario_id)
        .outerjoin(first, first.id == Report.replaces_id)
        .where(
            Report.challenge_id == challenge.id,
            Report.received_at.is_not(None),
            Report.state != ReportState.WITHDRAWN,
            arrived < deadline(challenge).send,
            sa.not_(stands_for_it),
        )
        .order_by(Report.number)
    )  # fmt: skip
    of_links = _achieved_by_links(session, challenge.id)
    return [
        Submission(
            number, state, severity, improved, frozenset({code} - {None}) | of_links[number], came, release, day, count
        )
        for number, state, severity, improved, code, came, release, day, count in rows
    ]


def _achieved_by_links(session: Session, challenge_id: int) -> defaultdict[int, frozenset[str]]:
    """The codes of scenarios that confirmed links achieve, by report."""
    found: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
    for number, code in session.execute(
        sa.select(ReportLink.report_id, Scenario.code)
        .join(Scenario, Scenario.id == ReportLink.achieved_scenario_id)
        .where(Scenario.challenge_id == challenge_id, ReportLink.state.in_(GOOD_LINKS))
    ):
        found[number] |= {code}
    return found


def applications(session: Session, challenge_id: int) -> int:
    """How many applications were ever submitted; drafts are none."""
    return session.scalars(
        sa.select(sa.func.count())
        .select_from(Application)
        .where(Application.challenge_id == challenge_id, Application.submitted_at.is_not(None))
    ).one()


def people(session: Session, challenge_id: int) -> tuple[int, int]:
    """How many people take part, and from how many countries."""
    count, countries = session.execute(
        sa.select(sa.func.count(Member.id), sa.func.count(Member.country.distinct()))
        .join(Member.participant)
        .where(Member.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE)
    ).one()
    return count, countries


def groups(session: Session, challenge_id: int) -> dict[ParticipantKind, int]:
    """How many teams take part, and how many researchers by themselves."""
    rows = session.execute(
        sa.select(Participant.kind, sa.func.count())
        .where(Participant.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE)
        .group_by(Participant.kind)
    )
    return dict.fromkeys(ParticipantKind, 0) | dict(rows.all())


def scenario_codes(session: Session, challenge_id: int) -> Sequence[str]:
    """The codes of the scenarios in the order of the rules."""
    return session.scalars(
        sa.select(Scenario.code).where(Scenario.challenge_id == challenge_id).order_by(Scenario.position)
    ).all()


def _money(granted: Sequence[Granted], currency: str) -> Money:
    amounts = [award.amount for award in granted]
    total = sum(amounts, Decimal(0))
    return Money(total, currency, max(amounts, default=None), min(amounts, default=None))


def figures(session: Session, challenge: Challenge, at: datetime) -> Figures:
    """All figures of a challenge as they are now."""
    sent = submissions(session, challenge)
    granted = awards.granted(session, challenge.id)
    participants, countries = people(session, challenge.id)
    kinds = groups(session, challenge.id)
    outcomes = rules.by_outcome(sent)
    chain = rules.most_serious_chain(sent, {award.report_id: award.amount for award in granted})
    return Figures(
        challenge=challenge.slug,
        applications=applications(session, challenge.id),
        participants=participants,
        countries=countries,
        submissions=len(sent),
        improvements=sum(submission.improved for submission in sent),
        critical_or_important=sum(submission.severity in rules.SERIOUS for submission in sent),
        eligible=len(granted),
        awarded=_money(granted, challenge.currency),
        by_design=outcomes[rules.Outcome.BY_DESIGN],
        scenarios_achieved=rules.achieved(sent, scenario_codes(session, challenge.id)),
        by_outcome=outcomes,
        by_severity=rules.by_severity(sent),
        median_days_to_fix=rules.median_days(sent, challenge.zone),
        median_days_to_fix_critical=rules.median_days(
            [each for each in sent if each.severity is Severity.CRITICAL], challenge.zone
        ),
        days_to_fix_most_serious_chain=rules.days_to_fix(chain, challenge.zone) if chain else None,
        teams=kinds[ParticipantKind.TEAM],
        single_researchers=kinds[ParticipantKind.RESEARCHER],
        as_of=at,
    )


def picture(session: Session, challenge: Challenge) -> Picture:
    """What the pictures show."""
    sent = submissions(session, challenge)
    granted = awards.granted(session, challenge.id)
    by_scenario = awards.by_scenario(session, challenge.id)
    amounts = Counter(award.amount for award in granted)
    return Picture(
        by_week=rules.weekly(sent, challenge.starts_on, challenge.ends_on, challenge.zone),
        money_by_scenario=[(code or NO_SCENARIO, amount) for code, amount in by_scenario],
        awards_by_amount=sorted(amounts.items(), reverse=True),
        releases=rules.releases(sent),
    )


def live_release(session: Session, challenge_id: int) -> ResultsRelease | None:
    """The hour that is proposed or confirmed."""
    return session.scalars(
        sa.select(ResultsRelease)
        .options(joinedload(ResultsRelease.proposed_by), joinedload(ResultsRelease.decided_by))
        .where(ResultsRelease.challenge_id == challenge_id, ResultsRelease.state.in_(LIVE))
        .execution_options(populate_existing=True)
    ).one_or_none()


def release_of(session: Session, challenge_id: int) -> ResultsRelease:
    """The same, where there has to be one. Raises NotFound."""
    found = live_release(session, challenge_id)
    if found is None:
        raise NotFound("release")
    return found


def heads(session: Session, challenge: Challenge) -> list[Account]:
    """Who may propose and confirm a release: leads and admins who take no part in the challenge."""
    found = {each.id: each for role in (Role.LEAD, Role.ADMIN) for each in impartial(session, role, challenge)}
    return list(found.values())


def who_set(session: Session, found: ResultsRelease) -> Sequence[Account]:
    """The people who proposed a release and decided on it, as long as they have their accounts."""
    wanted = {found.proposed_by_id, found.decided_by_id}
    return session.scalars(sa.select(Account).where(Account.id.in_(wanted), Account.active).order_by(Account.id)).all()


def last_void(session: Session, challenge_id: int) -> ResultsRelease | None:
    """The last hour of a challenge, if it is void."""
    found = session.scalars(
        sa.select(ResultsRelease)
        .where(ResultsRelease.challenge_id == challenge_id)
        .order_by(ResultsRelease.id.desc())
        .limit(1)
    ).one_or_none()
    return found if found is not None and found.state is ReleaseState.VOID else None


def changed_after(session: Session, challenge: Challenge) -> datetime | None:
    """When an award was last decided on after the results had come out, if one was."""
    if challenge.results_released_at is None:
        return None
    return session.scalars(
        sa.select(sa.func.max(Award.approved_at)).where(
            Award.challenge_id == challenge.id, Award.approved_at > challenge.results_released_at
        )
    ).one()


def queues(session: Session, challenge: Challenge, roles: frozenset[Role], *, reader: int) -> list[Queue]:
    """A release that somebody else has proposed, or one that is void and was not set anew.

    It is for those who take no part in the challenge.
    """
    if not roles & {Role.LEAD, Role.ADMIN} or not is_impartial(session, challenge.id, reader):
        return []
    found, url = live_release(session, challenge.id), f"/staff/{challenge.slug}/results"
    waits = found is not None and found.state is ReleaseState.PROPOSED
    since = found.proposed_at if found is not None and waits else None
    void = last_void(session, challenge.id)
    again = [Queue("Void releases of results to set anew", url, 1, void.state_since)] if void else []
    return [Queue("Releases of results to confirm", url, int(waits), since), *again]


def pending(session: Session, challenge: Challenge) -> dict[str, int]:
    """What is not decided yet: open reports, proposed awards, and awards that stand for what is not confirmed."""
    outcomes = rules.by_outcome(submissions(session, challenge))
    proposed = session.scalars(
        sa.select(sa.func.count())
        .select_from(Award)
        .where(Award.challenge_id == challenge.id, Award.state.in_((AwardState.PROPOSED, AwardState.RETURNED)))
    ).one()
    lost = awards.count_lost(session, challenge.id)
    return {"reports": outcomes[rules.Outcome.OPEN], "awards": proposed, "lost": lost}


def acknowledgements(session: Session, challenge_id: int) -> Sequence[Acknowledgement]:
    """Who wants to be thanked, by name."""
    return session.scalars(
        sa.select(Acknowledgement)
        .join(Acknowledgement.member)
        .join(Member.participant)
        .where(Member.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE)
        .order_by(sa.func.lower(Acknowledgement.name), Acknowledgement.member_id)
    ).all()


def acknowledgement_of(session: Session, member: Member) -> Acknowledgement | None:
    """A member's own consent."""
    return session.get(Acknowledgement, member.id)
