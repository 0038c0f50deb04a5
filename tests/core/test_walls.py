"""What a clock on a wall shows, as instants."""

from datetime import UTC, datetime

from portal.core.walls import instants


def test_an_hour_is_there_once_twice_or_never() -> None:
    ordinary = datetime.fromisoformat("2020-07-01T09:30")
    jumped, twice = (datetime.fromisoformat(each) for each in ("2020-03-08T02:30", "2020-11-01T01:30"))

    assert instants(ordinary, "Asia/Tokyo") == (datetime(2020, 7, 1, 0, 30, tzinfo=UTC),)
    assert instants(jumped, "America/Los_Angeles") == ()
    assert instants(twice, "America/Los_Angeles") == (
        datetime(2020, 11, 1, 8, 30, tzinfo=UTC), datetime(2020, 11, 1, 9, 30, tzinfo=UTC),
    )  # fmt: skip
    assert instants(jumped, "UTC") == (datetime(2020, 3, 8, 2, 30, tzinfo=UTC),)
