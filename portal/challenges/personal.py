"""What challenges keep of a person, and what stands against forgetting it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.challenges import queries, rules
from portal.challenges.models import (
    AnnouncementMail,
    AnnouncementRead,
    Member,
    MemberInvitation,
    NewsChoice,
    Participant,
    Signature,
)
from portal.challenges.states import ParticipantKind, Phase

ADDRESS_HASH_DAYS = 30


def objection(session: Session, account_id: int, at: datetime) -> str | None:
    """Whoever takes part cannot be erased before the results are out: kits, reports and awards are theirs."""
    for member in queries.memberships(session, account_id):
        challenge = member.participant.challenge
        if rules.phase(challenge, at) is not Phase.PUBLISHED:
            return f"You take part in {challenge.title}. Ask an admin to end your participation first."
    return None


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Forget names and network addresses; country, role and times stay for the statistics."""
    alone = sa.select(Member.participant_id).where(Member.account_id == account_id)
    session.execute(
        sa.update(Participant)
        .where(Participant.id.in_(alone), Participant.kind == ParticipantKind.RESEARCHER)
        .values(name="Erased")
        .execution_options(synchronize_session="fetch")
    )
    session.execute(
        sa.update(Signature)
        .where(Signature.account_id == account_id)
        .values(typed_name="Erased", address_hash=None)
        .execution_options(synchronize_session="fetch")
    )
    session.execute(
        sa.delete(MemberInvitation)
        .where(MemberInvitation.invited_by_id == account_id)
        .execution_options(synchronize_session="fetch")
    )
    _forget_news(session, account_id)


def _forget_news(session: Session, account_id: int) -> None:
    """Forget what was read, and who was told of it."""
    mine = sa.select(Member.id).where(Member.account_id == account_id)
    for rows in (
        sa.delete(AnnouncementRead).where(AnnouncementRead.account_id == account_id),
        sa.delete(AnnouncementMail).where(AnnouncementMail.member_id.in_(mine)),
        sa.delete(NewsChoice).where(NewsChoice.member_id.in_(mine)),
    ):
        session.execute(rows.execution_options(synchronize_session="fetch"))


def forget_address_hashes(session: Session, before: datetime) -> int:
    """Drop the keyed hashes of network addresses under signatures older than an instant; how many there were."""
    dropped = session.execute(
        sa.update(Signature)
        .where(Signature.signed_at < before, Signature.address_hash.is_not(None))
        .values(address_hash=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(dropped, sa.CursorResult)
    return dropped.rowcount


personal.exporters["challenges"] = queries.exported
personal.objections.append(objection)
personal.erasers.append(erase)
personal.kept += [
    personal.Kept(
        "Signatures: typed name, time, version", "To show what was agreed.", "As long as the challenge's records."
    ),
    personal.Kept(
        "Network address when signing", "To show that it was you, if that is doubted. Kept as a keyed hash only.",
        f"{ADDRESS_HASH_DAYS} days.",
    ),
    personal.Kept(
        "Participation: name, team, country, times", "To run the challenge, and to count its results.",
        "Names until you erase your account; country and times as long as the results.",
    ),
    personal.Kept(
        "Announcements: which you have read, and when you want mail about them",
        "To show you what is new and to tell you of it once. The team sees only how many have read one.",
        "Until you erase your account.",
    ),
]  # fmt: skip
