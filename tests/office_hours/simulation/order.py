"""Whether seats that became free were offered in the order that is promised, reckoned anew from what the tables keep.

First whom the hosts owe a seat, then who never had one, then who had fewest lately, then in all, then who
waited longest.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tests.office_hours.simulation.people import WEEK
from tests.office_hours.simulation.rows import COUNTED, Rows, instant, rows
from tests.office_hours.simulation.world import CAP, NOTICE, QUOTA, WEEK_ZONE

STEP = timedelta(minutes=5)
STRETCH = 4 * WEEK


class Taken(NamedTuple):
    """A booking: from when on it took a seat, and until when, if it does no longer."""

    id: int
    slot: int
    starts_at: datetime
    ends_at: datetime
    since: datetime
    until: datetime | None
    counts: bool

    def stands(self, offer: "Offer") -> bool:
        """Whether it took a seat just before an offer was made."""
        begun = (self.since, self.id) < (offer.at, offer.booking)
        return begun and (self.until is None or self.until > offer.at)


class Waiter(NamedTuple):
    """A place on a list."""

    id: int
    sitting: int
    who: int
    zone: str
    joined_at: datetime
    until: datetime | None
    served: bool
    slots: frozenset[int]


class Offer(NamedTuple):
    """A seat that was offered to a waiter."""

    booking: int
    waiter: int
    slot: int
    at: datetime
    expires_at: datetime
    starts_at: datetime
    ends_at: datetime


class Books:
    """All of it, read once."""

    def __init__(self, session: Session) -> None:
        named: defaultdict[int, set[int]] = defaultdict(set)
        for waiter, slot in rows(session, "SELECT waiter_id, slot_id FROM office_waiter_slot"):
            named[waiter].add(slot)
        self.waiters = [_waiter(row, named) for row in rows(session, _WAITERS)]
        self.offers = [Offer(*row[:3], *map(instant, row[3:])) for row in rows(session, _OFFERS)]
        self.seats: defaultdict[int, list[Taken]] = defaultdict(list)
        for who, *row in rows(session, _BOOKINGS):
            self.seats[who].append(_taken(*row))
        self.withdrawn: defaultdict[int, list[datetime]] = defaultdict(list)
        for who, at in rows(session, _WITHDRAWN):
            self.withdrawn[who].append(instant(at))

    def turn(self, waiter: Waiter, offer: Offer) -> tuple[object, ...]:
        """The lower one comes first."""
        had = self._had(waiter.who, offer)
        lately = [seat for seat in had if abs(seat.starts_at - offer.at) <= STRETCH]
        return (-self._owed(waiter.who, had, offer.at), bool(had), len(lately), len(had), waiter.joined_at, waiter.id)

    def _had(self, who: int, offer: Offer) -> list[Taken]:
        """The bookings that counted at that moment, those that were given back too late among them."""
        return [seat for seat in self.seats[who] if seat.stands(offer) or (seat.counts and seat.since < offer.at)]

    def _owed(self, who: int, had: list[Taken], at: datetime) -> int:
        owed, events = 0, [(when, 1) for when in self.withdrawn[who] if when <= at] + [(seat.since, -1) for seat in had]
        for _, change in sorted(events):
            owed = max(0, owed + change)
        return owed

    def could(self, waiter: Waiter, offer: Offer) -> bool:
        """Whether the seat could have been offered to somebody at that moment."""
        there = waiter.joined_at <= offer.at and (waiter.until is None or waiter.until > offer.at)
        wants = not waiter.slots or offer.slot in waiter.slots
        return there and wants and not self.is_asked(waiter, offer) and self._free(waiter, offer) and _up(waiter, offer)

    def is_asked(self, waiter: Waiter, offer: Offer) -> bool:
        """Whether they had been offered this seat before, or were just thinking about another one."""
        for earlier in self.offers:
            if earlier.waiter == waiter.id and earlier.booking < offer.booking:
                booking = next(seat for seat in self.seats[waiter.who] if seat.id == earlier.booking)
                if earlier.slot == offer.slot or waiter.served or booking.stands(offer):
                    return True
        return False

    def _free(self, waiter: Waiter, offer: Offer) -> bool:
        """Whether they had nothing else then, and seats left in that week and those four weeks."""
        taken = self._had(waiter.who, offer)
        if any(seat.starts_at < offer.ends_at and offer.starts_at < seat.ends_at for seat in taken):
            return False
        week = [seat for seat in taken if _week(seat.starts_at) == _week(offer.starts_at)]
        near = [seat for seat in taken if abs(seat.starts_at - offer.starts_at) < STRETCH]
        return len(week) < QUOTA and len(near) < CAP


def _week(at: datetime) -> tuple[int, int]:
    return at.astimezone(ZoneInfo(WEEK_ZONE)).isocalendar()[:2]


def _up(waiter: Waiter, offer: Offer) -> bool:
    """Whether enough of their day was left for an answer, with some minutes to spare."""
    return sum(1 for _ in day_between(offer.at, offer.starts_at - NOTICE, waiter.zone)) * STEP >= timedelta(minutes=40)


def day_between(since: datetime, until: datetime, zone: str) -> Iterator[datetime]:
    """The moments of somebody's day, from 8 to 21, within a span; one every five minutes, for two days at most."""
    at = since
    while at < min(until, since + timedelta(days=2)):
        if 8 <= at.astimezone(ZoneInfo(zone)).hour < 21:
            yield at
        at += STEP


def out_of_turn(session: Session) -> Rows:
    """Offers that were somebody else's, or one too many, or of which too little lay in the person's day."""
    books = Books(session)
    lists: defaultdict[int, list[Waiter]] = defaultdict(list)
    for waiter in books.waiters:
        lists[waiter.sitting].append(waiter)
    known = {waiter.id: waiter for waiter in books.waiters}
    wrong: list[tuple[Any, ...]] = []
    for offer in books.offers:
        chosen = known[offer.waiter]
        others = [other for other in lists[chosen.sitting] if other.id != chosen.id and books.could(other, offer)]
        twice = books.is_asked(chosen, offer)
        passed = [other.id for other in others if books.turn(other, offer) < books.turn(chosen, offer)]
        time_left = sum(1 for _ in day_between(offer.at, offer.expires_at, chosen.zone)) * STEP
        if twice or passed or time_left < timedelta(minutes=25):
            wrong.append((offer, twice, passed, time_left))
    return wrong


_WAITERS = """
    SELECT waiter.id, waiter.sitting_id, waiter.participant_id, account.zone, waiter.joined_at, waiter.state,
    waiter.state_since FROM office_waiter AS waiter JOIN account ON account.id = waiter.account_id"""
_OFFERS = """
    SELECT offer.booking_id, offer.waiter_id, offer.slot_id, offer.offered_at, offer.expires_at, slot.starts_at,
    slot.ends_at FROM office_seat_offer AS offer JOIN office_slot AS slot ON slot.id = offer.slot_id
    ORDER BY offer.booking_id"""
_BOOKINGS = """
    SELECT participant_id, id, slot_id, starts_at, ends_at, booked_at, state, state_since FROM office_booking"""
_WITHDRAWN = """
    SELECT booking.participant_id, withdrawal.at FROM office_withdrawal AS withdrawal
    JOIN office_booking AS booking ON booking.id = withdrawal.booking_id"""


def _waiter(row: tuple[Any, ...], named: dict[int, set[int]]) -> Waiter:
    number, sitting, who, zone, joined_at, state, since = row
    until = None if state == "waiting" else instant(since)
    return Waiter(
        number, sitting, who, zone, instant(joined_at), until, state == "served", frozenset(named.get(number, ()))
    )


def _taken(number: int, slot: int, starts_at: Any, ends_at: Any, booked_at: Any, state: str, since: Any) -> Taken:
    ended = state in ("cancelled", "expired", "late_cancelled")
    until = instant(since) if ended else None
    counts = f"'{state}'" in COUNTED
    return Taken(number, slot, instant(starts_at), instant(ends_at), instant(booked_at), until, counts)
