"""Who acts for a participant, and who must not decide on their awards."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.awards.models import Award, AwardConflict
from portal.challenges.models import Member
from portal.challenges.queries import participating
from portal.selection.models import Conflict


def team(session: Session, participant_id: int) -> Sequence[Member]:
    """The members who can be given money, in the order in which they joined."""
    return session.scalars(
        sa.select(Member)
        .join(Member.account)
        .options(joinedload(Member.account))
        .where(Member.participant_id == participant_id, Account.active)
        .order_by(Member.id)
    ).all()


def not_own(account_id: int) -> sa.ColumnElement[bool]:
    """Awards of participants to whom a person does not belong: the staff side of their own is for others alone."""
    return Award.participant_id.not_in(participating(account_id))


def takes_part(session: Session, participant_id: int, account_id: int) -> bool:
    """Whether a person belongs to a participant."""
    rows = sa.select(Member.id).where(Member.participant_id == participant_id, Member.account_id == account_id)
    return session.scalars(rows.limit(1)).one_or_none() is not None


def _reasons(participant_id: sa.ColumnElement[int], account_id: int) -> dict[str, sa.Exists]:
    """Each reason for which a person must not decide, and how it is known."""
    applied = (
        sa.select(Application.id)
        .join(
            Member,
            sa.and_(Member.account_id == Application.account_id, Member.challenge_id == Application.challenge_id),
        )
        .where(Member.participant_id == participant_id)
    )
    return {
        "you take part as one of them": sa.exists().where(
            Member.participant_id == participant_id, Member.account_id == account_id
        ),
        "you have declared it": sa.exists().where(
            AwardConflict.participant_id == participant_id, AwardConflict.account_id == account_id
        ),
        "it was noted when applications were reviewed": sa.exists().where(
            Conflict.reviewer_id == account_id, Conflict.application_id.in_(applied)
        ),
    }


def barred(participant_id: sa.ColumnElement[int], account_id: int) -> sa.ColumnElement[bool]:
    """Whether a person must not decide on this participant's awards, as part of another query."""
    return sa.or_(*_reasons(participant_id, account_id).values())


def conflict_of(session: Session, participant_id: int, account_id: int) -> str:
    """Why a person must not decide on a participant's awards; empty where nothing is in the way."""
    found = _reasons(sa.literal(participant_id), account_id)
    row = session.execute(sa.select(*found.values())).one()
    return next((why for why, holds in zip(found, row, strict=True) if holds), "")
