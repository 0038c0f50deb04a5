"""Where a challenge stands."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.challenges import rules
from portal.challenges.models import Challenge
from portal.challenges.states import Phase

# Days begin at 07:00 UTC in summer there.
CHALLENGE = Challenge(
    slug="x", title="x", summary="x", rules="x", zone="America/Los_Angeles", places=50, currency="USD",
    announced_on=date(2020, 5, 5), apply_from=datetime(2020, 5, 5, 16, tzinfo=UTC),
    apply_until=datetime(2020, 5, 16, 7, tzinfo=UTC), starts_on=date(2020, 6, 1), ends_on=date(2020, 8, 31),
)  # fmt: skip
OUT = datetime(2020, 10, 6, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "before", "after"),
    [
        (datetime(2020, 5, 5, 16, tzinfo=UTC), Phase.ANNOUNCED, Phase.APPLICATIONS_OPEN),
        (datetime(2020, 5, 16, 7, tzinfo=UTC), Phase.APPLICATIONS_OPEN, Phase.SELECTION),
        (datetime(2020, 6, 1, 7, tzinfo=UTC), Phase.SELECTION, Phase.RUNNING),
        (datetime(2020, 9, 1, 7, tzinfo=UTC), Phase.RUNNING, Phase.ENDED),
        (OUT, Phase.ENDED, Phase.PUBLISHED),
    ],
)
def test_phases_change_at_the_instant_in_the_challenges_zone(first: datetime, before: Phase, after: Phase) -> None:
    CHALLENGE.results_released_at = OUT
    assert rules.phase(CHALLENGE, first - timedelta(microseconds=1)) is before
    assert rules.phase(CHALLENGE, first) is after


def test_the_last_day_is_over_at_its_midnight() -> None:
    assert rules.ends_at(CHALLENGE) == datetime(2020, 9, 1, 7, tzinfo=UTC)


def test_the_course_marks_where_it_is() -> None:
    CHALLENGE.results_released_at = None
    steps = rules.course(CHALLENGE, datetime(2020, 6, 15, tzinfo=UTC))

    assert [(step.title, step.over, step.current) for step in steps] == [
        ("Announced", True, False), ("Applications open", True, False), ("Applications close", True, False),
        ("Research begins", False, True), ("Last day of research", False, False), ("Results", False, False),
    ]  # fmt: skip


def test_applications_are_accepted_between_two_instants() -> None:
    inside, until = CHALLENGE.apply_from, CHALLENGE.apply_until
    assert [rules.accepts_applications(CHALLENGE, at) for at in (inside - timedelta(seconds=1), inside, until)] == [
        False, True, False,
    ]  # fmt: skip


def test_texts_are_compared_line_by_line() -> None:
    assert rules.changes("one\ntwo\nthree", "one\n2\nthree\nfour") == [
        ("same", "one"), ("removed", "two"), ("added", "2"), ("same", "three"), ("added", "four"),
    ]  # fmt: skip
