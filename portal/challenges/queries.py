"""Finding challenges, what is agreed in them, and who takes part."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.challenges.models import Agreement, Challenge, Member, Participant, Signature
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound


def challenge_by_slug(session: Session, slug: str) -> Challenge:
    """One challenge. Raises NotFound."""
    found = session.scalars(sa.select(Challenge).where(Challenge.slug == slug)).one_or_none()
    if found is None:
        raise NotFound("challenge")
    return found


def challenges(session: Session) -> Sequence[Challenge]:
    """All challenges, the newest first."""
    return session.scalars(sa.select(Challenge).order_by(Challenge.starts_on.desc(), Challenge.id.desc())).all()


def current_agreement(session: Session, challenge_id: int) -> Agreement | None:
    """The newest version of the agreement, if there is one."""
    return session.scalars(
        sa.select(Agreement).where(Agreement.challenge_id == challenge_id).order_by(Agreement.version.desc()).limit(1)
    ).one_or_none()


def signature_of(session: Session, agreement: Agreement, account_id: int) -> Signature | None:
    """The person's signature under exactly this version."""
    return session.scalars(
        sa.select(Signature).where(Signature.agreement_id == agreement.id, Signature.account_id == account_id)
    ).one_or_none()


def membership(session: Session, challenge_id: int, account_id: int) -> Member | None:
    """The person's place among the active participants, with participant and account loaded."""
    return session.scalars(
        sa.select(Member)
        .join(Member.participant)
        .options(contains_eager(Member.participant), joinedload(Member.account))
        .where(
            Member.challenge_id == challenge_id,
            Member.account_id == account_id,
            Participant.state == ParticipantState.ACTIVE,
        )
    ).one_or_none()


def memberships(session: Session, account_id: int) -> Sequence[Member]:
    """All places of a person in active participants, the newest challenge first."""
    return session.scalars(
        sa.select(Member)
        .join(Member.participant)
        .join(Participant.challenge)
        .options(contains_eager(Member.participant).contains_eager(Participant.challenge), joinedload(Member.account))
        .where(Member.account_id == account_id, Participant.state == ParticipantState.ACTIVE)
        .order_by(Challenge.starts_on.desc(), Challenge.id.desc())
    ).all()
