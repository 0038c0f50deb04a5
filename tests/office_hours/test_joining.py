"""Joining and leaving the waiting list, and what it keeps from others."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.office_hours import actions, queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions import waiting as lists
from portal.office_hours.actions.holds import hold_slot
from portal.office_hours.models import Booking, Waiter
from portal.office_hours.personal import erase
from portal.office_hours.queries.waiting import candidates, slots_in, waits_of
from portal.office_hours.rules.waiting import KEPT
from portal.office_hours.states import BookingState, Source, WaiterState
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant
from tests.office_hours.conftest import FIRST, SENDER, Stage
from tests.office_hours.queueing import Queue
from tests.office_hours.rounds import Rounds

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def queue(stage: Stage) -> Queue:
    """A full session."""
    return Queue(stage)


def test_a_slot_that_others_wait_for_is_kept_from_the_page(session: Session, cast: Cast, queue: Queue) -> None:
    waiter = queue.join("Ann")
    queue.free()

    with pytest.raises(Refused, match="Others wait for this slot"):
        queue.stage.book(queue.slots[0], cast.member)
    with pytest.raises(Refused, match="Others wait for this slot"):
        queue.stage.book(queue.slots[0], cast.member, source=Source.API)
    # The staff may, and whoever waits alone may take it without being asked.
    session.rollback()
    assert queue.stage.book(queue.slots[0], queue.member(waiter)).state is BookingState.CONFIRMED


def test_moving_into_it_is_refused_too(session: Session, cast: Cast, queue: Queue) -> None:
    booking = queue.stage.book(queue.stage.slots(queue.series)[1], cast.member, source=Source.STAFF)
    queue.join("Ann")
    queue.free()

    with pytest.raises(Refused, match=KEPT[:20]):
        actions.reschedule_booking(session, booking, queue.slots[0], by=cast.researcher.id, at=NOON, sender=SENDER)


def test_joining_is_refused_where_it_would_help_nobody(session: Session, cast: Cast, stage: Stage) -> None:
    queue = Queue(stage, slots=2)
    queue.join("Ann")
    with pytest.raises(Refused, match="Your bookings of 2020-W25 are used up"):
        queue.join(queue.early(), queue.slots[1])
    with pytest.raises(Refused, match="already have a seat in this slot"):
        queue.join(queue.early(), queue.slots[0])
    with pytest.raises(Refused, match="too late"):
        queue.join("Late", at=FIRST)
    queue.free()
    ben = queue.person("Ben")
    queue.join(ben)  # the free seat is Ann's
    with pytest.raises(Conflict, match="on the waiting list of this session already"):
        queue.join(ben)


def test_a_free_seat_is_booked_not_waited_for(session: Session, cast: Cast, queue: Queue) -> None:
    queue.free()

    with pytest.raises(Refused, match="A seat of it is free"):
        queue.join(cast.member)


def test_leaving_lets_the_seat_go(session: Session, queue: Queue) -> None:
    waiter = queue.join("Ann")
    queue.free()
    queue.tick()

    lists.leave_list(session, queue.again(waiter), by=waiter.account_id, at=NOON)
    session.commit()

    assert (queue.state(waiter), queue.held()) == (WaiterState.LEFT, [])
    with pytest.raises(Refused, match="not on this list any more"):
        lists.leave_list(session, queue.again(waiter), by=waiter.account_id, at=NOON)


def test_a_session_that_is_called_off_ends_offers_and_lists(session: Session, cast: Cast, queue: Queue) -> None:
    waiter, other = queue.join("Ann"), queue.join("Ben", at=NOON + HOUR)
    queue.free()
    queue.tick()

    actions.cancel_sitting(session, queue.slots[0].sitting, "Ill", by=cast.host.id, at=NOON, sender=SENDER)
    session.commit()

    assert queue.tick() == []
    assert [queue.state(one) for one in (waiter, other)] == [WaiterState.OVER] * 2
    assert waits_of(session, waiter.participant_id) == []
    with pytest.raises(Refused, match="cancelled"):
        queue.join("Cem")


def test_what_is_kept_of_those_who_wait(session: Session, queue: Queue) -> None:
    waiter = queue.join("Ann")

    assert personal.export(session, waiter.account_id)["office_hours"]["waiting_lists"] == [
        {"session": queue.sitting_id, "state": "waiting", "since": NOON, "joined_at": NOON, "topic": "Booting"}
    ]
    erase(session, waiter.account_id, NOON + HOUR)
    session.expire_all()
    assert (waiter.topic, waiter.state, waiter.state_since) == ("Erased", WaiterState.LEFT, NOON + HOUR)


def test_nobody_waits_where_seats_are_drawn_first(session: Session, cast: Cast, stage: Stage) -> None:
    found, slots = Rounds(stage).one()
    sitting = queries.sitting_of(session, cast.challenge.id, found.sitting_id)

    with pytest.raises(Refused, match="drawn"):
        lists.join_list(session, sitting, (), cast.member, Wish("", "Booting"), at=NOON)

    # Whoever came onto the list in another way is not asked before the draw.
    place = Waiter(sitting_id=sitting.id, participant_id=cast.team.id, account_id=cast.team.members[0].account_id,
                   state=WaiterState.WAITING, state_since=NOON, joined_at=NOON, topic="Booting")  # fmt: skip
    session.add(place)
    session.commit()
    assert candidates(session, slots_in(session, sitting.id)[0], NOON) == []
    assert len(slots) == 2


def test_what_it_is_about_must_fit_the_challenge(session: Session, cast: Cast, queue: Queue) -> None:
    sitting = queries.sitting_of(session, cast.challenge.id, queue.sitting_id)

    with pytest.raises(Invalid):
        lists.join_list(session, sitting, (), cast.member, Wish("", "Booting", scenario_id=10**6), at=NOON)


def test_members_of_another_challenge_cannot_join(session: Session, cast: Cast, queue: Queue) -> None:
    other = make_challenge(session, "other")
    member = make_participant(session, other, make_account(session, "Foreigner")).members[0]
    sitting = queries.sitting_of(session, cast.challenge.id, queue.sitting_id)

    with pytest.raises(NotFound):
        lists.join_list(session, sitting, (), member, Wish("", "Booting"), at=NOON)


def test_whoever_holds_a_seat_while_filling_in_a_form_is_not_booked_by_an_offer(
    session: Session, cast: Cast, stage: Stage
) -> None:
    queue = Queue(stage)
    waiter = queue.join(cast.member)
    queue.free()
    found = candidates(session, slots_in(session, queue.sitting_id)[0], NOON)[0]
    held = hold_slot(session, queue.slots[0], cast.member, at=NOON)
    session.commit()

    with pytest.raises(Refused, match="already have a seat"):
        lists.offer_seat(session, slots_in(session, queue.sitting_id)[0], found, at=NOON, sender=SENDER)
    session.rollback()
    assert session.get_one(Booking, held.id, populate_existing=True).state is BookingState.HELD
    assert queue.state(waiter) is WaiterState.WAITING
