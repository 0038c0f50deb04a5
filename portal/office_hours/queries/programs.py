"""Tokens of programs, and what they ask for."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant
from portal.challenges.states import ParticipantState
from portal.office_hours.models import Booking, ProgramToken
from portal.office_hours.queries.feeds import token_hash


def member_by_token(session: Session, challenge_id: int, token: str, at: datetime) -> Member | None:
    """For whom of a challenge's active participants the token acts, with participant and account."""
    return session.scalars(
        sa.select(Member)
        .join(ProgramToken, ProgramToken.member_id == Member.id)
        .join(Member.participant)
        .join(Member.account)
        .options(contains_eager(Member.participant), contains_eager(Member.account))
        .where(
            ProgramToken.token_hash == token_hash(token),
            ProgramToken.expires_at > at,
            Member.challenge_id == challenge_id,
            Participant.state == ParticipantState.ACTIVE,
            Account.active,
        )
    ).one_or_none()


def token_of(session: Session, member_id: int, at: datetime) -> ProgramToken | None:
    """The person's live token."""
    live = sa.select(ProgramToken).where(ProgramToken.member_id == member_id, ProgramToken.expires_at > at)
    return session.scalars(live).one_or_none()


def booking_by_key(session: Session, participant_id: int, key: str) -> Booking | None:
    """What a request has led to that was sent before."""
    return session.scalars(
        sa.select(Booking).where(Booking.participant_id == participant_id, Booking.idempotency_key == key)
    ).one_or_none()
