"""Strikes: what makes one, how long it counts, what forgives it."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours import states
from portal.office_hours.actions import cancel_booking, mark_booking
from portal.office_hours.models import Amnesty, Booking, Series
from portal.office_hours.queries.strikes import strikes, strikes_of
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def missed(stage: Stage, series: Series, week: int = 0) -> Booking:
    """A booking of the researcher that its host marked as missed."""
    booking = stage.book(stage.slots(series)[series.slots * week])
    mark_booking(stage.session, booking, states.MISS, by=stage.cast.host.id, at=booking.ends_at)
    stage.session.commit()
    return booking


@pytest.mark.parametrize(
    ("at", "count"),
    [
        (FIRST + HOUR / 2 - timedelta(seconds=1), 0),
        (FIRST + HOUR / 2, 1),
        (FIRST + 14 * DAY - timedelta(seconds=1), 1),
        (FIRST + 14 * DAY, 0),
    ],
)
def test_a_strike_begins_when_it_is_marked_and_lapses_by_itself(
    session: Session, cast: Cast, stage: Stage, at: datetime, count: int
) -> None:
    missed(stage, stage.series(strike_days=14))

    assert strikes_of(session, cast.challenge.id, at).get(cast.participant.id, 0) == count


def test_a_corrected_mark_is_no_strike(session: Session, cast: Cast, stage: Stage) -> None:
    booking = missed(stage, stage.series())
    mark_booking(session, booking, states.ATTEND, by=cast.host.id, at=FIRST + HOUR)

    assert strikes_of(session, cast.challenge.id, FIRST + HOUR) == {}


@pytest.mark.parametrize(("late_strikes", "count"), [(False, 0), (True, 1)])
def test_a_late_cancellation_is_one_where_the_series_says_so(
    session: Session, cast: Cast, stage: Stage, late_strikes: bool, count: int
) -> None:
    booking = stage.book(stage.slots(stage.series(late_strikes=late_strikes))[0])
    cancel_booking(session, booking, by=cast.researcher.id, at=FIRST - HOUR, sender=SENDER)

    assert strikes_of(session, cast.challenge.id, FIRST).get(cast.participant.id, 0) == count


def test_strikes_are_counted_by_participant_and_challenge(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series(seats=2)
    missed(stage, series), missed(stage, series, week=1)
    at = FIRST + WEEK + HOUR

    assert strikes_of(session, cast.challenge.id, at) == {cast.participant.id: 2}
    assert strikes_of(session, cast.challenge.id, at, [cast.team.id]) == {}
    assert strikes_of(session, cast.challenge.id, at, [cast.participant.id]) == {cast.participant.id: 2}
    assert strikes_of(session, cast.challenge.id + 1, at) == {}


@pytest.mark.parametrize("whole", [False, True])
def test_what_was_forgiven_does_not_count(session: Session, cast: Cast, stage: Stage, whole: bool) -> None:
    booking = missed(stage, stage.series())
    of = {"sitting_id": booking.slot.sitting_id} if whole else {"booking_id": booking.id}
    session.add(Amnesty(reason="The meeting was down.", forgiven_at=NOON, forgiven_by_id=cast.lead.id, **of))
    session.commit()

    assert strikes_of(session, cast.challenge.id, FIRST + HOUR) == {}
    [strike] = strikes(session, cast.challenge.id, FIRST + HOUR)
    assert (strike.uid, strike.forgiven, strike.lapses_at) == (booking.uid, "The meeting was down.", FIRST + 28 * DAY)


def test_forgiven_twice_over_it_is_told_once(session: Session, cast: Cast, stage: Stage) -> None:
    booking = missed(stage, stage.series())
    for of in ({"sitting_id": booking.slot.sitting_id}, {"booking_id": booking.id}):
        session.add(Amnesty(reason="Down.", forgiven_at=NOON, forgiven_by_id=cast.lead.id, **of))
    session.commit()

    assert len(strikes(session, cast.challenge.id, FIRST + HOUR)) == 1


@pytest.mark.parametrize("both", [False, True])
def test_the_database_refuses_an_amnesty_of_nothing_or_of_two_things(
    session: Session, cast: Cast, stage: Stage, both: bool
) -> None:
    booking = missed(stage, stage.series())
    of = {"booking_id": booking.id, "sitting_id": booking.slot.sitting_id} if both else {}
    session.add(Amnesty(reason="Why", forgiven_at=NOON, forgiven_by_id=cast.lead.id, **of))

    with pytest.raises(sa.exc.IntegrityError, match="of_one_thing"):
        session.flush()
