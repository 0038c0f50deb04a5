"""What a participant has booked and missed, and what of a slot is theirs to have because of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.office_hours.models import Series, Slot
from portal.office_hours.rules.booking import length, why_not_mine
from portal.office_hours.states import OWN_HAND, BookingState, Source
from portal.office_hours.time import spoken_day

# A rolling cap looks at so long a stretch, wherever it begins.
STRETCH = timedelta(weeks=4)
# Holding a seat without booking it: so often within the hour, of one slot and altogether.
HOLDS_OF_SLOT, HOLDS_IN_ALL, HOLDS_SPAN = 3, 10, timedelta(hours=1)


class Taken(NamedTuple):
    """One seat that a participant has or had and that counts."""

    booking_id: int
    slot_id: int
    starts_at: datetime
    ends_at: datetime
    state: BookingState
    source: Source
    quota_period: str
    quota_no: int | None


class Record(NamedTuple):
    """All seats of a participant that count, and when each of their live strikes lapses, the first one first."""

    taken: tuple[Taken, ...] = ()
    lapses: tuple[datetime, ...] = ()

    def without(self, booking_id: int) -> "Record":
        """What is left if a booking is given up."""
        return self._replace(taken=tuple(seat for seat in self.taken if seat.booking_id != booking_id))

    def without_holds(self) -> "Record":
        """What is left without the seat that is held while a form is open: any other wish lets it go."""
        return self._replace(taken=tuple(seat for seat in self.taken if not _is_hold(seat)))

    def numbers(self, period: str) -> set[int]:
        """Which numbers of a week's quota are used."""
        return {seat.quota_no for seat in self.taken if seat.quota_period == period and seat.quota_no is not None}


def _is_hold(seat: Taken) -> bool:
    return seat.state is BookingState.HELD and seat.source is Source.PAGE


def why_not_record(record: Record, slot: Slot, series: Series, at: datetime, source: Source) -> str | None:
    """Why a participant with this record cannot have the slot. The quota is another matter."""
    return (
        why_not_mine(slot, record.taken)
        or (why_not_strikes(record.lapses, slot.starts_at, series, at) if source in OWN_HAND else None)
        or (why_not_cap(record, slot.starts_at, series) if source is not Source.FOLLOW_UP else None)
    )


def why_not_strikes(lapses: tuple[datetime, ...], starts_at: datetime, series: Series, at: datetime) -> str | None:
    """Why a slot is not open yet to somebody who missed what they had booked."""
    until, window = limited_until(lapses, series), timedelta(hours=series.strike_hours)
    if until is None or at >= starts_at - window:
        return None
    return (
        f"After {len(lapses)} missed bookings you can book what is still free {length(window)} before, "
        f"until {spoken_day(until, series.challenge.zone)}."
    )


def limited_until(lapses: tuple[datetime, ...], series: Series) -> datetime | None:
    """Until when strikes limit what can be booked in a series; None if they do not."""
    limit = series.strike_limit
    return lapses[len(lapses) - limit] if limit is not None and len(lapses) >= limit else None


def why_not_cap(record: Record, starts_at: datetime, series: Series) -> str | None:
    """Why one more seat would be too many in some stretch of four weeks."""
    cap = series.rolling_cap
    others = (seat.starts_at for seat in record.taken if seat.quota_no is not None)
    if cap is None or fullest(others, starts_at) <= cap:
        return None
    return f"At most {cap} {'seat' if cap == 1 else 'seats'} in any 4 weeks; yours around that day are used up."


def fullest(others: Iterable[datetime], wanted: datetime) -> int:
    """How many seats lie in the fullest stretch of four weeks that contains the wanted one, itself counted."""
    near = sorted([*(one for one in others if abs(one - wanted) < STRETCH), wanted])
    begins = [one for one in near if one <= wanted]
    return max(sum(begin <= one < begin + STRETCH for one in near) for begin in begins)


def why_not_hold(of_slot: int, in_all: int) -> str | None:
    """Why a seat is not held for somebody who has so often held one within the hour and let it go."""
    if of_slot < HOLDS_OF_SLOT and in_all < HOLDS_IN_ALL:
        return None
    times = f"this seat {of_slot} times" if of_slot >= HOLDS_OF_SLOT else f"seats {in_all} times"
    return (
        f"You have held {times} within an hour without booking. Nothing is held for you for a while; "
        "you can still book what is free when you send the form."
    )
