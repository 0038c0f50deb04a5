"""Hours of somebody's day, exact where clocks change."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.office_hours.rules.waiting import LEAST, after_waking, by_day, offer_until, waking_between

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EDGES = (
    ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 7, 18, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 18, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 6, tzinfo=UTC)),  # half an hour back
    ("Pacific/Chatham", datetime(2026, 4, 4, 6, tzinfo=UTC)),  # at a quarter to four
    ("Pacific/Apia", datetime(2011, 12, 29, 20, tzinfo=UTC)),  # a day that never was
    ("America/Havana", datetime(2026, 3, 7, 20, tzinfo=UTC)),  # midnight does not exist
    ("Asia/Kathmandu", datetime(2026, 6, 1, 14, tzinfo=UTC)),
)


@pytest.fixture(params=["UTC", "Pacific/Chatham"], autouse=True)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rules do not know where the machine stands."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def awake(moment: datetime, zone: str) -> bool:
    return 8 <= moment.astimezone(ZoneInfo(zone)).hour < 21


@pytest.mark.parametrize(("zone", "begin"), EDGES)
def test_waking_time_is_what_a_minute_hand_would_count(zone: str, begin: datetime) -> None:
    """Against a count minute by minute, over two nights, one of them the one in which clocks change."""
    passed, counted = begin, timedelta()
    for step in range(48):
        until = begin + step * HOUR
        while passed < until:
            counted += MINUTE if awake(passed, zone) else timedelta()
            passed += MINUTE
        assert waking_between(begin, until, zone) == counted
        if counted and awake(until - MINUTE, zone):
            assert after_waking(begin, counted, zone) == until


@pytest.mark.parametrize(
    ("at", "closes", "expected"),
    [
        # By day, three hours.
        ((6, 15, 12, 0), (6, 18, 12, 0), (6, 15, 15, 0)),
        # In the evening, the rest of them the next morning: Berlin's day ends at 19 UTC and begins at 6.
        ((6, 15, 18, 0), (6, 18, 12, 0), (6, 16, 8, 0)),
        # At night, from the morning on.
        ((6, 15, 23, 0), (6, 18, 12, 0), (6, 16, 9, 0)),
        # Three hours and no more are left.
        ((6, 15, 9, 0), (6, 15, 12, 0), (6, 15, 12, 0)),
        # Less is left: half of it, so that somebody else can have the other half.
        ((6, 15, 9, 0), (6, 15, 11, 0), (6, 15, 10, 0)),
        # Half would be too short.
        ((6, 15, 9, 0), (6, 15, 9, 40), (6, 15, 9, 30)),
        ((6, 15, 9, 0), (6, 15, 9, 30), (6, 15, 9, 30)),
        ((6, 15, 9, 0), (6, 15, 9, 29), None),
        # It closes before they wake up, or soon after.
        ((6, 15, 23, 0), (6, 16, 5, 0), None),
        ((6, 15, 23, 0), (6, 16, 6, 29), None),
        ((6, 15, 23, 0), (6, 16, 6, 30), (6, 16, 6, 30)),
        # It has closed.
        ((6, 15, 9, 0), (6, 15, 8, 0), None),
    ],
)
def test_how_long_an_offer_stands_in_berlin(
    at: tuple[int, ...], closes: tuple[int, ...], expected: tuple[int, ...] | None
) -> None:
    def moment(parts: tuple[int, ...]) -> datetime:
        month, day, hour, minute = parts
        return datetime(2026, month, day, hour, minute, tzinfo=UTC)

    until = offer_until(moment(at), moment(closes), "Europe/Berlin")

    assert until == (moment(expected) if expected else None)


@pytest.mark.parametrize("zone", ["Pacific/Chatham", "America/New_York", "Australia/Lord_Howe"])
def test_an_offer_ends_in_the_persons_day_and_before_it_closes(zone: str) -> None:
    begin = datetime(2026, 3, 31, tzinfo=UTC)
    for hours in range(0, 24 * 7, 5):
        at, closes = begin + hours * HOUR, begin + hours * HOUR + (hours % 40) * HOUR
        until = offer_until(at, closes, zone)
        if until is None:
            assert waking_between(at, closes, zone) < LEAST
            continue
        assert at < until <= closes
        assert awake(until - MINUTE, zone)
        assert waking_between(at, until, zone) >= LEAST


@pytest.mark.parametrize(
    ("hour", "minutes", "expected"), [(6, 30, True), (5, 30, False), (18, 60, True), (18, 61, False), (18, 0, False)]
)
def test_a_session_by_day_lies_between_eight_and_nine_in_the_evening(hour: int, minutes: int, expected: bool) -> None:
    begin = datetime(2026, 6, 15, hour, tzinfo=UTC)

    assert by_day(begin, begin + minutes * MINUTE, "Europe/Berlin") is expected
