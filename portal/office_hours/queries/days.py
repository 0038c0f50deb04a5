"""The day of a session, for those who hold it and for those who come."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.office_hours.models import Arrival, Booking, Course, HostArrival, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by, whole_booking_options, whole_slot
from portal.office_hours.queries.sittings import ids_of
from portal.office_hours.rules.days import Line, Turn, next_of, turns
from portal.office_hours.states import SEATED, BookingState, SittingState, SlotState

WAITING = frozenset({BookingState.CONFIRMED})


@dataclass(slots=True)
class Day:
    """The course of a session: its slots in order, who has a seat in each, who has come, and whose turn it is."""

    sitting: Sitting
    slots: Sequence[Slot]
    course: Course
    bookings: dict[int, list[Booking]]
    arrivals: dict[int, Arrival]
    hosts: list[HostArrival]
    turns: dict[int, Turn] = field(default_factory=dict)
    next: int | None = None

    def __post_init__(self) -> None:
        """Work out whose turn it is."""
        lines = [self._line(slot) for slot in self.slots]
        self.turns, self.next = turns(lines, self.course.slot_id), next_of(lines, self.course.slot_id)

    def _line(self, slot: Slot) -> Line:
        seated = self.bookings.get(slot.id, [])
        return Line(slot.id, any(each.state in WAITING for each in seated), bool(seated))

    @property
    def stamp(self) -> str:
        """The same as long as nobody has said or done anything: by it a page sees that it is out of date."""
        told = [
            self.course.version, self.sitting.state,
            [(slot.id, ids_of(slot)) for slot in self.slots],
            sorted((each.id, each.state, each.slot_id) for seated in self.bookings.values() for each in seated),
            sorted((each.booking_id, str(each.here_at), each.late_minutes or 0) for each in self.arrivals.values()),
            sorted(each.account_id for each in self.hosts),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def course_of(session: Session, sitting_id: int) -> Course:
    """How the session goes; before anybody has said anything, as planned."""
    found = session.scalars(
        sa.select(Course).where(Course.sitting_id == sitting_id).execution_options(populate_existing=True)
    ).one_or_none()
    return found or Course(sitting_id=sitting_id, version=0, late_minutes=0)


def lateness(session: Session, sitting_ids: Collection[int]) -> dict[int, int]:
    """By how many minutes sessions run late, by session; those that keep their time have no entry."""
    late = sa.select(Course.sitting_id, Course.late_minutes)
    return dict(session.execute(late.where(Course.sitting_id.in_(sitting_ids), Course.late_minutes > 0)).all())


def day_of(session: Session, sitting: Sitting) -> Day:
    """The course of a session, whoever asks: who sees which names is up to the page."""
    slots = session.scalars(
        sa.select(Slot)
        .options(*whole_slot())
        .where(Slot.sitting_id == sitting.id, Slot.state == SlotState.OPEN)
        .order_by(Slot.starts_at, Slot.id)
    ).all()
    ids = [slot.id for slot in slots]
    bookings: dict[int, list[Booking]] = {}
    for booking in session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(Booking.slot_id.in_(ids), Booking.state.in_(SEATED), Booking.state != BookingState.HELD)
        .order_by(Booking.starts_at, Booking.seat_no, Booking.id)
    ):
        bookings.setdefault(booking.slot_id, []).append(booking)
    arrivals = {each.booking_id: each for each in session.scalars(sa.select(Arrival).where(Arrival.slot_id.in_(ids)))}
    hosts = session.scalars(
        sa.select(HostArrival)
        .options(joinedload(HostArrival.account))
        .where(HostArrival.sitting_id == sitting.id)
        .order_by(HostArrival.here_at, HostArrival.account_id)
    ).all()
    return Day(sitting, slots, course_of(session, sitting.id), bookings, arrivals, list(hosts))


def arrival_of(session: Session, booking: Booking) -> Arrival | None:
    """What the participant's people have said for the slot in which the booking is now."""
    return session.scalars(
        sa.select(Arrival)
        .where(Arrival.booking_id == booking.id, Arrival.slot_id == booking.slot_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def todays(session: Session, challenge_id: int, account_id: int, since: datetime, before: datetime) -> list[Sitting]:
    """The sessions that touch a span of time and in which the person holds a slot, in order."""
    held = sa.select(Slot.sitting_id).where(Slot.state == SlotState.OPEN, held_by(account_id))
    rows = (
        sa.select(Sitting)
        .join(Sitting.series)
        .options(joinedload(Sitting.series))
        .where(
            Series.challenge_id == challenge_id, Sitting.state == SittingState.PLANNED, Sitting.id.in_(held),
            Sitting.ends_at > since, Sitting.starts_at <= before,
        )
        .order_by(Sitting.starts_at, Sitting.id)
    )  # fmt: skip
    return list(session.scalars(rows))
