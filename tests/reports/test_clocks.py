"""Clocks: calendar days, business days, pauses; against an oracle that counts minute by minute."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from portal.reports import rules, states
from portal.reports.rules import Calendar, Term
from portal.reports.rules.clocks import FAR, Span
from portal.reports.states import ClockName, ReportState

MINUTE = timedelta(minutes=1)
BUSINESS = {name: Term(days, business=True) for name, days in zip(ClockName, (1, 3, 14, 30), strict=True)}


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def due(calendar: Calendar, name: ClockName, since: datetime, pauses: Sequence[Span] = ()) -> datetime:
    return rules.term_timing(calendar, name, since, pauses).due_at


@pytest.mark.parametrize(
    ("name", "arrives", "ends"),
    [
        # 2020-06-15 is a Monday.
        (ClockName.FIRST_ANSWER, "2020-06-15T15:00", "2020-06-16T15:00"),
        (ClockName.FIRST_ANSWER, "2020-06-15T09:00", "2020-06-15T18:00"),
        (ClockName.FIRST_ANSWER, "2020-06-15T18:00", "2020-06-16T18:00"),
        (ClockName.FIRST_ANSWER, "2020-06-15T03:00", "2020-06-15T18:00"),
        (ClockName.FIRST_ANSWER, "2020-06-19T17:59", "2020-06-22T17:59"),
        (ClockName.FIRST_ANSWER, "2020-06-20T11:00", "2020-06-22T18:00"),
        (ClockName.TRIAGE, "2020-06-18T10:30", "2020-06-23T10:30"),
        (ClockName.DECISION, "2020-06-15T09:00", "2020-07-02T18:00"),
    ],
)
def test_business_days_end_where_a_person_would_say(name: ClockName, arrives: str, ends: str) -> None:
    calendar = Calendar("Europe/Berlin", terms=BUSINESS)

    assert due(calendar, name, local("Europe/Berlin", arrives)) == local("Europe/Berlin", ends)


def test_a_holiday_on_the_border_moves_the_end_by_a_day() -> None:
    since = local("Europe/Berlin", "2020-06-15T15:00")
    calendar = Calendar("Europe/Berlin", terms=BUSINESS, holidays=frozenset({date(2020, 6, 16)}))

    assert due(calendar, ClockName.FIRST_ANSWER, since) == local("Europe/Berlin", "2020-06-17T15:00")
    # A holiday on the day of arrival: it begins the next morning.
    calendar = Calendar("Europe/Berlin", terms=BUSINESS, holidays=frozenset({date(2020, 6, 15)}))
    assert due(calendar, ClockName.FIRST_ANSWER, since) == local("Europe/Berlin", "2020-06-16T18:00")
    # A holiday on a Sunday changes nothing.
    calendar = Calendar("Europe/Berlin", terms=BUSINESS, holidays=frozenset({date(2020, 6, 21)}))
    assert due(calendar, ClockName.DECISION, since) == due(
        Calendar("Europe/Berlin", terms=BUSINESS), ClockName.DECISION, since
    )


@pytest.mark.parametrize(
    ("zone", "arrives", "ends"),
    [
        # The night between the two days has an hour less, or more; working hours do not notice.
        ("Europe/Berlin", "2020-03-27T15:00", "2020-03-30T15:00"),
        ("Europe/Berlin", "2020-10-23T15:00", "2020-10-26T15:00"),
        # Three quarters of an hour off the others, and clocks that change at 2:45.
        ("Pacific/Chatham", "2020-04-03T15:00", "2020-04-06T15:00"),
        ("Pacific/Chatham", "2020-09-25T15:00", "2020-09-28T15:00"),
        # A zone that left out a whole Friday.
        ("Pacific/Apia", "2011-12-29T15:00", "2012-01-02T15:00"),
    ],
)
def test_changes_of_clocks_at_night_do_not_matter(zone: str, arrives: str, ends: str) -> None:
    assert due(Calendar(zone, terms=BUSINESS), ClockName.FIRST_ANSWER, local(zone, arrives)) == local(zone, ends)


def test_what_remains_of_the_working_time_is_carried_over() -> None:
    calendar, zone = Calendar("Europe/Berlin", terms=BUSINESS), "Europe/Berlin"
    since = local(zone, "2020-06-15T15:00")
    # Three hours are gone on Monday, one on Tuesday; five remain from Thursday at 16:00 on.
    pause = (local(zone, "2020-06-16T10:00"), local(zone, "2020-06-18T16:00"))

    assert due(calendar, ClockName.FIRST_ANSWER, since, [pause]) == local(zone, "2020-06-19T12:00")
    # A pause at night costs nothing, and one after the end comes too late.
    night = (local(zone, "2020-06-15T20:00"), local(zone, "2020-06-16T08:00"))
    after = (local(zone, "2020-06-16T15:00"), local(zone, "2020-06-20T08:00"))
    assert due(calendar, ClockName.FIRST_ANSWER, since, [after, night]) == local(zone, "2020-06-16T15:00")


def test_several_pauses_add_up_to_the_second() -> None:
    since = datetime(2020, 6, 15, 12, tzinfo=UTC)
    pauses = [
        (since + timedelta(hours=day), since + timedelta(hours=day, seconds=day * 7, microseconds=1)) for day in (1, 9)
    ]

    assert due(Calendar("UTC"), ClockName.FIRST_ANSWER, since, pauses) == since + timedelta(
        days=1, seconds=70, microseconds=2
    )


def test_reminders_come_when_so_much_of_the_running_time_is_gone() -> None:
    zone = "Europe/Berlin"
    calendar = Calendar(zone, terms=BUSINESS | {ClockName.TRIAGE: Term(3, business=True, warn_percent=50)})

    found = rules.term_timing(calendar, ClockName.TRIAGE, local(zone, "2020-06-18T09:00"), ())

    assert found == (local(zone, "2020-06-22T18:00"), local(zone, "2020-06-19T13:30"))


def test_holidays_without_end_do_not_make_the_portal_wait_without_end() -> None:
    since = datetime(2020, 6, 15, 12, tzinfo=UTC)
    never = frozenset(date(2020, 6, 1) + timedelta(days=number) for number in range(4000))

    assert due(Calendar("UTC", terms=BUSINESS, holidays=never), ClockName.FIRST_ANSWER, since) == since + FAR


def test_no_clock_runs_where_nobody_of_the_team_is_asked() -> None:
    since = datetime(2020, 6, 15, 12, tzinfo=UTC)

    quiet = [state for state in ReportState if rules.timing(Calendar("UTC"), state, since, ()) is None]

    assert set(quiet) == set(ReportState) - set(states.RUNS)


# --- an oracle that is too simple to be wrong ---


def by_the_minute(calendar: Calendar, term: Term, since: datetime, pauses: Sequence[Span]) -> datetime:
    """Count running minutes one by one."""
    zone, left, now = ZoneInfo(calendar.zone), calendar.day(term) * term.days, since
    while left:
        here = now.astimezone(zone)
        works = calendar.works_on(here.date()) and calendar.opens_at <= here.hour < calendar.closes_at
        if (works or not term.business) and not any(begins <= now < ends for begins, ends in pauses):
            left -= MINUTE
        now += MINUTE
    return now


# The weeks around changes of clocks, in both halves of the world.
STARTS = [datetime(2020, 3, 26, tzinfo=UTC), datetime(2020, 4, 2, tzinfo=UTC), datetime(2020, 9, 24, tzinfo=UTC),
          datetime(2020, 10, 22, tzinfo=UTC), datetime(2020, 12, 23, tzinfo=UTC)]  # fmt: skip
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Chatham", "Asia/Kathmandu", "Australia/Lord_Howe"]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, Term, datetime, list[Span]]:
    opens = draw(st.integers(0, 20))
    closes = draw(st.integers(opens + 1, min(opens + 10, 24)))
    since = draw(st.sampled_from(STARTS)) + draw(st.integers(0, 4 * 24 * 60)) * MINUTE
    term = Term(draw(st.integers(1, 3)), business=draw(st.booleans()))
    days = st.integers(0, 9).map(lambda number: since.date() + timedelta(days=number))
    holidays = draw(st.frozensets(days, max_size=2))
    calendar = Calendar(draw(st.sampled_from(ZONES)), opens, closes, draw(st.integers(1, 127)), holidays)
    pauses, at = [], since
    for wait, long in draw(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 3000)), max_size=3)):
        pauses.append((at + wait * MINUTE, at + (wait + long) * MINUTE))
        at = pauses[-1][1]
    return calendar, term, since, pauses


@profile(max_examples=60)
@given(cases())
@example((Calendar("Pacific/Chatham", 0, 24, 127), Term(1, business=True), STARTS[1], []))
def test_clocks_end_where_counting_minutes_ends(case: tuple[Calendar, Term, datetime, list[Span]]) -> None:
    calendar, term, since, pauses = case
    calendar = Calendar(
        calendar.zone, calendar.opens_at, calendar.closes_at, calendar.workdays, calendar.holidays,
        dict.fromkeys(ClockName, term),
    )  # fmt: skip

    assert due(calendar, ClockName.TRIAGE, since, pauses) == by_the_minute(calendar, term, since, pauses)


def test_the_longest_clock_is_counted_within_a_moment() -> None:
    calendar = Calendar("Europe/Berlin", terms={name: Term(365, business=True) for name in ClockName})

    ends = due(calendar, ClockName.FIX, datetime.combine(date(2020, 1, 1), time(12), UTC))

    assert ends.date() == date(2021, 5, 26)
