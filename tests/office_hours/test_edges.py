"""Both edges of summer time, on machines in two very different zones: sessions, moves and calendars mean the same."""

import time as machine
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.office_hours import actions, queries
from portal.office_hours.actions.exceptions import add_sitting, move_sitting
from portal.office_hours.busy import busy
from portal.office_hours.models import Series, Sitting
from portal.office_hours.states import Wall
from tests.cast import Cast
from tests.office_hours.conftest import SENDER, Stage, local
from tests.office_hours.test_busy import calendar
from tests.office_hours.test_sittings import sittings

WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True, params=["UTC", "Pacific/Chatham"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own zone."""
    monkeypatch.setenv("TZ", request.param)
    machine.tzset()
    yield
    monkeypatch.undo()
    machine.tzset()


def sundays(session: Session, cast: Cast, stage: Stage, *first: int, zone: str = "America/New_York") -> Series:
    """Three Sundays from a local time on; the second one is an edge."""
    begin = datetime(*first[:3], tzinfo=UTC)  # type: ignore[misc, arg-type]
    plan = stage.plan(first=local(*first), zone=zone, count=3, slots=2)
    series = actions.create_series(session, cast.challenge, plan, by=cast.host.id, at=begin - WEEK)
    span = {"since": begin - WEEK, "before": begin + 4 * WEEK, "at": begin - WEEK}
    actions.materialise(session, series.id, **span)
    session.commit()
    assert actions.materialise(session, series.id, **span) == 0
    return series


def seen(session: Session, series: Series) -> list[tuple[str, Wall]]:
    return [(f"{each.starts_at:%d %H:%M}", each.wall) for each in sittings(session, series)]


@pytest.mark.parametrize(
    ("zone", "first", "expected"),
    [
        ("America/New_York", (2026, 3, 1, 2, 30), ["01 07:30", "08 07:30 gap", "15 06:30"]),
        ("America/New_York", (2026, 10, 25, 1, 30), ["25 05:30", "01 05:30 fold", "08 06:30"]),
        ("Europe/Berlin", (2026, 3, 22, 2, 30), ["22 01:30", "29 01:30 gap", "05 00:30"]),
        ("Europe/Berlin", (2026, 10, 18, 2, 30), ["18 00:30", "25 00:30 fold", "01 01:30"]),
        ("Pacific/Chatham", (2026, 9, 20, 3, 0), ["19 14:15", "26 14:15 gap", "03 13:15"]),
        ("Australia/Lord_Howe", (2026, 3, 29, 1, 45), ["28 14:45", "04 14:45 fold", "11 15:15"]),
    ],
)
def test_sessions_at_an_edge(
    session: Session, cast: Cast, stage: Stage, zone: str, first: tuple[int, ...], expected: list[str]
) -> None:
    series = sundays(session, cast, stage, *first, zone=zone)

    told = [f"{when} {wall}".removesuffix(" once") for when, wall in seen(session, series)]

    assert told == expected


def whole(session: Session, cast: Cast, sitting: Sitting) -> Sitting:
    return queries.sitting_of(session, cast.challenge.id, sitting.id)


def test_moved_over_an_edge_and_back(session: Session, cast: Cast, stage: Stage) -> None:
    series = sundays(session, cast, stage, 2026, 10, 25, 1, 30)
    first, at = sittings(session, series)[0], datetime(2026, 10, 20, tzinfo=UTC)
    booking = stage.book(stage.slots(series)[0], at=at)

    move_sitting(session, whole(session, cast, first), local(2026, 11, 1, 0, 30), by=cast.host.id, at=at, sender=SENDER)
    session.refresh(booking)
    assert (booking.starts_at, booking.ends_at - booking.starts_at) == (
        datetime(2026, 11, 1, 4, 30, tzinfo=UTC), timedelta(minutes=30),
    )  # fmt: skip
    move_sitting(session, whole(session, cast, first), first.recurrence_local, by=cast.host.id, at=at, sender=SENDER)

    session.refresh(booking)
    assert (booking.starts_at, booking.sequence, first.moved_local) == (
        datetime(2026, 10, 25, 5, 30, tzinfo=UTC), 2, None,
    )  # fmt: skip


def test_one_more_in_the_hour_that_comes_twice(session: Session, cast: Cast, stage: Stage) -> None:
    series = sundays(session, cast, stage, 2026, 10, 25, 9, 0)

    extra = add_sitting(
        session, series, local(2026, 11, 1, 1, 15), by=cast.host.id, at=datetime(2026, 10, 20, tzinfo=UTC),
        scope=cast.slug,
    )  # fmt: skip

    assert (extra.starts_at, extra.wall) == (datetime(2026, 11, 1, 5, 15, tzinfo=UTC), Wall.FOLD)


def test_a_calendar_at_an_edge() -> None:
    event = (
        "UID:a\r\nDTSTART;TZID=America/New_York:20261025T090000\r\nDTEND;TZID=America/New_York:20261025T100000\r\n"
        "RRULE:FREQ=WEEKLY;COUNT=2"
    )
    day = "UID:b\r\nDTSTART;VALUE=DATE:20261101"
    since = datetime(2026, 10, 20, tzinfo=UTC)

    found = busy(calendar(event, day), "America/New_York", since, since + 4 * WEEK)

    # The day on which clocks go back has twenty-five hours; the meeting of that day lies within it.
    assert [(f"{each.since:%d %H:%M}", each.until - each.since) for each in found] == [
        ("25 13:00", timedelta(hours=1)), ("01 04:00", timedelta(hours=25)),
    ]  # fmt: skip
