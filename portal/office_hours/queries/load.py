"""How full office hours are."""

from collections import Counter, defaultdict
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.office_hours.models import Booking, Seat, Series, Sitting, Slot
from portal.office_hours.states import SEATED, BookingState, SlotState
from portal.office_hours.time import iso_week


class WeekLoad(NamedTuple):
    """One ISO week in the programme's zone: seats offered, and bookings by state."""

    week: str
    seats: int
    bookings: dict[BookingState, int]

    @property
    def taken(self) -> int:
        """Seats that are or were filled."""
        return sum(self.bookings.get(state, 0) for state in SEATED)


def load_by_week(session: Session, challenge: Challenge) -> list[WeekLoad]:
    """How full office hours were and are, week by week; cancelled slots do not count as offered."""
    seats: Counter[str] = Counter()
    bookings: defaultdict[str, Counter[BookingState]] = defaultdict(Counter)
    offered = (
        sa.select(Slot.starts_at, sa.func.count())
        .join(Slot.sitting)
        .join(Sitting.series)
        .join(Seat, Seat.slot_id == Slot.id)
        .where(Series.challenge_id == challenge.id, Slot.state == SlotState.OPEN)
        .group_by(Slot.starts_at)
    )
    for starts_at, number in session.execute(offered):
        seats[iso_week(starts_at, challenge.zone)] += number
    booked = (
        sa.select(Booking.starts_at, Booking.state, sa.func.count())
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(Series.challenge_id == challenge.id)
        .group_by(Booking.starts_at, Booking.state)
    )
    for starts_at, state, number in session.execute(booked):
        bookings[iso_week(starts_at, challenge.zone)][state] += number
    return [WeekLoad(week, seats[week], dict(bookings[week])) for week in sorted({*seats, *bookings})]
