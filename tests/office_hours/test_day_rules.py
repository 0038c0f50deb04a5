"""The day, what is promised and what is published, as rules without a database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.office_hours.models import Answer
from portal.office_hours.rules.answers import asks_consent, named_in, why_not_publish, why_not_review
from portal.office_hours.rules.days import (
    Line,
    Turn,
    missing_from,
    next_of,
    turns,
    why_not_arrive,
    why_not_missing,
)
from portal.office_hours.rules.promises import is_due, reminded_at, why_not_promise
from portal.office_hours.states import AnswerState, BookingState, Consent

START = datetime(2020, 6, 17, 16, tzinfo=UTC)
END = START + timedelta(minutes=30)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
A, B, C, D = 1, 2, 3, 4
WAITS = {slot: Line(slot, waits=True, marked=True) for slot in (A, B, C, D)}
OVER = {slot: Line(slot, waits=False, marked=True) for slot in (A, B, C, D)}
FREE = {slot: Line(slot, waits=False, marked=False) for slot in (A, B, C, D)}


@pytest.mark.parametrize(
    ("lines", "current", "upcoming"),
    [
        ([WAITS[A], WAITS[B]], None, A),
        ([FREE[A], WAITS[B]], None, B),
        ([OVER[A], OVER[B], WAITS[C]], B, C),
        ([WAITS[A], WAITS[B], FREE[C], WAITS[D]], B, D),
        ([WAITS[A], WAITS[B]], B, None),
        ([], None, None),
        # The slot that was called has been cancelled since: it begins anew.
        ([WAITS[A], WAITS[B]], 99, A),
    ],
)
def test_next_is_the_first_who_waits_after_the_one_who_was_called(
    lines: list[Line], current: int | None, upcoming: int | None
) -> None:
    assert next_of(lines, current) == upcoming


def test_whose_turn_it_is() -> None:
    lines = [OVER[A], WAITS[B], WAITS[C], WAITS[D]]

    assert turns(lines, None) == {A: Turn.OVER, B: Turn.NEXT, C: Turn.LATER, D: Turn.LATER}
    assert turns(lines, C) == {A: Turn.OVER, B: Turn.PASSED, C: Turn.NOW, D: Turn.NEXT}
    assert turns([FREE[A], OVER[B]], B) == {A: Turn.FREE, B: Turn.OVER}


@pytest.mark.parametrize(
    ("state", "at", "why"),
    [
        (BookingState.CONFIRMED, START - HOUR, None),
        (BookingState.CONFIRMED, START - HOUR - MINUTE, "It opens an hour before the beginning."),
        (BookingState.CONFIRMED, END + 2 * HOUR - MINUTE, None),
        (BookingState.CONFIRMED, END + 2 * HOUR, "It is over."),
        (BookingState.NO_SHOW, START, "This booking is no show."),
        (BookingState.HELD, START, "This booking is held."),
    ],
)
def test_when_one_says_that_one_is_there(state: BookingState, at: datetime, why: str | None) -> None:
    assert why_not_arrive(state, START, END, at) == why


@pytest.mark.parametrize(("host", "own", "minutes"), [(0, 0, 10), (15, 0, 25), (5, 20, 30), (20, 5, 30)])
def test_nobody_is_missing_before_both_sides_lateness_and_ten_minutes_are_over(
    host: int, own: int, minutes: int
) -> None:
    since = missing_from(START, host, own)

    assert since == START + minutes * MINUTE
    assert why_not_missing(since, None, since, sure=False) is None
    assert (why_not_missing(since, None, since - MINUTE, sure=True) or "").startswith("It is too early to say so")


def test_who_has_checked_in_is_missing_only_for_whoever_is_sure() -> None:
    here = START - 2 * MINUTE

    assert (why_not_missing(START, here, START, sure=False) or "").startswith("They checked in at 15:58 UTC.")
    assert why_not_missing(START, here, START, sure=True) is None


@pytest.mark.parametrize(
    ("state", "at", "due", "why"),
    [
        (BookingState.ATTENDED, END, date(2020, 6, 17), None),
        (BookingState.CONFIRMED, START - MINUTE, date(2020, 6, 18), "Commitments are made in the session or after it."),
        (BookingState.CANCELLED, END, date(2020, 6, 18), "This booking is cancelled."),
        (BookingState.ATTENDED, END, date(2020, 6, 16), "The day is over already. Choose a coming one."),
        (BookingState.ATTENDED, END, date(2021, 6, 19), "Choose a day within a year."),
    ],
)
def test_what_may_be_promised(state: BookingState, at: datetime, due: date, why: str | None) -> None:
    assert why_not_promise(state, START, due, at, "America/Los_Angeles") == why


def test_one_is_reminded_in_the_morning_where_one_lives() -> None:
    day = date(2020, 6, 18)

    assert reminded_at(day, "Asia/Tokyo") == datetime(2020, 6, 17, 23, tzinfo=UTC)
    assert not is_due(day, "Asia/Tokyo", datetime(2020, 6, 17, 22, 59, tzinfo=UTC))
    assert is_due(day, "Asia/Tokyo", datetime(2020, 6, 17, 23, tzinfo=UTC))
    assert not is_due(day, "Asia/Tokyo", datetime(2020, 6, 19, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Asked by rosa\n  RESEARCHER of somewhere", "Rosa Researcher"),
        ("Write to ada@example.org about it", "ada@example.org"),
        ("Team Kestrels fly", None),
        ("The key of Kay", None),
        ("(Team Kestrel)", "Team Kestrel"),
        ("A question of nobody", None),
    ],
)
def test_names_and_addresses_are_found(text: str, found: str | None) -> None:
    assert named_in(text, ["Rosa Researcher", "Team Kestrel", "Kay", ""]) == found


def answer(state: AnswerState, consent: Consent) -> Answer:
    return Answer(state=state, consent=consent, edited_by_id=1)


def test_nobody_reviews_what_they_wrote() -> None:
    made = answer(AnswerState.DRAFT, Consent.NOT_NEEDED)

    assert why_not_review(made, 1) == "Somebody else reviews it than who wrote it last."
    assert why_not_review(made, 2) is None


def test_only_a_yes_or_nobodys_question_is_published() -> None:
    reviewed = {consent: why_not_publish(answer(AnswerState.REVIEWED, consent)) for consent in Consent}

    assert [consent for consent, why in reviewed.items() if why is None] == [Consent.NOT_NEEDED, Consent.GIVEN]


def test_consent_is_asked_for_once_the_text_is_settled() -> None:
    asked = {(state, consent) for state in AnswerState for consent in Consent if asks_consent(answer(state, consent))}

    assert asked == {
        (state, consent)
        for state in (AnswerState.REVIEWED, AnswerState.PUBLISHED)
        for consent in (Consent.ASKED, Consent.GIVEN, Consent.REFUSED)
    }
