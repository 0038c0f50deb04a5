"""Who had how much, and whose turn it is."""

from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy.orm import Session

from portal.challenges.states import ParticipantState
from portal.office_hours import actions
from portal.office_hours.models import Sitting
from portal.office_hours.queries.access import access_of
from portal.office_hours.rules.access import Access, fair_order, gini, owed
from portal.office_hours.states import ATTEND, MISS, BookingState, Source
from tests.cast import NOON, Cast
from tests.office_hours.conftest import SENDER, Stage

WEEK = timedelta(weeks=1)


def test_the_fair_order_is_owed_then_new_then_fewest() -> None:
    people = [
        Access(1, recent=1, total=5),
        Access(2, recent=1, total=4),
        Access(3),
        Access(4, recent=0, total=9),
        Access(5, recent=3, total=9, owed=1),
        Access(6, recent=3, total=9, owed=2),
        Access(7),
    ]

    ordered = sorted(people, key=lambda access: fair_order(access, NOON - access.participant_id * WEEK))

    assert [access.participant_id for access in ordered] == [6, 5, 7, 3, 4, 2, 1]


@pytest.mark.parametrize(
    ("withdrawn", "seated", "expected"),
    [
        ([], [0, 1], 0),
        ([1], [], 1),
        ([1], [0], 1),  # a seat from before makes nothing good
        ([1], [2], 0),
        ([1], [1], 0),  # in the same moment: it was taken back and replaced
        ([1, 2], [3], 1),
        ([1, 4], [2, 3], 1),  # nothing is made good ahead of time
        ([1, 2, 3], [4, 5, 6, 7], 0),
    ],
)
def test_a_seat_makes_good_one_withdrawal_before_it(withdrawn: list[int], seated: list[int], expected: int) -> None:
    assert owed([NOON + day * WEEK for day in withdrawn], [NOON + day * WEEK for day in seated]) == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], Fraction(0)),
        ([0, 0], Fraction(0)),
        ([3, 3, 3], Fraction(0)),
        ([0, 0, 0, 8], Fraction(3, 4)),
        ([1, 2, 3], Fraction(2, 9)),
        ([3, 1, 2], Fraction(2, 9)),
    ],
)
def test_gini(counts: list[int], expected: Fraction) -> None:
    assert gini(counts) == expected


def test_access_counts_seats_lately_and_in_all(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    for week in (0, 3, 5):
        stage.book(slots[week * 4], at=NOON + max(0, week - 3) * WEEK)
    given_back = stage.book(slots[8])
    actions.cancel_booking(session, given_back, by=cast.researcher.id, at=NOON, sender=SENDER)
    stage.book(slots[1], cast.team.members[0], source=Source.FOLLOW_UP)

    access = access_of(session, cast.challenge.id, NOON)

    assert access == {
        cast.participant.id: Access(cast.participant.id, recent=2, total=3),
        cast.team.id: Access(cast.team.id),
    }
    assert access_of(session, cast.challenge.id, NOON, [cast.team.id]) == {cast.team.id: Access(cast.team.id)}


@pytest.mark.parametrize("state", [BookingState.ATTENDED, BookingState.NO_SHOW, BookingState.LATE_CANCELLED])
def test_what_was_held_missed_or_given_back_late_counts(
    session: Session, cast: Cast, stage: Stage, state: BookingState
) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    if state is BookingState.LATE_CANCELLED:
        late = booking.starts_at - timedelta(minutes=1)
        actions.cancel_booking(session, booking, by=cast.researcher.id, at=late, sender=SENDER)
    else:
        step = ATTEND if state is BookingState.ATTENDED else MISS
        actions.mark_booking(session, booking, step, by=cast.host.id, at=booking.ends_at)

    assert booking.state is state
    soon, later = NOON + WEEK, NOON + 6 * WEEK
    missed = int(state is BookingState.NO_SHOW)
    expected = Access(cast.participant.id, 1, 1, strikes=missed)
    assert access_of(session, cast.challenge.id, soon)[cast.participant.id] == expected
    assert access_of(session, cast.challenge.id, later)[cast.participant.id] == Access(cast.participant.id, 0, 1)


def test_what_hosts_take_back_is_owed_until_the_next_seat(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[0])
    held = stage.book(slots[1], cast.team.members[0], hold_until=NOON + timedelta(hours=1))
    sitting = session.get_one(Sitting, slots[0].sitting_id)
    actions.cancel_sitting(session, sitting, "Ill", by=cast.host.id, at=NOON, sender=SENDER)

    access = access_of(session, cast.challenge.id, NOON)
    assert access[cast.participant.id] == Access(cast.participant.id, owed=1)
    assert held.state is BookingState.CANCELLED
    assert access[cast.team.id] == Access(cast.team.id)  # a mere hold is no seat

    stage.book(slots[4], at=NOON + timedelta(hours=1))
    assert access_of(session, cast.challenge.id, NOON)[cast.participant.id] == Access(cast.participant.id, 1, 1)


def test_those_who_left_have_no_entry(session: Session, cast: Cast) -> None:
    cast.team.state, cast.team.removed_at = ParticipantState.REMOVED, NOON

    assert list(access_of(session, cast.challenge.id, NOON)) == [cast.participant.id]
