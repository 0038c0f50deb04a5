"""Calendar addresses: made, replaced and withdrawn by their owner, those of busy times by the lead."""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.office_hours.models import Feed
from portal.office_hours.queries import token_hash
from portal.office_hours.states import FeedScope


def open_feed(session: Session, account_id: int, scope: FeedScope, *, at: datetime) -> str:
    """Make a person's calendar address and withdraw the one before. The token is told now and never again."""
    _withdraw(session, _own(account_id, scope), at)
    made = Feed(account_id=account_id, scope=scope, created_at=at)
    return _open(session, made, f"account:{account_id}", by=account_id)


def revoke_feed(session: Session, account_id: int, scope: FeedScope, *, at: datetime) -> bool:
    """Withdraw a person's calendar address; whether there was one."""
    gone = _withdraw(session, _own(account_id, scope), at)
    if gone:
        _note(session, "revoke-feed", f"account:{account_id}", scope, by=account_id, at=at)
    return gone


def publish_busy_times(session: Session, challenge: Challenge, *, by: int, at: datetime) -> str:
    """Make the address of a challenge's busy times and withdraw the one before; its token, told only now."""
    _withdraw(session, Feed.challenge_id == challenge.id, at)
    made = Feed(account_id=by, challenge_id=challenge.id, scope=FeedScope.BUSY, created_at=at)
    return _open(session, made, f"challenge:{challenge.id}", by=by, slug=challenge.slug)


def withdraw_busy_times(session: Session, challenge: Challenge, *, by: int, at: datetime) -> bool:
    """Withdraw the address of a challenge's busy times; whether there was one."""
    gone = _withdraw(session, Feed.challenge_id == challenge.id, at)
    if gone:
        _note(session, "revoke-feed", f"challenge:{challenge.id}", FeedScope.BUSY, by=by, at=at, slug=challenge.slug)
    return gone


def _open(session: Session, feed: Feed, subject: str, *, by: int, slug: str | None = None) -> str:
    token = secrets.token_urlsafe(32)
    feed.token_hash = token_hash(token)
    session.add(feed)
    with conflicts():
        session.flush()
    _note(session, "open-feed", subject, feed.scope, by=by, at=feed.created_at, slug=slug)
    return token


def _own(account_id: int, scope: FeedScope) -> sa.ColumnElement[bool]:
    return sa.and_(Feed.account_id == account_id, Feed.scope == scope, Feed.challenge_id.is_(None))


def _withdraw(session: Session, which: sa.ColumnElement[bool], at: datetime) -> bool:
    gone = session.scalars(
        sa.update(Feed)
        .where(which, Feed.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(Feed.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(gone)


def _note(
    session: Session, verb: str, subject: str, scope: FeedScope, *, by: int, at: datetime, slug: str | None = None
) -> None:
    audit.record(session, f"office_hours:{verb}", subject, by=by, at=at, scope=slug, after={"scope": scope})
