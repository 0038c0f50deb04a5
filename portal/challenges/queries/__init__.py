"""Finding challenges, what is agreed in them, and who takes part."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from portal.challenges.models import (
    Agreement,
    Challenge,
    Member,
    MemberInvitation,
    Participant,
    Scenario,
    Signature,
)
from portal.challenges.queries import news
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.core.todo import Task

# Made once: nearly every request begins with it.
_BY_SLUG = sa.select(Challenge).where(Challenge.slug == sa.bindparam("slug"))
_WITH_SCENARIOS = _BY_SLUG.options(joinedload(Challenge.scenarios))


def challenge_by_slug(session: Session, slug: str, *, scenarios: bool = False) -> Challenge:
    """One challenge, in the same statement with its scenarios where they will be asked for. Raises NotFound."""
    asked = _WITH_SCENARIOS if scenarios else _BY_SLUG
    found = session.scalars(asked, {"slug": slug}).unique().one_or_none()
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


def takes_part(session: Session, slug: str, account_id: int) -> bool:
    """Whether a person acts for an active participant of a challenge."""
    place = (
        sa.select(Member.id)
        .join(Member.participant)
        .join(Participant.challenge)
        .where(Challenge.slug == slug, Member.account_id == account_id, Participant.state == ParticipantState.ACTIVE)
    )
    return session.scalars(place).one_or_none() is not None


def participating(account_id: int) -> sa.Select[int]:
    """The participants to whom a person belongs, active or not, as part of another query."""
    return sa.select(Member.participant_id).where(Member.account_id == account_id)


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


def agreement_version(session: Session, challenge_id: int, version: int) -> Agreement:
    """One version of the agreement. Raises NotFound."""
    found = session.scalars(
        sa.select(Agreement).where(Agreement.challenge_id == challenge_id, Agreement.version == version)
    ).one_or_none()
    if found is None:
        raise NotFound("version")
    return found


def last_signed(session: Session, challenge_id: int, account_id: int) -> Signature | None:
    """The person's signature under the newest version that bears one, with the agreement."""
    return session.scalars(
        sa.select(Signature)
        .join(Signature.agreement)
        .options(contains_eager(Signature.agreement))
        .where(Agreement.challenge_id == challenge_id, Signature.account_id == account_id)
        .order_by(Agreement.version.desc())
        .limit(1)
    ).one_or_none()


def signers(session: Session, agreement: Agreement | None) -> set[int]:
    """The accounts that have signed a version."""
    if agreement is None:
        return set()
    return set(session.scalars(sa.select(Signature.account_id).where(Signature.agreement_id == agreement.id)))


def scenario_of(session: Session, challenge: Challenge, scenario_id: int) -> Scenario:
    """One scenario of a challenge. Raises NotFound."""
    found = session.scalars(
        sa.select(Scenario).where(Scenario.id == scenario_id, Scenario.challenge_id == challenge.id)
    ).one_or_none()
    if found is None:
        raise NotFound("scenario")
    return found


def members(session: Session, challenge_id: int) -> Sequence[Member]:
    """Everybody in an active participant of a challenge, with their accounts."""
    return session.scalars(
        sa.select(Member)
        .join(Member.participant)
        .options(joinedload(Member.account))
        .where(Member.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE)
        .order_by(Member.id)
    ).all()


def team_of(session: Session, participant_id: int) -> Sequence[Member]:
    """The members of a participant, the lead first, with their accounts."""
    return session.scalars(
        sa.select(Member)
        .options(joinedload(Member.account))
        .where(Member.participant_id == participant_id)
        .order_by(Member.role, Member.id)
    ).all()


def participants(session: Session, challenge_id: int) -> Sequence[Participant]:
    """Every participant of a challenge by name, with members and their accounts."""
    return session.scalars(
        sa.select(Participant)
        .options(selectinload(Participant.members).joinedload(Member.account))
        .where(Participant.challenge_id == challenge_id)
        .order_by(Participant.name, Participant.id)
    ).all()


def participant_of(session: Session, challenge: Challenge, participant_id: int) -> Participant:
    """One participant of a challenge. Raises NotFound."""
    found = session.scalars(
        sa.select(Participant).where(Participant.id == participant_id, Participant.challenge_id == challenge.id)
    ).one_or_none()
    if found is None:
        raise NotFound("participant")
    return found


def token_hash(token: str) -> str:
    """What is kept of an invitation's token: whoever reads the database cannot take it up."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_by_token(session: Session, token: str) -> MemberInvitation:
    """The invitation behind a link, with its team and challenge. Raises NotFound."""
    found = session.scalars(
        sa.select(MemberInvitation)
        .options(joinedload(MemberInvitation.participant).joinedload(Participant.challenge))
        .where(MemberInvitation.token_hash == token_hash(token))
    ).one_or_none()
    if found is None:
        raise NotFound("invitation")
    return found


def invitation_to(session: Session, participant_id: int, email: str) -> MemberInvitation | None:
    """The invitation of an address into a team, whatever has become of it."""
    return session.scalars(
        sa.select(MemberInvitation).where(
            MemberInvitation.participant_id == participant_id, MemberInvitation.email == email
        )
    ).one_or_none()


def invitations(session: Session, participant_id: int) -> Sequence[MemberInvitation]:
    """The invitations into a team that nobody has taken up, by address."""
    return session.scalars(
        sa.select(MemberInvitation)
        .where(MemberInvitation.participant_id == participant_id, MemberInvitation.used_at.is_(None))
        .order_by(MemberInvitation.email)
    ).all()


def invitation_of(session: Session, participant_id: int, invitation_id: int) -> MemberInvitation:
    """One open invitation of a team. Raises NotFound."""
    for invitation in invitations(session, participant_id):
        if invitation.id == invitation_id:
            return invitation
    raise NotFound("invitation")


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What this room keeps of a person."""
    places = session.scalars(
        sa.select(Member)
        .options(joinedload(Member.participant).joinedload(Participant.challenge))
        .where(Member.account_id == account_id)
        .order_by(Member.id)
    ).all()
    signatures = session.scalars(
        sa.select(Signature)
        .options(joinedload(Signature.agreement))
        .where(Signature.account_id == account_id)
        .order_by(Signature.id)
    ).all()
    return {
        "participations": [
            {
                "challenge": place.participant.challenge.slug, "participant": place.participant.name,
                "kind": place.participant.kind, "role": place.role, "country": place.country,
                "joined_at": place.joined_at, "state": place.participant.state,
            }
            for place in places
        ],
        "signatures": [
            {
                "agreement": signature.agreement.title, "version": signature.agreement.version,
                "sha256": signature.agreement.sha256, "typed_name": signature.typed_name,
                "signed_at": signature.signed_at, "method": signature.method,
            }
            for signature in signatures
        ],
        **news.exported(session, account_id),
    }  # fmt: skip


def tasks(session: Session, member: Member, _at: datetime) -> list[Task]:
    """What a participant has to do before anything else: sign the agreement in force."""
    agreement = current_agreement(session, member.challenge_id)
    if agreement is None or signature_of(session, agreement, member.account_id):
        return []
    url = f"/challenges/{member.participant.challenge.slug}/agreement"
    return [Task("Sign the agreement", url, None, "Kit, office hours, reports and resources open then.")]
