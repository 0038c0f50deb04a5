"""What a record allows: caps, strikes, holds. No database."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.challenges.models import Challenge
from portal.office_hours.models import Series, Slot
from portal.office_hours.rules import Record, Taken, limited_until, why_not_hold, why_not_record, why_not_slot
from portal.office_hours.rules.record import fullest
from portal.office_hours.states import BookingState, SlotState, Source

FIRST = datetime(2020, 6, 17, 16, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def series(**changes: object) -> Series:
    """A series with a cap of two, and late bookings after two strikes."""
    told = {"rolling_cap": 2, "strike_limit": 2, "strike_days": 28, "strike_hours": 48, "notice_minutes": 120,
            "cutoff_minutes": 720, "advance_days": 28, **changes}  # fmt: skip
    return Series(challenge=Challenge(zone="UTC"), **told)


def slot(starts_at: datetime = FIRST) -> Slot:
    """An open half hour."""
    made = Slot(id=7, state=SlotState.OPEN, starts_at=starts_at, ends_at=starts_at + HOUR / 2)
    made.collides = False
    return made


def seat(starts_at: datetime, *, state: BookingState = BookingState.CONFIRMED, source: Source = Source.PAGE,
         slot_id: int = 1, number: int | None = 1) -> Taken:  # fmt: skip
    """Half an hour that is taken."""
    return Taken(1, slot_id, starts_at, starts_at + HOUR / 2, state, source, "2020-W25", number)


@pytest.mark.parametrize(
    ("others", "most"),
    [
        ([], 1),
        ([-4 * WEEK], 1),
        ([-4 * WEEK + timedelta(seconds=1)], 2),
        ([4 * WEEK], 1),
        ([4 * WEEK - timedelta(seconds=1)], 2),
        # One before and one after are in one stretch only where four weeks hold both.
        ([-3 * WEEK, 3 * WEEK], 2),
        ([-2 * WEEK, WEEK], 3),
        ([-3 * WEEK, -2 * WEEK, 2 * WEEK, 3 * WEEK], 3),
        ([-5 * WEEK, -WEEK, WEEK, 5 * WEEK], 3),
    ],
)
def test_the_fullest_four_weeks_around_a_seat(others: list[timedelta], most: int) -> None:
    assert fullest([FIRST + other for other in others], FIRST) == most


CAP = "At most 2 seats in any 4 weeks; yours around that day are used up."
MISSED = "After 2 missed bookings you can book what is still free 2 days before, until 1 July 2020."
SOON, LATER = datetime(2020, 7, 1, tzinfo=UTC), datetime(2020, 7, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("record", "source", "reason"),
    [
        (Record(), Source.PAGE, None),
        (Record((seat(FIRST),)), Source.STAFF, "You already have a booking at that time."),
        (Record((seat(FIRST + 6 * HOUR, slot_id=7),)), Source.PAGE, "You already have a seat in this slot."),
        (Record((seat(FIRST, state=BookingState.LATE_CANCELLED, slot_id=7),)), Source.PAGE, None),
        (Record((seat(FIRST - WEEK), seat(FIRST + WEEK))), Source.PAGE, CAP),
        (Record((seat(FIRST - WEEK), seat(FIRST + WEEK))), Source.STAFF, CAP),
        (Record((seat(FIRST - WEEK), seat(FIRST + WEEK))), Source.IMPORT, CAP),
        (Record((seat(FIRST - WEEK), seat(FIRST + WEEK))), Source.FOLLOW_UP, None),
        (Record((seat(FIRST - WEEK, number=None), seat(FIRST + WEEK))), Source.PAGE, None),
        (Record((seat(FIRST - WEEK), seat(FIRST + 4 * WEEK))), Source.PAGE, None),
        (Record(lapses=(SOON,)), Source.PAGE, None),
        (Record(lapses=(SOON, LATER)), Source.PAGE, MISSED),
        (Record(lapses=(SOON, LATER)), Source.API, MISSED),
        (Record(lapses=(SOON, LATER)), Source.STAFF, None),
        (Record(lapses=(SOON, LATER)), Source.WAITLIST, None),
    ],
)
def test_what_a_record_allows(record: Record, source: Source, reason: str | None) -> None:
    assert why_not_record(record, slot(), series(), FIRST - WEEK, source) == reason


@pytest.mark.parametrize(("before", "open_"), [(48 * HOUR + timedelta(seconds=1), False), (48 * HOUR, True)])
def test_with_two_strikes_what_is_free_opens_two_days_before(before: timedelta, open_: bool) -> None:
    reason = why_not_record(Record(lapses=(SOON, LATER)), slot(), series(), FIRST - before, Source.PAGE)

    assert (reason is None) is open_


@pytest.mark.parametrize(
    ("lapses", "limit", "until"),
    [
        ((SOON,), 2, None),
        ((SOON, LATER), 2, SOON),
        ((SOON, LATER), 1, LATER),
        ((SOON, SOON, LATER), 2, SOON),
        ((SOON, LATER), None, None),
    ],
)
def test_strikes_limit_until_fewer_are_left(
    lapses: tuple[datetime, ...], limit: int | None, until: datetime | None
) -> None:
    assert limited_until(lapses, series(strike_limit=limit)) == until


def test_another_wish_leaves_the_seat_that_a_form_holds() -> None:
    form = seat(FIRST, state=BookingState.HELD)
    offer = seat(FIRST, state=BookingState.HELD, source=Source.WAITLIST)
    booked = seat(FIRST)

    assert Record((form, offer, booked)).without_holds() == Record((offer, booked))


@pytest.mark.parametrize(
    ("of_slot", "in_all", "told"),
    [
        (2, 9, None),
        (3, 3, "You have held this seat 3 times within an hour without booking."),
        (0, 10, "You have held seats 10 times within an hour without booking."),
    ],
)
def test_holding_again_and_again_comes_to_an_end(of_slot: int, in_all: int, told: str | None) -> None:
    reason = why_not_hold(of_slot, in_all)

    assert (reason and reason.partition(". ")[0] + ".") == told


@pytest.mark.parametrize(
    ("at", "overruled", "reason"),
    [
        (FIRST - HOUR, False, "It closed 2 hours before its beginning."),
        (FIRST - HOUR, True, None),
        (FIRST - 60 * DAY, False, "It opens 28 days before its beginning."),
        (FIRST - 60 * DAY, True, None),
        (FIRST, True, "It has begun."),
    ],
)
def test_notice_and_advance_may_be_overruled_but_not_the_past(
    at: datetime, overruled: bool, reason: str | None
) -> None:
    assert why_not_slot(slot(), series(), at, overruled=overruled) == reason
