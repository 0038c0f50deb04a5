"""Finding calendar addresses and what they show."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.states import ParticipantState
from portal.office_hours.ics import Busy
from portal.office_hours.models import Booking, Feed, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by, one, whole_booking_options
from portal.office_hours.states import SEATED, BookingState, FeedScope, SittingState, SlotState

# Calendars keep showing what was; a feed need not carry more than the last months.
FEED_PAST = timedelta(days=90)


def token_hash(token: str) -> str:
    """What is kept of a feed's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def feed_by_token(session: Session, token: str) -> Feed:
    """The live feed behind an address. Busy times outlive the account of who published them. Raises NotFound."""
    return one(
        session,
        sa.select(Feed)
        .join(Feed.account)
        .outerjoin(Feed.challenge)
        .options(contains_eager(Feed.account), contains_eager(Feed.challenge))
        .where(Feed.token_hash == token_hash(token), Feed.revoked_at.is_(None))
        .where(sa.or_(Account.active, Feed.challenge_id.is_not(None))),
        "calendar",
    )


def live_feeds(session: Session, account_id: int) -> dict[FeedScope, Feed]:
    """The person's own calendar addresses by what they show."""
    own = sa.select(Feed).where(Feed.account_id == account_id, Feed.challenge_id.is_(None), Feed.revoked_at.is_(None))
    return {feed.scope: feed for feed in session.scalars(own)}


def busy_address(session: Session, challenge_id: int) -> Feed | None:
    """The address under which the hosts' busy times are published, if they are."""
    live = sa.select(Feed).where(Feed.challenge_id == challenge_id, Feed.revoked_at.is_(None))
    return session.scalars(live).one_or_none()


def feed_bookings(session: Session, feed: Feed, at: datetime) -> Sequence[Booking]:
    """What a feed shows: bookings of the person's participants, or in the slots that they hold."""
    if feed.scope is FeedScope.MINE:
        acts_for = sa.select(Member.participant_id).join(Member.participant)
        own = Booking.participant_id.in_(
            acts_for.where(Member.account_id == feed.account_id, Participant.state == ParticipantState.ACTIVE)
        )
    else:
        own = Booking.slot_id.in_(sa.select(Slot.id).where(held_by(feed.account_id)))
    shown = SEATED - {BookingState.HELD}
    return session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(own, Booking.state.in_(shown), Booking.ends_at > at - FEED_PAST)
        .order_by(Booking.starts_at, Booking.uid)
    ).all()


def busy_times(session: Session, challenge: Challenge, at: datetime) -> list[Busy]:
    """When at least one host of a challenge holds a session, buffers included, in order and without overlaps.

    Whether anybody has booked does not show, nor how many hosts there are.
    """
    rows = session.execute(
        sa.select(Slot.busy_from, Slot.busy_until, Sitting.state_since)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(
            Series.challenge_id == challenge.id,
            Sitting.state == SittingState.PLANNED,
            Slot.state == SlotState.OPEN,
            Slot.busy_until > at - FEED_PAST,
        )
        .order_by(Slot.busy_from, Slot.id)
    )
    return _merged(Busy(*row) for row in rows)


def _merged(spans: Iterable[Busy]) -> list[Busy]:
    """Spans that overlap or touch as one; they come in order of their beginnings."""
    whole: list[Busy] = []
    for span in spans:
        if whole and span.starts_at <= whole[-1].ends_at:
            last = whole.pop()
            span = Busy(last.starts_at, max(last.ends_at, span.ends_at), max(last.noted_at, span.noted_at))
        whole.append(span)
    return whole
