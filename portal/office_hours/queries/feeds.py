"""Finding calendar addresses and what they show."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.office_hours.models import Booking, Feed, Slot
from portal.office_hours.queries.base import held_by, one, whole_booking_options
from portal.office_hours.states import SEATED, BookingState, FeedScope

# Calendars keep showing what was; a feed need not carry more than the last months.
FEED_PAST = timedelta(days=90)


def token_hash(token: str) -> str:
    """What is kept of a feed's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def feed_by_token(session: Session, token: str) -> Feed:
    """The live feed behind an address. Raises NotFound."""
    return one(
        session,
        sa.select(Feed)
        .join(Feed.account)
        .options(contains_eager(Feed.account))
        .where(Feed.token_hash == token_hash(token), Feed.revoked_at.is_(None), Account.active),
        "calendar",
    )


def live_feeds(session: Session, account_id: int) -> dict[FeedScope, Feed]:
    """The person's calendar addresses by what they show."""
    feeds = session.scalars(sa.select(Feed).where(Feed.account_id == account_id, Feed.revoked_at.is_(None)))
    return {feed.scope: feed for feed in feeds}


def feed_bookings(session: Session, feed: Feed, at: datetime) -> Sequence[Booking]:
    """What a feed shows: bookings of the person's participants, or in the slots that they hold."""
    if feed.scope is FeedScope.MINE:
        own = Booking.participant_id.in_(sa.select(Member.participant_id).where(Member.account_id == feed.account_id))
    else:
        own = Booking.slot_id.in_(sa.select(Slot.id).where(held_by(feed.account_id)))
    shown = SEATED - {BookingState.HELD}
    return session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(own, Booking.state.in_(shown), Booking.ends_at > at - FEED_PAST)
        .order_by(Booking.starts_at, Booking.uid)
    ).all()
