"""Finding bookings, each for the person who asks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member, Participant
from portal.challenges.states import ParticipantState
from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by, one, whole_booking_options
from portal.office_hours.states import COUNTED, SEATED, BookingState


def bookings_of(session: Session, participant_id: int, since: datetime) -> Sequence[Booking]:
    """The participant's bookings that end after `since`, the next one first; cancelled and expired ones left out."""
    return session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(Booking.participant_id == participant_id, Booking.state.in_(SEATED), Booking.ends_at > since)
        .order_by(Booking.starts_at, Booking.id)
    ).all()


def booking_of(session: Session, member: Member, uid: str) -> Booking:
    """A booking of the member's own participant. Raises NotFound."""
    mine = sa.select(Booking).where(Booking.uid == uid, Booking.participant_id == member.participant_id)
    return one(session, mine.options(*whole_booking_options()), "booking")


def booking_for_host(session: Session, challenge_id: int, host_id: int, uid: str) -> Booking:
    """A booking in a slot that the person holds. Raises NotFound."""
    own = (
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(Booking.uid == uid, held_by(host_id), Series.challenge_id == challenge_id)
    )
    return one(session, own.options(*whole_booking_options()), "booking")


def whole_booking(session: Session, booking_id: int) -> Booking:
    """A booking as the database has it at this moment, with everything that is told of it."""
    return session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(Booking.id == booking_id)
        .execution_options(populate_existing=True)
    ).one()


def quota_used(session: Session, participant_id: int, periods: Iterable[str]) -> Counter[str]:
    """How many bookings count in each of the weeks. Those outside the quota do not."""
    rows = session.execute(
        sa.select(Booking.quota_period, sa.func.count(Booking.quota_no))
        .where(
            Booking.participant_id == participant_id,
            Booking.quota_period.in_(sorted(set(periods))),
            Booking.state.in_(COUNTED),
        )
        .group_by(Booking.quota_period)
    )
    return Counter(dict(rows.all()))


def upcoming(session: Session, at: datetime, before: datetime, *, uid: str | None = None) -> Sequence[Booking]:
    """The confirmed bookings of active participants that start after `at` and not after `before`, or one of them."""
    return session.scalars(
        sa.select(Booking)
        .join(Booking.participant)
        .options(*whole_booking_options())
        .where(
            Participant.state == ParticipantState.ACTIVE,
            Booking.state == BookingState.CONFIRMED,
            Booking.starts_at > at,
            Booking.starts_at <= before,
            Booking.uid == uid if uid is not None else sa.true(),
        )
        .order_by(Booking.starts_at, Booking.id)
    ).all()
