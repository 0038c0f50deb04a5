"""The waiting list: seats offered in the fair order, taken, let go, missed."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.states import ParticipantState
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions import waiting as lists
from portal.office_hours.actions.bookings import withdraw_booking
from portal.office_hours.models import Booking, Seat
from portal.office_hours.queries.waiting import candidates
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState, Source, WaiterState
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage, local
from tests.office_hours.queueing import Queue

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def queue(stage: Stage) -> Queue:
    """A full session."""
    return Queue(stage)


def mails(session: Session, template: str) -> list[str]:
    return list(session.scalars(sa.select(OutgoingMail.to).where(OutgoingMail.template == template)))


def test_a_freed_seat_is_kept_for_the_next_one_who_is_told(session: Session, queue: Queue) -> None:
    waiter = queue.join("Ann", zone="Europe/Berlin")
    queue.join("Ben", at=NOON + HOUR)
    assert queue.tick() == []

    queue.free()
    assert queue.tick() == ["Ann"]
    assert queue.tick() == ["Ann"]

    booking = queue.offer(waiter).booking
    assert (booking.source, booking.state, booking.hold_expires_at) == (
        Source.WAITLIST, BookingState.HELD, NOON + 3 * HOUR,
    )  # fmt: skip
    assert booking.topic == "Booting"
    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/offered")).one()
    assert mail.to == "ann@example.org"
    assert mail.context == {
        "challenge": "Test Challenge", "slug": "test-challenge", "uid": booking.uid,
        "when": "Wednesday 17 June 2020, 18:00–18:30 (Europe/Berlin)",
        "utc": "Wednesday 17 June 2020, 16:00–16:30 (UTC)",
        "until": "Monday 15 June 2020, 17:00 (Europe/Berlin)",
    }  # fmt: skip


def test_taking_it_is_a_booking_like_any_other(session: Session, queue: Queue) -> None:
    waiter = queue.join("Ann")
    queue.free()
    queue.tick()

    lists.accept_offer(session, queue.offer(waiter), by=waiter.account_id, at=NOON + HOUR, sender=SENDER)
    session.commit()

    assert queue.state(waiter) is WaiterState.SERVED
    assert queue.offer(waiter).booking.state is BookingState.CONFIRMED
    assert "ann@example.org" in mails(session, "office_hours/booked")
    assert queue.tick(NOON + 2 * HOUR) == []


def test_it_goes_to_the_next_one_when_it_is_let_go(session: Session, queue: Queue) -> None:
    first, _ = queue.join("Ann"), queue.join("Ben", at=NOON + HOUR)
    queue.free()
    queue.tick()

    lists.decline_offer(session, queue.offer(first), stay=False, by=first.account_id, at=NOON + HOUR)
    session.commit()

    assert queue.state(first) is WaiterState.LEFT
    assert queue.tick(NOON + HOUR) == ["Ben"]
    with pytest.raises(Refused, match="not kept for you any more"):
        lists.decline_offer(session, queue.offer(first), stay=False, by=first.account_id, at=NOON + HOUR)


def test_it_goes_to_the_next_one_when_nobody_answers(session: Session, queue: Queue) -> None:
    first, second = queue.join("Ann"), queue.join("Ben", at=NOON + HOUR)
    queue.free()
    queue.tick()

    assert queue.tick(NOON + 3 * HOUR - timedelta(seconds=1)) == ["Ann"]
    assert queue.tick(NOON + 3 * HOUR) == ["Ben"]

    assert (queue.state(first), queue.state(second)) == (WaiterState.MISSED, WaiterState.WAITING)
    with pytest.raises(Refused, match="not possible: it is expired"):
        lists.accept_offer(session, queue.offer(first), by=first.account_id, at=NOON + 3 * HOUR, sender=SENDER)


def test_an_offer_skips_the_night(queue: Queue) -> None:
    # Monday 22:00 in Tokyo.
    at = datetime(2020, 6, 15, 13, tzinfo=UTC)
    waiter = queue.join("Aki", zone="Asia/Tokyo")
    queue.free()

    assert queue.tick(at) == ["Aki"]

    # Three hours from eight in the morning.
    assert queue.offer(waiter).expires_at == datetime(2020, 6, 16, 2, tzinfo=UTC)


def test_who_would_have_to_answer_asleep_is_passed_over_and_keeps_the_place(queue: Queue) -> None:
    # It begins at 16:00 UTC and closes two hours before: in Auckland that is from midnight to two in the morning.
    at = FIRST - 4 * HOUR
    first = queue.join("Ana", zone="Pacific/Auckland")
    queue.join("Ben", at=NOON + HOUR)
    queue.free(at=at)

    assert queue.tick(at) == ["Ben"]

    assert queue.state(first) is WaiterState.WAITING


def test_near_the_session_windows_are_shorter(queue: Queue) -> None:
    at = FIRST - 4 * HOUR
    waiter = queue.join("Ben")
    queue.free(at=at)
    queue.tick(at)

    # Two hours are left until it closes: one is kept for Ben, one is left for the next.
    assert queue.offer(waiter).expires_at == at + HOUR


def test_the_order_is_owed_then_first_timers_then_fewest_lately_then_joining(
    session: Session, cast: Cast, stage: Stage
) -> None:
    queue = Queue(stage, slots=6)
    owed, often, once, new, newer = (queue.person(name) for name in ("Owed", "Often", "Once", "New", "Newer"))
    for number, (who, weeks) in enumerate([(owed, 1), (often, 1), (often, 2), (once, 1)]):
        slot = stage.slots(queue.series)[6 * weeks + number]
        stage.book(slot, who, key=f"before-{number}")
    taken_back = session.scalars(sa.select(Booking).where(Booking.participant_id == owed.participant_id)).one()
    whole = queries.whole_booking(session, taken_back.id)
    withdraw_booking(session, whole, "Ill", by=cast.host.id, at=NOON, sender=SENDER)
    session.commit()
    for number, who in enumerate((often, once, newer, new, owed)):
        queue.join(who, at=NOON + number * HOUR)
    session.commit()

    found = candidates(session, queue.slots[0], NOON)

    assert [queue.name(each.waiter.account_id) for each in found] == ["Owed", "Newer", "New", "Once", "Often"]


def test_who_is_elsewhere_or_has_used_up_the_week_is_not_asked(session: Session, cast: Cast, stage: Stage) -> None:
    queue = Queue(stage, weekly_quota=2)
    other = stage.slots(stage.series(hosts=(Share(cast.second_host.id),), slots=1))[0]
    busy, spent, left = queue.join("Busy"), queue.join("Spent"), queue.join("Left")
    waiting = [queue.join("Ann", at=NOON + HOUR)]
    members = {waiter.account_id: waiter for waiter in (busy, spent, left)}
    assert len(members) == 3
    stage.book(other, queue.member(busy))
    week = stage.slots(stage.series(first=local(2020, 6, 18, 9), slots=2, weekly_quota=2))[:2]
    for slot in week:
        stage.book(slot, queue.member(spent))
    gone = queue.again(left).participant
    gone.state, gone.removed_at = ParticipantState.REMOVED, NOON
    session.commit()
    queue.free()

    assert queue.tick() == ["Ann"]

    assert queue.state(left) is WaiterState.OVER
    assert [queue.state(waiter) for waiter in (busy, spent, *waiting)] == [WaiterState.WAITING] * 3


def test_some_slots_of_a_session_may_be_chosen(session: Session, stage: Stage) -> None:
    queue = Queue(stage, slots=2)
    waiter = queue.join("Ann", queue.slots[1])

    queue.free(0)
    assert queue.tick() == []
    queue.free(1)
    assert queue.tick() == ["Ann"]
    assert queue.offer(waiter).slot_id == queue.slots[1].id


def test_who_declines_one_slot_may_wait_for_others_and_is_not_asked_twice(session: Session, stage: Stage) -> None:
    queue = Queue(stage, slots=2)
    waiter = queue.join("Ann")
    queue.free(0)
    queue.tick()
    lists.decline_offer(session, queue.offer(waiter), stay=True, by=waiter.account_id, at=NOON)
    session.commit()

    assert queue.tick() == []
    queue.free(1)
    assert queue.tick() == ["Ann"]
    assert queue.offer(waiter).slot_id == queue.slots[1].id


def test_one_offer_at_a_time(stage: Stage) -> None:
    queue = Queue(stage, slots=2, weekly_quota=2)
    queue.join("Ann")
    queue.join("Ben", at=NOON + HOUR)
    queue.free(0)
    queue.free(1)

    assert queue.tick() == ["Ann", "Ben"]


def test_a_session_that_moves_lets_offers_go_and_makes_them_again(session: Session, cast: Cast, queue: Queue) -> None:
    waiter = queue.join("Ann", queue.slots[0])
    queue.free()
    queue.tick()

    actions.move_sitting(
        session, queue.slots[0].sitting, local(2020, 6, 17, 11), by=cast.host.id, at=NOON + HOUR, sender=SENDER
    )
    session.commit()

    assert queue.held() == []
    assert queue.tick(NOON + HOUR) == ["Ann"]
    assert queue.offer(waiter).booking.starts_at == FIRST + 2 * HOUR


def test_a_lead_offers_out_of_turn(session: Session, cast: Cast, stage: Stage) -> None:
    queue = Queue(stage)
    queue.join("Ann")
    second = queue.join("Ben", at=NOON + HOUR)
    with pytest.raises(Conflict, match="All seats"):
        lists.offer_by_hand(session, queue.again(second), queue.slots[0], by=cast.lead.id, at=NOON, sender=SENDER)
    session.rollback()
    queue.free()

    until = lists.offer_by_hand(session, queue.again(second), queue.slots[0], by=cast.lead.id, at=NOON, sender=SENDER)
    session.commit()

    assert (queue.tick(), until) == (["Ben"], NOON + 3 * HOUR)
    with pytest.raises(Refused, match="kept for them already"):
        lists.offer_by_hand(session, queue.again(second), queue.slots[0], by=cast.lead.id, at=NOON, sender=SENDER)


def test_a_mail_that_is_late_is_not_sent(session: Session, queue: Queue) -> None:
    waiter = queue.join("Ann")
    queue.free()
    queue.tick()
    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/offered")).one()

    assert lists.still_offered(session, mail, at=NOON + 2 * HOUR)
    assert not lists.still_offered(session, mail, at=NOON + 3 * HOUR)
    lists.decline_offer(session, queue.offer(waiter), stay=False, by=waiter.account_id, at=NOON)
    assert not lists.still_offered(session, mail, at=NOON)


def test_a_seat_more_is_offered_too(session: Session, queue: Queue) -> None:
    queue.join("Ann")
    session.add(Seat(slot_id=queue.slots[0].id, seat_no=2))
    session.commit()

    assert queue.tick() == ["Ann"]


def test_nobody_is_asked_beyond_the_rolling_cap(session: Session, stage: Stage) -> None:
    queue = Queue(stage, rolling_cap=1)
    capped = queue.person("Capped")
    queue.join(capped)
    queue.join("Ben", at=NOON + HOUR)
    stage.book(stage.slots(queue.series)[1], capped)
    session.commit()
    queue.free()

    assert queue.tick() == ["Ben"]
