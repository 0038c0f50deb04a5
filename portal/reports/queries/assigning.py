"""Who could be responsible, and who is no longer."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges.models import Challenge, Member
from portal.reports import states
from portal.reports.models import Report, ReportDesk


def is_automatic(session: Session, challenge_id: int) -> bool:
    """Whether reports are given to somebody as they arrive."""
    return bool(session.scalars(sa.select(ReportDesk.assigns).where(ReportDesk.challenge_id == challenge_id)).first())


def least_loaded(session: Session, report: Report) -> int | None:
    """The triager with the fewest reports that are open, then the one who got none for longest; None without any."""
    slug = report.challenge.slug
    load = sa.func.count(Report.id).filter(Report.state.in_(states.OPEN))
    rows = (
        sa.select(Account.id)
        .outerjoin(Report, (Report.assignee_id == Account.id) & (Report.challenge_id == report.challenge_id))
        .where(
            Account.active,
            Account.id.in_(_triagers(slug)),
            Account.id.not_in(sa.select(Member.account_id).where(Member.participant_id == report.participant_id)),
        )
        .group_by(Account.id)
        .order_by(load, sa.func.max(Report.received_at).asc().nulls_first(), Account.id)
    )
    return session.scalars(rows.limit(1)).one_or_none()


def _triagers(slug: str) -> sa.Select[int]:
    return sa.select(RoleGrant.account_id).where(
        RoleGrant.role == Role.TRIAGER, RoleGrant.scope.in_([slug, EVERYWHERE])
    )


def left_behind(session: Session, limit: int = 100) -> Sequence[Report]:
    """Open reports whose responsible person is no triager of their challenge any more, is away for good, or takes part
    with their participant by now.
    """
    still = (
        sa.select(RoleGrant.account_id)
        .where(
            RoleGrant.account_id == Report.assignee_id,
            RoleGrant.role == Role.TRIAGER,
            sa.or_(RoleGrant.scope == EVERYWHERE, RoleGrant.scope == Challenge.slug),
        )
        .correlate(Report, Challenge)
    )
    own = sa.exists().where(Member.participant_id == Report.participant_id, Member.account_id == Report.assignee_id)
    return session.scalars(
        sa.select(Report)
        .join(Report.challenge)
        .join(Account, Account.id == Report.assignee_id)
        .options(joinedload(Report.challenge))
        .where(Report.state.in_(states.OPEN), sa.or_(~Account.active, ~still.exists(), own))
        .order_by(Report.id)
        .limit(limit)
    ).all()
