"""Answers about office hours that need no database: how slots lie, whose they are, what may still be done when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.states import LIVE, BookingState, SlotState
from portal.office_hours.time import Weekly

# The way into the meeting is shown this long before it begins.
DOORS_OPEN = timedelta(minutes=15)


class Span(NamedTuple):
    """From one instant up to, not including, another."""

    since: datetime
    until: datetime

    def meets(self, other: "Span") -> bool:
        """Whether the two have a moment in common."""
        return self.since < other.until and other.since < self.until


class Share(NamedTuple):
    """A host of a series and how much of it they take."""

    account_id: int
    weight: int = 1
    weekly_max: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that makes a series. Lengths are in minutes unless they say otherwise."""

    title: str
    rule: Weekly
    hosts: tuple[Share, ...]
    slots: int
    slot_minutes: int
    seats: int = 1
    buffer_before: int = 0
    buffer_after: int = 0
    notice_minutes: int = 120
    cutoff_minutes: int = 720
    advance_days: int = 28
    weekly_quota: int = 1
    meeting_url: str = ""

    @property
    def whole(self) -> timedelta:
        """How long a session lasts, buffers included."""
        return timedelta(minutes=self.slots * (self.buffer_before + self.slot_minutes + self.buffer_after))


class Place(NamedTuple):
    """Where one slot of a session lies: itself, and the time for which it keeps its host busy."""

    position: int
    slot: Span
    busy: Span


def layout(starts_at: datetime, series: Series) -> list[Place]:
    """The slots of a session that starts at `starts_at` (UTC), one after another with the buffers between them."""
    length = timedelta(minutes=series.slot_minutes)
    before, after = timedelta(minutes=series.buffer_before), timedelta(minutes=series.buffer_after)
    begins = [starts_at + number * (before + length + after) for number in range(series.slots)]
    return [
        Place(number, Span(begin, begin + length), Span(begin - before, begin + length + after))
        for number, begin in enumerate(begins, start=1)
    ]


@dataclass(slots=True)
class HostLoad:
    """What a host has taken on: slots of the series in all, slots of any series in the week, and when they are busy."""

    account_id: int
    weight: int = 1
    weekly_max: int | None = None
    total: int = 0
    weeks: dict[str, int] = field(default_factory=dict)
    busy: list[Span] = field(default_factory=list)

    def can_take(self, busy: Span, week: str) -> bool:
        """Whether one more slot fits into the host's week and calendar."""
        full = self.weekly_max is not None and self.weeks.get(week, 0) >= self.weekly_max
        return not full and not any(busy.meets(other) for other in self.busy)

    def take(self, busy: Span, week: str) -> None:
        """Count one more slot."""
        self.total += 1
        self.weeks[week] = self.weeks.get(week, 0) + 1
        self.busy.append(busy)


def next_host(hosts: Iterable[HostLoad], busy: Span, week: str) -> HostLoad | None:
    """The host whose turn it is: who is furthest behind their share among those who are free, or None."""
    free = [host for host in hosts if host.can_take(busy, week)]
    return min(free, key=lambda host: (host.total / host.weight, host.account_id), default=None)


def lowest_free(taken: Collection[int], limit: int) -> int | None:
    """The lowest number from 1 to `limit` that is not taken."""
    return next((number for number in range(1, limit + 1) if number not in taken), None)


def why_not_slot(slot: Slot, series: Series, at: datetime) -> str | None:
    """Why nobody can book this slot now; None if it is open for booking. Seats and quota are another matter."""
    if slot.state is not SlotState.OPEN:
        return "This session has been cancelled."
    if at > slot.starts_at - series.notice:
        return f"It closed {length(series.notice)} before its beginning."
    if slot.starts_at > at + timedelta(days=series.advance_days):
        return f"It opens {series.advance_days} days before its beginning."
    return None


def why_not_mine(slot: Slot, mine: Iterable[Booking]) -> str | None:
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


def why_not_reschedule(booking: Booking, series: Series, at: datetime) -> str | None:
    """Why the participant cannot move the booking to another slot."""
    if booking.state is not BookingState.CONFIRMED:
        return f"Only a confirmed booking can be moved; this one is {booking.state.replace('_', ' ')}."
    if is_late(booking, series, at):
        return f"Bookings can be moved until {length(series.cutoff)} before they begin. You can still cancel."
    return None


def why_not_mark(booking: Booking, at: datetime) -> str | None:
    """Why the host cannot yet say whether the person was there."""
    return "It has not begun yet." if at < booking.starts_at else None


def why_not_cancel_sitting(sitting: Sitting, at: datetime) -> str | None:
    """Why a session can no longer be cancelled as a whole."""
    return "It is over." if at >= sitting.ends_at else None


def doors_open(booking: Booking, at: datetime) -> bool:
    """Whether the way into the meeting is shown."""
    return booking.state is BookingState.CONFIRMED and booking.starts_at - DOORS_OPEN <= at < booking.ends_at


def length(span: timedelta) -> str:
    """A length of time in words: "2 days", "12 hours", "90 minutes"."""
    minutes = int(span.total_seconds() // 60)
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes and minutes % size == 0:
            number = minutes // size
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
