"""Who takes part: researchers and teams, and the colleagues that a team asks in."""

import hashlib
import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.rules import clean_name
from portal.challenges import queries
from portal.challenges.models import Challenge, Member, MemberInvitation, Participant
from portal.challenges.rules import INVITATION_HOLDS, LARGEST_TEAM
from portal.challenges.states import MemberRole, ParticipantKind, ParticipantState
from portal.core import audit, outbox
from portal.core.constraints import conflicts, explain
from portal.core.errors import Conflict, Invalid, Refused

explain(
    "uq_member_challenge_id_account_id",
    "This person takes part in the challenge already.",
    columns="member.challenge_id, member.account_id",
)


def add_participant(
    session: Session, challenge: Challenge, account: Account, *, name: str, kind: ParticipantKind, country: str,
    by: int | None, at: datetime, needs_kit: bool = True,
) -> Participant:  # fmt: skip
    """A researcher or a team, led by this account. `country` is ISO 3166 (two letters).

    Raises Conflict where the person takes part already.
    """
    called = clean_name(name) or account.name or "A researcher"
    participant = Participant(
        challenge_id=challenge.id, name=called, kind=kind, accepted_at=at, needs_kit=needs_kit
    )  # fmt: skip
    session.add(participant)
    session.flush()
    _add_member(session, participant, account, MemberRole.LEAD, country, at)
    after = {"kind": kind, "account": account.id}
    audit.record(
        session, "challenges:add-participant", f"participant:{participant.id}", by=by, at=at, scope=challenge.slug,
        after=after,
    )  # fmt: skip
    return participant


def _add_member(
    session: Session, participant: Participant, account: Account, role: MemberRole, country: str, at: datetime
) -> Member:
    member = Member(
        challenge_id=participant.challenge_id, participant_id=participant.id, account_id=account.id, role=role,
        country=country, joined_at=at,
    )  # fmt: skip
    session.add(member)
    with conflicts():
        session.flush()
    session.expire(participant, ["members"])
    return member


def remove_participant(
    session: Session, challenge: Challenge, participant: Participant, *, reason: str, by: int, at: datetime
) -> None:
    """End a participation. Raises Refused without a reason, Conflict where it has ended already."""
    if not reason.strip():
        raise Refused("Ending a participation needs a reason, which the audit keeps.")
    changed = session.execute(
        sa.update(Participant)
        .where(Participant.id == participant.id, Participant.state == ParticipantState.ACTIVE)
        .values(state=ParticipantState.REMOVED, removed_at=at)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("This participation has ended already.")
    session.refresh(participant)
    audit.record(
        session, "challenges:remove-participant", f"participant:{participant.id}", by=by, at=at, scope=challenge.slug,
        reason=reason,
    )  # fmt: skip


def invite_member(session: Session, member: Member, email: str, *, at: datetime) -> MemberInvitation:
    """Ask a colleague into the team by mail. An open invitation to the same address gets a new link.

    Raises Refused where `member` does not lead a team or the team is full, Invalid for an address that is none.
    """
    participant, email = member.participant, email.strip().lower()
    _may_invite(session, member, email)
    token = secrets.token_urlsafe(32)
    invitation = queries.invitation_to(session, participant.id, email) or MemberInvitation(
        participant_id=participant.id, email=email
    )
    invitation.token_hash, invitation.used_at = queries.token_hash(token), None
    invitation.invited_by_id, invitation.expires_at = member.account_id, at + INVITATION_HOLDS
    session.add(invitation)
    with conflicts():
        session.flush()
    challenge = participant.challenge
    outbox.post(
        session, "challenges/member_invitation", to=email, key=f"member-invitation:{invitation.token_hash}", at=at,
        context={"team": participant.name, "challenge": challenge.title, "token": token}, secret=True,
    )  # fmt: skip
    digest = hashlib.sha256(email.encode()).hexdigest()
    audit.record(
        session, "challenges:invite-member", f"participant:{participant.id}", by=member.account_id, at=at,
        scope=challenge.slug, after={"address_sha256": digest},
    )  # fmt: skip
    return invitation


def _may_invite(session: Session, member: Member, email: str) -> None:
    team = member.participant
    if team.kind is not ParticipantKind.TEAM or member.role is not MemberRole.LEAD:
        raise Refused("Only the lead of a team asks colleagues in.")
    local, _, domain = email.partition("@")
    if not local or "." not in domain or any(character.isspace() for character in email) or len(email) > 254:
        raise Invalid({"email": "This is no e-mail address."})
    if email in {colleague.account.email for colleague in team.members}:
        raise Refused("This person is in the team already.")
    waiting = [other for other in queries.invitations(session, team.id) if other.email != email]
    if len(team.members) + len(waiting) >= LARGEST_TEAM:
        raise Refused(f"A team has at most {LARGEST_TEAM} members, open invitations among them.")


def withdraw_invitation(session: Session, member: Member, invitation: MemberInvitation, *, at: datetime) -> None:
    """Make an invitation's link worthless. Raises Refused where `member` does not lead the team."""
    if member.role is not MemberRole.LEAD:
        raise Refused("Only the lead of a team withdraws invitations.")
    session.delete(invitation)
    session.flush()
    participant = member.participant
    audit.record(
        session, "challenges:withdraw-invitation", f"participant:{participant.id}", by=member.account_id, at=at,
        scope=participant.challenge.slug,
    )  # fmt: skip


def join(session: Session, invitation: MemberInvitation, account: Account, *, country: str, at: datetime) -> Member:
    """Take up an invitation, once; the team's lead is told.

    Raises Refused where it has expired, Conflict where it was used or the person takes part already.
    """
    team = invitation.participant
    if invitation.expires_at <= at:
        raise Refused("This invitation has expired. Ask the lead of the team for a new one.")
    if team.state is not ParticipantState.ACTIVE:
        raise Refused("This team does not take part any more.")
    used = session.execute(
        sa.update(MemberInvitation)
        .where(MemberInvitation.id == invitation.id, MemberInvitation.used_at.is_(None))
        .values(used_at=at)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(used, CursorResult)
    if used.rowcount != 1:
        raise Conflict("This invitation was used already.")
    session.refresh(invitation)
    member = _add_member(session, team, account, MemberRole.MEMBER, country, at)
    lead = next(other for other in team.members if other.role is MemberRole.LEAD)
    slug = team.challenge.slug
    outbox.post(
        session, "challenges/member_joined", to=lead.account.email, key=f"member:{member.id}:joined", at=at,
        context={"name": lead.account.name, "who": account.name or account.email, "team": team.name, "slug": slug},
    )  # fmt: skip
    audit.record(session, "challenges:join", f"participant:{team.id}", by=account.id, at=at, scope=slug)
    return member
