"""Calendar addresses: made, replaced and withdrawn by their owner."""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.office_hours.models import Feed
from portal.office_hours.queries import token_hash
from portal.office_hours.states import FeedScope


def open_feed(session: Session, account_id: int, scope: FeedScope, *, at: datetime) -> str:
    """Make a calendar address and withdraw the one before. The token is told now and never again."""
    _withdraw(session, account_id, scope, at)
    token = secrets.token_urlsafe(32)
    session.add(Feed(account_id=account_id, scope=scope, token_hash=token_hash(token), created_at=at))
    with conflicts():
        session.flush()
    audit.record(
        session, "office_hours:open-feed", f"account:{account_id}", by=account_id, at=at, after={"scope": scope}
    )
    return token


def revoke_feed(session: Session, account_id: int, scope: FeedScope, *, at: datetime) -> bool:
    """Withdraw the calendar address; whether there was one."""
    withdrawn = _withdraw(session, account_id, scope, at)
    if withdrawn:
        audit.record(
            session, "office_hours:revoke-feed", f"account:{account_id}", by=account_id, at=at, after={"scope": scope}
        )
    return withdrawn


def _withdraw(session: Session, account_id: int, scope: FeedScope, at: datetime) -> bool:
    gone = session.scalars(
        sa.update(Feed)
        .where(Feed.account_id == account_id, Feed.scope == scope, Feed.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(Feed.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(gone)
