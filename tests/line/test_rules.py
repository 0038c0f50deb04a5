"""Business days on the clocks of the challenge."""

from datetime import UTC, datetime

import pytest

from portal.line.rules import Days, business_days_after, due
from portal.line.states import ConversationState

LA = "America/Los_Angeles"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "days", "zone", "then"),
    [
        ("2020-06-15T12:00", 1, "UTC", "2020-06-16T12:00"),
        ("2020-06-19T12:00", 1, "UTC", "2020-06-22T12:00"),  # Friday
        ("2020-06-20T12:00", 1, "UTC", "2020-06-23T00:00"),  # Saturday counts as Monday's first moment
        ("2020-06-21T23:59", 2, "UTC", "2020-06-24T00:00"),
        ("2020-06-18T12:00", 5, "UTC", "2020-06-25T12:00"),
        # It is still Friday in Los Angeles, and already Saturday in Auckland.
        ("2020-06-20T02:00", 1, LA, "2020-06-23T02:00"),
        ("2020-06-19T13:00", 1, "Pacific/Auckland", "2020-06-22T12:00"),
        # Clocks change in between: the same time of day.
        ("2020-03-06T20:00", 1, LA, "2020-03-09T19:00"),
        ("2020-10-30T19:00", 1, LA, "2020-11-02T20:00"),
        # 02:30 is not there on 29 March in Berlin; nobody works that day anyway.
        ("2020-03-27T01:30", 1, "Europe/Berlin", "2020-03-30T00:30"),
        ("2020-02-28T12:00", 1, "UTC", "2020-03-02T12:00"),
    ],
)
def test_business_days(at: str, days: int, zone: str, then: str) -> None:
    assert business_days_after(utc(at), days, zone) == utc(then)


def test_the_clock_of_each_state() -> None:
    monday = utc("2020-06-15T12:00")
    clocks = {state: due(state, monday, Days(1, 3), "UTC") for state in ConversationState}

    assert clocks == {
        ConversationState.OPEN: utc("2020-06-16T12:00"),
        ConversationState.WAITING_FOR_TEAM: utc("2020-06-18T12:00"),
        ConversationState.WAITING_FOR_PARTICIPANT: None,
        ConversationState.SETTLED: None,
    }
