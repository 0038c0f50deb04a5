"""What no action could bring about is refused by the database, under the constraint's name."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.constraints import conflicts
from portal.core.errors import Conflict
from portal.office_hours.models import Booking, Seat, Slot
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState
from tests.cast import Cast
from tests.office_hours.conftest import FIRST, Stage

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def copy(booking: Booking, **changes: object) -> Booking:
    names = [column.key for column in Booking.__table__.columns if column.key not in ("id", "uid")]
    values = {name: getattr(booking, name) for name in names}
    return Booking(uid="other", **{**values, "idempotency_key": "other", **changes})


def refused(session: Session, row: object) -> str:
    session.add(row)
    with pytest.raises(Conflict) as refused, conflicts():
        session.flush()
    return refused.value.reason


def test_a_double_seat(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series(seats=2))[0])

    reason = refused(session, copy(booking, participant_id=cast.team.id))

    assert reason == "This seat has just been taken. Choose another slot."


def test_a_seat_that_is_not_there(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series(seats=2))[0])
    session.add(copy(booking, participant_id=cast.team.id, seat_no=3))

    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"):
        session.flush()


def test_two_seats_of_a_slot_for_one_participant(session: Session, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series(seats=2))[0])

    reason = refused(session, copy(booking, seat_no=2, quota_no=2))

    assert reason in ("You already have a seat in this slot.", "You already have a booking at that time.")


def test_more_than_the_quota(session: Session, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    other = {"slot_id": slots[1].id, "starts_at": slots[1].starts_at, "ends_at": slots[1].ends_at}

    assert refused(session, copy(booking, **other)) == "Your bookings of that week are used up."


def test_the_same_request(session: Session, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    other = {"slot_id": slots[1].id, "starts_at": slots[1].starts_at, "ends_at": slots[1].ends_at, "quota_no": 2}

    reason = refused(session, copy(booking, **other, idempotency_key=booking.idempotency_key))

    assert reason == "This request has been received already. Look at your bookings."


def test_a_participant_in_two_places(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    beside = stage.slots(stage.series(slot_minutes=45, hosts=(Share(cast.second_host.id),)))[0]
    other = {"slot_id": beside.id, "starts_at": beside.starts_at, "ends_at": beside.ends_at, "quota_no": 2}

    assert refused(session, copy(booking, **other)) == "You already have a booking at that time."


def test_a_participant_moved_into_two_places(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series(weekly_quota=2))
    stage.book(slots[0])
    second = stage.book(slots[1])
    overlapping = Slot(
        sitting_id=slots[0].sitting_id, position=9, host_id=cast.second_host.id,
        starts_at=slots[0].starts_at + HOUR / 4, ends_at=slots[0].ends_at,
        busy_from=slots[0].starts_at, busy_until=slots[0].ends_at,
    )  # fmt: skip
    session.add(overlapping)
    session.flush()
    session.add(Seat(slot_id=overlapping.id, seat_no=1))
    session.flush()

    second.slot_id, second.starts_at, second.ends_at = overlapping.id, overlapping.starts_at, overlapping.ends_at

    with pytest.raises(Conflict, match="You already have a booking at that time"), conflicts():
        session.flush()


def test_a_host_in_two_places(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series(buffer_after=10))[0]
    row = Slot(
        sitting_id=slot.sitting_id, position=9, host_id=cast.host.id, starts_at=slot.ends_at,
        ends_at=slot.ends_at + HOUR, busy_from=slot.ends_at, busy_until=slot.ends_at + HOUR,
    )  # fmt: skip

    assert refused(session, row) == "A host already has another slot at that time."


def test_times_that_are_not_the_slots(session: Session, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    booking.ends_at = booking.ends_at + HOUR

    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"):
        session.flush()


def test_a_hold_without_an_end(session: Session, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    booking.state = BookingState.HELD

    with pytest.raises(sa.exc.IntegrityError, match="held_expires"):
        session.flush()


def test_the_times_of_a_booking_follow_its_slot(session: Session, stage: Stage) -> None:
    slot = stage.slots(stage.series(slots=1))[0]
    booking = stage.book(slot)
    slot.starts_at, slot.ends_at = slot.starts_at + HOUR, slot.ends_at + HOUR
    slot.busy_until = slot.ends_at

    session.flush()

    session.refresh(booking)
    assert (booking.starts_at, booking.ends_at) == (FIRST + HOUR, FIRST + 3 * HOUR / 2)
