"""How a challenge chooses."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.selection.models import Criterion, Plan, Reviewer
from portal.selection.rules.assigning import organisation
from portal.selection.rules.reviews import Judge, overall_criterion
from portal.selection.rules.scores import Scale
from portal.selection.states import Pool


def plan_of(session: Session, challenge_id: int) -> Plan:
    """The settings of a challenge's selection; the defaults, not in the session, where nobody has set any."""
    found = session.get(Plan, challenge_id)
    return found or Plan(challenge_id=challenge_id, looks=1, pool=Pool.ALL, reviews_each=3, blind=False)


def scale_of(plan: Plan) -> Scale | None:
    """What scores are measured against; None before anything was fitted."""
    if plan.overall is None or plan.noise is None or plan.between_applications is None:
        return None
    return Scale(plan.overall, plan.noise, plan.between_applications)


def criteria(session: Session, challenge_id: int) -> Sequence[Criterion]:
    """The lines of the rubric that are asked for, in their order."""
    return session.scalars(
        sa.select(Criterion)
        .where(Criterion.challenge_id == challenge_id, Criterion.retired_at.is_(None))
        .order_by(Criterion.position, Criterion.id)
        .execution_options(populate_existing=True)
    ).all()


def rubric(session: Session, challenge_id: int) -> Sequence[Criterion]:
    """What a review is asked: the criteria, or where there are none, one overall mark (not in the session)."""
    return criteria(session, challenge_id) or [overall_criterion(challenge_id)]


def all_criteria(session: Session, challenge_id: int) -> Sequence[Criterion]:
    """Every line that the rubric has or had, those that are asked for first."""
    return session.scalars(
        sa.select(Criterion)
        .where(Criterion.challenge_id == challenge_id)
        .order_by(Criterion.retired_at.is_not(None), Criterion.position, Criterion.id)
    ).all()


def reviewers(session: Session, challenge_id: int) -> dict[int, Reviewer]:
    """What is known of the reviewers of a challenge, by account."""
    rows = session.scalars(sa.select(Reviewer).where(Reviewer.challenge_id == challenge_id))
    return {row.account_id: row for row in rows}


def offsets(session: Session, challenge_id: int) -> dict[int, float]:
    """By how much each reviewer scores above the others, by account, as last fitted."""
    rows = sa.select(Reviewer.account_id, Reviewer.offset).where(Reviewer.challenge_id == challenge_id)
    return dict(session.execute(rows).all())


def judges(session: Session, challenge: Challenge) -> list[Judge]:
    """Everybody who holds the role of a reviewer, and what may keep them from judging; four statements."""
    accounts = holders(session, Role.REVIEWER, challenge.slug)
    return _judges(session, challenge.id, accounts)


def judge(session: Session, challenge_id: int, account_id: int) -> Judge:
    """One person, and what may keep them from judging."""
    return _judges(session, challenge_id, [session.get_one(Account, account_id)])[0]


def _judges(session: Session, challenge_id: int, accounts: Sequence[Account]) -> list[Judge]:
    told = dict(
        session.execute(
            sa.select(Reviewer.account_id, Reviewer.affiliation).where(Reviewer.challenge_id == challenge_id)
        ).all()
    )
    mates = _teammates(session, [account.id for account in accounts])
    return [
        Judge(
            account.id,
            account.canonical_email,
            organisation(told.get(account.id, "")),
            mates.get(account.id, frozenset()),
        )
        for account in accounts
    ]


def _teammates(session: Session, account_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """With whom these people make a team, in whichever challenge."""
    own, other = sa.orm.aliased(Member), sa.orm.aliased(Member)
    found: dict[int, set[int]] = {}
    for me, mate in session.execute(
        sa.select(own.account_id, other.account_id)
        .join(other, other.participant_id == own.participant_id)
        .where(own.account_id.in_(account_ids), other.account_id != own.account_id)
    ):
        found.setdefault(me, set()).add(mate)
    return {me: frozenset(mates) for me, mates in found.items()}
