"""Tokens with which programs book for a person: made, replaced and withdrawn by that person."""

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.constraints import conflicts
from portal.office_hours.models import ProgramToken
from portal.office_hours.queries.feeds import token_hash

LIFE = timedelta(days=90)


def make_token(session: Session, member: Member, *, at: datetime) -> str:
    """Make the person's token and end the one before. Its secret is told now and never again."""
    secret = f"oh_{secrets.token_urlsafe(32)}"
    session.execute(sa.delete(ProgramToken).where(ProgramToken.member_id == member.id))
    session.add(
        ProgramToken(member_id=member.id, token_hash=token_hash(secret), created_at=at, expires_at=at + LIFE)
    )  # fmt: skip
    with conflicts():
        session.flush()
    _note(session, "make-token", member, at)
    return secret


def revoke_token(session: Session, member: Member, *, at: datetime) -> None:
    """End the person's token. Ending none changes nothing."""
    gone = session.execute(
        sa.delete(ProgramToken).where(ProgramToken.member_id == member.id).returning(ProgramToken.member_id)
    ).all()
    if gone:
        _note(session, "revoke-token", member, at)


def _note(session: Session, verb: str, member: Member, at: datetime) -> None:
    audit.record(session, f"office_hours:{verb}", f"member:{member.id}", by=member.account_id, at=at)
