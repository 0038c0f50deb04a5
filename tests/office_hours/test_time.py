"""Wall clocks at the edges of summer time, whatever the machine's own zone is."""

import time as machine
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.office_hours.states import Wall
from portal.office_hours.time import (
    Weekly,
    expand,
    face,
    instant,
    iso_week,
    known_zones,
    shift,
    spoken,
    wall,
    zone_rules_version,
)

NEW_YORK, BERLIN, CHATHAM = "America/New_York", "Europe/Berlin", "Pacific/Chatham"
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture(autouse=True, params=["UTC", CHATHAM])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything here holds in two very different zones of the machine."""
    monkeypatch.setenv("TZ", request.param)
    machine.tzset()
    yield
    monkeypatch.undo()
    machine.tzset()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def local(*parts: int) -> datetime:
    """A wall-clock time, whose zone is told elsewhere."""
    return utc(*parts).replace(tzinfo=None)


def test_five_in_new_york_stays_five_when_the_clocks_change() -> None:
    rule = Weekly(local(2026, 2, 26, 17), NEW_YORK, count=4)

    found = list(expand(rule, *EVER))

    assert [one.starts_at for one in found] == [
        utc(2026, 2, 26, 22), utc(2026, 3, 5, 22), utc(2026, 3, 12, 21), utc(2026, 3, 19, 21),
    ]  # fmt: skip
    assert {one.starts_at.astimezone(ZoneInfo(NEW_YORK)).hour for one in found} == {17}
    assert [one.number for one in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("zone", "clock", "kind", "start"),
    [
        (NEW_YORK, local(2026, 3, 8, 2, 30), Wall.GAP, utc(2026, 3, 8, 7, 30)),
        (NEW_YORK, local(2026, 3, 8, 1, 59), Wall.ONCE, utc(2026, 3, 8, 6, 59)),
        (NEW_YORK, local(2026, 3, 8, 3, 0), Wall.ONCE, utc(2026, 3, 8, 7, 0)),
        (NEW_YORK, local(2026, 11, 1, 1, 30), Wall.FOLD, utc(2026, 11, 1, 5, 30)),
        (NEW_YORK, local(2026, 11, 1, 2, 0), Wall.ONCE, utc(2026, 11, 1, 7, 0)),
        (BERLIN, local(2026, 3, 29, 2, 0), Wall.GAP, utc(2026, 3, 29, 1, 0)),
        (BERLIN, local(2026, 10, 25, 2, 59), Wall.FOLD, utc(2026, 10, 25, 0, 59)),
        (BERLIN, local(2026, 10, 25, 3, 0), Wall.ONCE, utc(2026, 10, 25, 2, 0)),
        (CHATHAM, local(2026, 9, 27, 3, 0), Wall.GAP, utc(2026, 9, 26, 14, 15)),
        (CHATHAM, local(2026, 4, 5, 3, 0), Wall.FOLD, utc(2026, 4, 4, 13, 15)),
        (CHATHAM, local(2026, 4, 5, 3, 45), Wall.ONCE, utc(2026, 4, 4, 15, 0)),
        ("UTC", local(2026, 3, 29, 2, 0), Wall.ONCE, utc(2026, 3, 29, 2, 0)),
    ],
)
def test_a_wall_clock_time_may_exist_once_never_or_twice(
    zone: str, clock: datetime, kind: Wall, start: datetime
) -> None:
    assert (wall(clock, zone), instant(clock, zone)) == (kind, start)


def test_an_occurrence_in_a_gap_is_told_and_keeps_its_key() -> None:
    rule = Weekly(local(2026, 3, 1, 2, 30), NEW_YORK, count=3)

    found = list(expand(rule, *EVER))

    assert [one.wall for one in found] == [Wall.ONCE, Wall.GAP, Wall.ONCE]
    assert found[1].recurrence_local == local(2026, 3, 8, 2, 30)
    assert f"{found[1].starts_at.astimezone(ZoneInfo(NEW_YORK)):%H:%M %Z}" == "03:30 EDT"


def test_until_means_the_day_in_the_zone_of_the_series() -> None:
    # 23:30 on 14 March in Chatham is the morning of the 14th in UTC.
    rule = Weekly(local(2026, 2, 28, 23, 30), CHATHAM, until=date(2026, 3, 14))

    assert [one.recurrence_local.date() for one in expand(rule, *EVER)] == [
        date(2026, 2, 28), date(2026, 3, 7), date(2026, 3, 14),
    ]  # fmt: skip


def test_every_other_week_keeps_its_step_and_its_numbers_in_a_window() -> None:
    rule = Weekly(local(2026, 1, 5, 9), BERLIN, interval=2, count=10)

    found = list(expand(rule, utc(2026, 3, 30), utc(2026, 5, 1)))

    assert [(one.number, one.recurrence_local) for one in found] == [
        (7, local(2026, 3, 30, 9)), (8, local(2026, 4, 13, 9)), (9, local(2026, 4, 27, 9)),
    ]  # fmt: skip


def test_the_window_takes_its_beginning_and_leaves_its_end() -> None:
    rule = Weekly(local(2026, 1, 5, 9), "UTC", count=5)

    assert [one.number for one in expand(rule, utc(2026, 1, 12, 9), utc(2026, 1, 26, 9))] == [2, 3]
    assert list(expand(rule, utc(2027, 1, 1), utc(2028, 1, 1))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": utc(2026, 1, 5, 9), "count": 1},
        {"interval": 0, "count": 1},
        {"interval": 5, "count": 1},
        {},
        {"count": 1, "until": date(2026, 2, 1)},
        {"count": 0},
        {"count": 105},
    ],
)
def test_a_rule_that_is_none_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"weekly rule|interval|count"):
        Weekly(**{"first": local(2026, 1, 5, 9), "zone": "UTC", **wrong})  # type: ignore[arg-type]


@given(
    zone=st.sampled_from([NEW_YORK, BERLIN, CHATHAM, "Asia/Kolkata", "Africa/Casablanca", "America/St_Johns"]),
    first=st.datetimes(local(2019, 1, 1), local(2027, 1, 1)).map(lambda one: one.replace(second=0, microsecond=0)),
    interval=st.integers(1, 4),
    cut=st.datetimes(local(2018, 1, 1), local(2028, 1, 1)),
)
def test_two_windows_that_touch_make_the_same_as_one(zone: str, first: datetime, interval: int, cut: datetime) -> None:
    rule = Weekly(first, zone, interval, count=60)
    border = cut.replace(tzinfo=UTC)

    parts = [*expand(rule, EVER[0], border), *expand(rule, border, EVER[1])]

    assert parts == list(expand(rule, *EVER))
    for one in parts:
        if one.wall is not Wall.GAP:
            assert one.starts_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == one.recurrence_local


@pytest.mark.parametrize(
    ("moment", "zone", "week"),
    [
        (utc(2021, 1, 3, 12), "UTC", "2020-W53"),
        (utc(2021, 1, 4, 0), "UTC", "2021-W01"),
        (utc(2021, 1, 4, 0), "America/Los_Angeles", "2020-W53"),
        (utc(2020, 6, 14, 12), CHATHAM, "2020-W25"),
        (utc(2020, 6, 14, 12), BERLIN, "2020-W24"),
        (utc(2024, 12, 30), "UTC", "2025-W01"),
    ],
)
def test_the_week_of_the_quota_is_the_programmes(moment: datetime, zone: str, week: str) -> None:
    assert iso_week(moment, zone) == week


def test_new_york_and_berlin_are_out_of_step_in_four_weeks_of_2026() -> None:
    mondays = [local(2026, 1, 5, 17) + timedelta(weeks=number) for number in range(52)]

    shifted = {monday.date(): shift(monday, NEW_YORK, BERLIN) for monday in mondays if shift(monday, NEW_YORK, BERLIN)}

    assert shifted == dict.fromkeys(
        [date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 23), date(2026, 10, 26)], timedelta(hours=-1)
    )


def test_nothing_shifts_for_a_viewer_in_the_hosts_zone() -> None:
    assert not any(shift(local(2026, 1, 5, 17) + timedelta(weeks=n), BERLIN, BERLIN) for n in range(52))


def test_a_viewer_without_summer_time_is_told_for_some_weeks_only() -> None:
    shifted = [n for n in range(52) if shift(local(2026, 1, 5, 17) + timedelta(weeks=n), NEW_YORK, "Asia/Tokyo")]

    # Four weeks after each change; from then on the new time is the usual one.
    assert shifted == [9, 10, 11, 12, 43, 44, 45, 46]


def test_a_face_tells_the_viewers_clock_the_hosts_and_utc() -> None:
    told = face(utc(2026, 3, 9, 21), BERLIN, NEW_YORK)

    assert told == (
        "2026-03-09T21:00:00Z",
        date(2026, 3, 9),
        "22:00",
        "CET",
        "Mon 09 Mar 17:00 EDT (America/New_York)",
        "Mon 09 Mar 21:00 UTC",
    )
    assert face(utc(2026, 3, 9, 21), CHATHAM, NEW_YORK).day == date(2026, 3, 10)


def test_a_span_is_spoken_on_the_readers_clock() -> None:
    assert (
        spoken(utc(2020, 6, 16, 15), utc(2020, 6, 16, 15, 30), BERLIN)
        == "Tuesday 16 June 2020, 17:00–17:30 (Europe/Berlin)"
    )


def test_the_rules_of_the_zones_have_a_version_and_names() -> None:
    assert zone_rules_version()[:2] == "20"
    assert {NEW_YORK, BERLIN, CHATHAM, "UTC"} <= known_zones()
    assert "Mars/Olympus" not in known_zones()
