"""Key sets and tokens."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.core.errors import NotFound
from portal.reports import rules
from portal.reports.models import KeySet, UploadToken


def key_sets(session: Session) -> Sequence[KeySet]:
    """All key sets with their members, the newest first."""
    return session.scalars(sa.select(KeySet).options(selectinload(KeySet.members)).order_by(KeySet.number.desc())).all()


def key_set(session: Session, number: int) -> KeySet:
    """One key set with its members. Raises NotFound."""
    found = session.scalars(
        sa.select(KeySet).options(selectinload(KeySet.members)).where(KeySet.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("key set")
    return found


def current_set(session: Session) -> KeySet | None:
    """The key set to which one seals now."""
    return session.scalars(
        sa.select(KeySet).options(selectinload(KeySet.members)).order_by(KeySet.number.desc()).limit(1)
    ).one_or_none()


def accepted_sets(session: Session, at: datetime, begun: datetime | None = None) -> list[KeySet]:
    """The key sets that count at this time for a file that was begun then (now, if not told), the current one first."""
    newest = session.scalars(
        sa.select(KeySet).options(selectinload(KeySet.members)).order_by(KeySet.number.desc()).limit(2)
    ).all()
    return rules.accepted(newest, at, begun)


def open_sets(session: Session, at: datetime) -> list[KeySet]:
    """The key sets to which something new may be sealed, the current one first. Raises KeyExpired."""
    rules.check_open(current_set(session), at)
    return accepted_sets(session, at)


def triagers(session: Session) -> Sequence[Account]:
    """Everybody who triages any challenge, by address."""
    granted = sa.select(RoleGrant.account_id).where(RoleGrant.role == Role.TRIAGER)
    return session.scalars(
        sa.select(Account).where(Account.active, Account.id.in_(granted)).order_by(Account.email)
    ).all()


def token_hash(secret: str) -> str:
    """How a token is kept. It is random and long, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def live_token(session: Session, secret: str, at: datetime) -> UploadToken | None:
    """The token, with its account, if it may still be used."""
    found = session.scalars(
        sa.select(UploadToken)
        .options(joinedload(UploadToken.account))
        .where(
            UploadToken.token_hash == token_hash(secret), UploadToken.revoked_at.is_(None), UploadToken.expires_at > at
        )
    ).one_or_none()
    return found if found and found.account.active else None


def tokens(session: Session, challenge_id: int, account_id: int, at: datetime) -> Sequence[UploadToken]:
    """A person's tokens that may still be used."""
    return session.scalars(
        sa.select(UploadToken)
        .where(
            UploadToken.challenge_id == challenge_id, UploadToken.account_id == account_id,
            UploadToken.revoked_at.is_(None), UploadToken.expires_at > at,
        )
        .order_by(UploadToken.id)
    ).all()  # fmt: skip


def token_of(session: Session, token_id: int, account_id: int) -> UploadToken:
    """One of a person's tokens. Raises NotFound."""
    found = session.scalars(
        sa.select(UploadToken).where(UploadToken.id == token_id, UploadToken.account_id == account_id)
    ).one_or_none()
    if found is None:
        raise NotFound("token")
    return found
