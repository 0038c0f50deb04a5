"""The waiting list when many act at once: no seat is given twice, nobody is asked twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions import waiting as lists
from portal.office_hours.jobs import offer_slot
from portal.office_hours.models import Booking, SeatOffer, Waiter
from portal.office_hours.queries.waiting import offer_of, waiter_in
from portal.office_hours.states import LIVE, BookingState, WaiterState
from tests.cast import NOON
from tests.crowd import Crowd, crowd_of
from tests.office_hours.conftest import SENDER, Stage
from tests.office_hours.queueing import Queue

CROWD = 12


@pytest.fixture
def crowd(stage: Stage) -> Iterator[Crowd]:
    """A dozen threads on the test's database."""
    with crowd_of(CROWD) as made:
        yield made


THREE_HOURS = timedelta(hours=3)


def states_of(session: Session) -> Counter[BookingState]:
    offered = sa.select(Booking.state).join(SeatOffer, SeatOffer.booking_id == Booking.id)
    return Counter(session.scalars(offered))


def offered_to(session: Session) -> list[int]:
    return list(session.scalars(sa.select(SeatOffer.waiter_id).order_by(SeatOffer.waiter_id)))


def test_a_dozen_workers_offer_two_seats_once(session: Session, stage: Stage, crowd: Crowd) -> None:
    queue = Queue(stage, slots=2)
    waiters = [queue.join(f"Waiter {number}", at=NOON + timedelta(minutes=number)).id for number in range(5)]
    queue.free(0)
    queue.free(1)
    slots = [slot.id for slot in queue.slots]
    session.commit()

    answers = crowd.run(lambda own, number: offer_slot(own, slots[number % 2], at=NOON, sender=SENDER))

    assert answers == {"done": CROWD}
    assert offered_to(session) == waiters[:2]
    mails = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template == lists.TEMPLATE).order_by(OutgoingMail.id)
    ).all()
    assert len(mails) == 2


def test_an_offer_is_taken_or_missed_never_both(session: Session, stage: Stage, crowd: Crowd) -> None:
    queue = Queue(stage)
    waiter = queue.join("Ann")
    queue.free()
    queue.tick()
    kept = queue.offer(waiter)
    uid, booking_id, account_id, waiter_id = kept.booking.uid, kept.booking_id, waiter.account_id, waiter.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number % 2:
            actions.expire_holds(own, NOON + THREE_HOURS)
            lists.settle(own, NOON + THREE_HOURS)
        else:
            member = own.scalars(sa.select(Member).where(Member.account_id == account_id)).one()
            offer = offer_of(own, member, uid)
            lists.accept_offer(own, offer, by=account_id, at=NOON + THREE_HOURS - timedelta(seconds=1), sender=SENDER)

    crowd.run(act)

    lists.settle(session, NOON + THREE_HOURS)
    state = session.get_one(Booking, booking_id, populate_existing=True).state
    place = session.get_one(Waiter, waiter_id, populate_existing=True).state
    assert (state, place) in (
        (BookingState.CONFIRMED, WaiterState.SERVED),
        (BookingState.EXPIRED, WaiterState.MISSED),
    )


def test_a_session_called_off_while_seats_are_offered_keeps_none(session: Session, stage: Stage, crowd: Crowd) -> None:
    queue = Queue(stage)
    for number in range(3):
        queue.join(f"Waiter {number}")
    queue.free()
    slot_id, sitting_id, challenge_id = queue.slots[0].id, queue.sitting_id, stage.cast.challenge.id
    host_id = stage.cast.host.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number == 4:
            sitting = queries.sitting_of(own, challenge_id, sitting_id)
            actions.cancel_sitting(own, sitting, "Ill", by=host_id, at=NOON, sender=SENDER)
        else:
            offer_slot(own, slot_id, at=NOON, sender=SENDER)

    answers = crowd.run(act)

    assert answers == {"done": CROWD}
    live = sa.select(sa.func.count()).where(Booking.slot_id == slot_id, Booking.state.in_(LIVE))
    assert session.scalars(live).one() == 0


def test_whoever_leaves_while_a_seat_is_offered_keeps_none(session: Session, stage: Stage, crowd: Crowd) -> None:
    queue = Queue(stage)
    first, second = queue.join("Ann").id, queue.join("Ben", at=NOON + timedelta(minutes=1)).id
    queue.free()
    slot_id, challenge_id = queue.slots[0].id, stage.cast.challenge.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number % 4 == 0:
            waiter = waiter_in(own, challenge_id, first)
            lists.leave_list(own, waiter, by=waiter.account_id, at=NOON)
        else:
            offer_slot(own, slot_id, at=NOON, sender=SENDER)

    crowd.run(act)
    offer_slot(session, slot_id, at=NOON, sender=SENDER)

    left = session.get_one(Waiter, first, populate_existing=True)
    assert left.state is WaiterState.LEFT
    held = sa.select(SeatOffer.waiter_id).join(Booking, Booking.id == SeatOffer.booking_id)
    assert session.scalars(held.where(Booking.state == BookingState.HELD)).all() == [second]


def test_the_page_and_the_worker_want_the_same_seat(session: Session, stage: Stage, crowd: Crowd) -> None:
    queue = Queue(stage)
    queue.join("Ann")
    others = [queue.person(f"Other {number}").id for number in range(CROWD)]
    queue.free()
    slot_id, challenge_id = queue.slots[0].id, stage.cast.challenge.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number % 4 == 0:
            offer_slot(own, slot_id, at=NOON, sender=SENDER)
            return
        slot = queries.slot_of(own, challenge_id, slot_id)
        actions.book_slot(own, slot, own.get_one(Member, others[number]), Wish("once", "Topic"), at=NOON, sender=SENDER)

    answers = crowd.run(act)

    assert answers["done"] == 3
    assert answers["Refused"] + answers["Conflict"] == 9
    assert states_of(session) == {BookingState.HELD: 1}


def test_one_place_on_a_list_however_often_it_is_asked_for(session: Session, stage: Stage, crowd: Crowd) -> None:
    queue = Queue(stage)
    member_id, challenge_id, sitting_id = queue.person("Ann").id, stage.cast.challenge.id, queue.sitting_id
    session.commit()

    def act(own: Session, number: int) -> None:
        sitting = queries.sitting_of(own, challenge_id, sitting_id)
        lists.join_list(own, sitting, (), own.get_one(Member, member_id), Wish("", "Topic"), at=NOON)

    assert crowd.run(act) == {"done": 1, "Conflict": CROWD - 1}
