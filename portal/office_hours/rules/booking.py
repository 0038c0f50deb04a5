"""What may be done with slots and bookings, and when."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.rules.planning import Span
from portal.office_hours.states import LIVE, BookingState, SlotState, Source

# The way into the meeting is shown this long before it begins.
DOORS_OPEN = timedelta(minutes=15)


# How long a seat is kept for somebody who fills in the form.
HOLD = timedelta(minutes=5)


class Occupied(Protocol):
    """What may be in the way of another booking."""

    @property
    def slot_id(self) -> int: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def state(self) -> BookingState: ...


def lowest_free(taken: Collection[int], limit: int) -> int | None:
    """The lowest number from 1 to `limit` that is not taken."""
    return next((number for number in range(1, limit + 1) if number not in taken), None)


def why_not_slot(slot: Slot, series: Series, at: datetime, *, overruled: bool = False) -> str | None:
    """Why nobody can book this slot now; None if it is open for booking. Seats and quota are another matter.

    Notice and advance may be `overruled` by staff.
    """
    if slot.state is not SlotState.OPEN:
        return "This session has been cancelled."
    if slot.collides:
        return "Its host cannot come then. It may open again."
    if overruled:
        return "It has begun." if at >= slot.starts_at else None
    if at > slot.starts_at - series.notice:
        return f"It closed {length(series.notice)} before its beginning."
    if slot.starts_at > at + timedelta(days=series.advance_days):
        return f"It opens {series.advance_days} days before its beginning."
    return None


def why_not_mine(slot: Slot, mine: Iterable[Occupied]) -> str | None:
    """Why a participant with these bookings cannot have the slot as well."""
    wanted = Span(slot.starts_at, slot.ends_at)
    for booking in mine:
        if booking.state not in LIVE:
            continue
        if booking.slot_id == slot.id:
            return "You already have a seat in this slot."
        if wanted.meets(Span(booking.starts_at, booking.ends_at)):
            return "You already have a booking at that time."
    return None


def is_late(booking: Booking, series: Series, at: datetime) -> bool:
    """Whether cancelling now comes after the cut-off, so that the credit is not given back."""
    return booking.state is BookingState.CONFIRMED and at > booking.starts_at - series.cutoff


def why_not_cancel(booking: Booking, at: datetime) -> str | None:
    """Why the participant can no longer cancel."""
    if booking.state not in LIVE:
        return f"This booking is {booking.state.replace('_', ' ')} already."
    return "It has begun; its host notes whether you were there." if at >= booking.starts_at else None


def why_not_reschedule(booking: Booking, series: Series, at: datetime, *, overruled: bool = False) -> str | None:
    """Why the participant cannot move the booking to another slot. The cut-off may be `overruled` by staff."""
    if booking.state is not BookingState.CONFIRMED:
        return f"Only a confirmed booking can be moved; this one is {booking.state.replace('_', ' ')}."
    if at >= booking.starts_at:
        return "It has begun; its host notes whether you were there."
    if is_late(booking, series, at) and not overruled:
        return f"Bookings can be moved until {length(series.cutoff)} before they begin. You can still cancel."
    return None


def why_not_mark(booking: Booking, at: datetime) -> str | None:
    """Why the host cannot yet say whether the person was there."""
    return "It has not begun yet." if at < booking.starts_at else None


def why_not_cancel_sitting(sitting: Sitting, at: datetime) -> str | None:
    """Why a session can no longer be cancelled as a whole."""
    return "It is over." if at >= sitting.ends_at else None


def is_held(booking: Booking, at: datetime) -> bool:
    """Whether the seat is only held while a form is open. A hold that has run out is none."""
    held = booking.state is BookingState.HELD and booking.source is Source.PAGE
    return held and booking.hold_expires_at is not None and booking.hold_expires_at > at


def may_enter(booking: Booking) -> bool:
    """Whether the way into the meeting is for this booking; whom the host has noted as present may come in again."""
    return booking.state in (BookingState.CONFIRMED, BookingState.ATTENDED)


def hours(number: int) -> str:
    """So many hours in words."""
    return length(timedelta(hours=number))


def length(span: timedelta) -> str:
    """A length of time in words: "2 days", "12 hours", "90 minutes"."""
    minutes = int(span.total_seconds() // 60)
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes and minutes % size == 0:
            number = minutes // size
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
