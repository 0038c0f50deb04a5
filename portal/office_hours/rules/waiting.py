"""How long a free seat is kept for whoever waits: hours of their waking time, so that nobody loses it asleep."""

import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from portal.office_hours.models import Series, Sitting, Slot, Waiter
from portal.office_hours.rules.planning import Span
from portal.office_hours.states import SittingState, SlotState, WaiterState
from portal.office_hours.time import instant

KEPT = "Others wait for this slot: its free seats are offered to them first. You can join the waiting list."
# A person's day on their own clock.
DAY_BEGINS, DAY_ENDS = time(8), time(21)
# An offer stands for so much of the person's day; where less of it is left, for half of that, but never for less than
# the least. Whoever has not even that is passed over, and keeps their place.
OFFER_LASTS, LEAST = timedelta(hours=3), timedelta(minutes=30)


def waking(since: datetime, zone: str) -> Iterator[Span]:
    """The days of a person in `zone` from `since` on, in UTC; each begins after the one before has ended."""
    at = since.astimezone(UTC)
    day = at.astimezone(zoneinfo.ZoneInfo(zone)).date()
    while True:
        begin, end = _edge(day, DAY_BEGINS, zone), _edge(day, DAY_ENDS, zone)
        if at < end:
            yield Span(max(at, begin), end)
            at = end
        day += timedelta(days=1)


def _edge(day: date, clock: time, zone: str) -> datetime:
    return instant(datetime.combine(day, clock), zone)


def after_waking(at: datetime, length: timedelta, zone: str) -> datetime:
    """The instant by which a person in `zone` has been awake for `length` since `at`."""
    left = length
    for span in waking(at, zone):
        if span.since + left <= span.until:
            return span.since + left
        left -= span.until - span.since
    raise AssertionError("days do not end")


def waking_between(since: datetime, until: datetime, zone: str) -> timedelta:
    """How long a person in `zone` is awake within a span."""
    total = timedelta()
    for span in waking(since, zone):
        if span.since >= until:
            break
        total += min(span.until, until) - span.since
    return total


def by_day(since: datetime, until: datetime, zone: str) -> bool:
    """Whether a span lies within one day, 08 to 21, of somebody in `zone`."""
    return until > since and waking_between(since, until, zone) == until - since


def offer_until(at: datetime, closes_at: datetime, zone: str) -> datetime | None:
    """Until when a seat is kept for somebody in `zone`; None where too little of their day is left before it closes."""
    left = waking_between(at, closes_at, zone)
    if left < LEAST:
        return None
    length = OFFER_LASTS if left >= OFFER_LASTS else max(LEAST, left / 2)
    return after_waking(at, length, zone)


def closes_at(slot: Slot, series: Series) -> datetime:
    """Until when the slot can be booked."""
    return slot.starts_at - series.notice


def wants(waiter: Waiter, slot: Slot, open_slots: Iterable[int]) -> bool:
    """Whether somebody waits for this slot: it is among those that they named, or they named none that is still open.

    A session that was moved has other slots; whoever waits for it then waits for any of them.
    """
    named = {each.slot_id for each in waiter.slots} & set(open_slots)
    return not named or slot.id in named


def why_not_join(sitting: Sitting, slots: Iterable[Slot], at: datetime) -> str | None:
    """Why nobody can wait for these slots of a session."""
    if sitting.state is not SittingState.PLANNED:
        return "This session has been cancelled."
    coming = [slot for slot in slots if slot.state is SlotState.OPEN and at <= closes_at(slot, sitting.series)]
    return None if coming else "It is too late: these slots can no longer be booked."


def why_not_leave(waiter: Waiter) -> str | None:
    """Why a place on the list cannot be given up."""
    return None if waiter.state is WaiterState.WAITING else "You are not on this list any more."


def standing(before: int) -> str:
    """Where somebody stands, in words: how many of those who wait come before them."""
    if before == 0:
        return "You are next."
    return "One comes before you." if before == 1 else f"{before} come before you."
