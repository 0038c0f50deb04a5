"""The waiting list: joined, offered in the fair order, answered, missed."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.challenges.states import ParticipantState
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions import waiting as lists
from portal.office_hours.actions.bookings import withdraw_booking
from portal.office_hours.jobs import offer_seats
from portal.office_hours.models import Booking, SeatOffer, Series, Slot, Waiter
from portal.office_hours.personal import erase
from portal.office_hours.queries.waiting import candidates, offer_of, slots_in, waiter_in, waits_of
from portal.office_hours.rules import Share
from portal.office_hours.rules.waiting import KEPT
from portal.office_hours.states import BookingState, Source, WaiterState
from tests.cast import NOON, Cast, make_account, make_participant
from tests.office_hours.conftest import FIRST, SENDER, Stage, local

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


class Queue:
    """A session that is full: its one slot is taken by somebody called Early."""

    def __init__(self, stage: Stage, **plan: object) -> None:
        self.stage, self.session = stage, stage.session
        self.series: Series = stage.series(**{"slots": 1, **plan})
        self.slots = list(slots_in(self.session, stage.slots(self.series)[0].sitting_id))
        self.sitting_id = self.slots[0].sitting_id
        self.taken = [stage.book(slot, self.person(f"Early {number}")) for number, slot in enumerate(self.slots)]
        self.session.commit()

    def person(self, name: str, zone: str = "UTC") -> Member:
        account = make_account(self.session, name, zone=zone)
        return make_participant(self.session, self.stage.cast.challenge, account).members[0]

    def join(self, who: Member | str, *slots: Slot, at: datetime = NOON, zone: str = "UTC") -> Waiter:
        member = self.person(who, zone) if isinstance(who, str) else who
        sitting = queries.sitting_of(self.session, self.stage.cast.challenge.id, self.sitting_id)
        waiter = lists.join_list(self.session, sitting, slots, member, Wish("", "Booting"), at=at)
        self.session.commit()
        return waiter_in(self.session, self.stage.cast.challenge.id, waiter.id)

    def free(self, number: int = 0, at: datetime = NOON) -> None:
        """Somebody gives a seat back."""
        booking = self.taken[number]
        actions.cancel_booking(self.session, booking, by=booking.account_id, at=at, sender=SENDER)
        self.session.commit()

    def tick(self, at: datetime = NOON) -> list[str]:
        """Run the job; to whom seats are kept then."""
        offer_seats(self.session, at)
        return self.held()

    def held(self) -> list[str]:
        rows = sa.select(Waiter.account_id).join(SeatOffer, SeatOffer.waiter_id == Waiter.id)
        rows = rows.join(Booking, Booking.id == SeatOffer.booking_id).where(Booking.state == BookingState.HELD)
        return [self.name(account_id) for account_id in self.session.scalars(rows.order_by(Booking.id))]

    def name(self, account_id: int) -> str:
        return self.session.get_one(Account, account_id).name

    def offer(self, waiter: Waiter) -> SeatOffer:
        """The latest offer to somebody, as they see it."""
        uid = self.session.scalars(
            sa.select(Booking.uid)
            .join(SeatOffer, SeatOffer.booking_id == Booking.id)
            .where(SeatOffer.waiter_id == waiter.id)
            .order_by(Booking.id.desc())
        ).first()
        member = self.session.scalars(sa.select(Member).where(Member.account_id == waiter.account_id)).one()
        return offer_of(self.session, member, uid or "")

    def again(self, waiter: Waiter) -> Waiter:
        """A place on the list as it is now, with all that belongs to it."""
        return waiter_in(self.session, self.stage.cast.challenge.id, waiter.id)

    def state(self, waiter: Waiter) -> WaiterState:
        self.session.refresh(waiter, ["state"])
        return waiter.state


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
    stage.book(other, member_of(session, busy))
    week = stage.slots(stage.series(first=local(2020, 6, 18, 9), slots=2, weekly_quota=2))[:2]
    for slot in week:
        stage.book(slot, member_of(session, spent))
    gone = queue.again(left).participant
    gone.state, gone.removed_at = ParticipantState.REMOVED, NOON
    session.commit()
    queue.free()

    assert queue.tick() == ["Ann"]

    assert queue.state(left) is WaiterState.OVER
    assert [queue.state(waiter) for waiter in (busy, spent, *waiting)] == [WaiterState.WAITING] * 3


def member_of(session: Session, waiter: Waiter) -> Member:
    return session.scalars(sa.select(Member).where(Member.account_id == waiter.account_id)).one()


def test_a_slot_that_others_wait_for_is_kept_from_the_page(session: Session, cast: Cast, queue: Queue) -> None:
    waiter = queue.join("Ann")
    queue.free()

    with pytest.raises(Refused, match="Others wait for this slot"):
        queue.stage.book(queue.slots[0], cast.member)
    with pytest.raises(Refused, match="Others wait for this slot"):
        queue.stage.book(queue.slots[0], cast.member, source=Source.API)
    # The staff may, and whoever waits alone may take it without being asked.
    session.rollback()
    assert queue.stage.book(queue.slots[0], member_of(session, waiter)).state is BookingState.CONFIRMED


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
        queue.join(early(session, queue), queue.slots[1])
    with pytest.raises(Refused, match="already have a seat in this slot"):
        queue.join(early(session, queue), queue.slots[0])
    with pytest.raises(Refused, match="too late"):
        queue.join("Late", at=FIRST)
    queue.free()
    ben = queue.person("Ben")
    queue.join(ben)  # the free seat is Ann's
    with pytest.raises(Conflict, match="on the waiting list of this session already"):
        queue.join(ben)


def early(session: Session, queue: Queue) -> Member:
    return session.scalars(sa.select(Member).where(Member.account_id == queue.taken[0].account_id)).one()


def test_a_free_seat_is_booked_not_waited_for(session: Session, cast: Cast, queue: Queue) -> None:
    queue.free()

    with pytest.raises(Refused, match="A seat of it is free"):
        queue.join(cast.member)


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


def test_what_is_kept_of_those_who_wait(session: Session, queue: Queue) -> None:
    waiter = queue.join("Ann")

    assert personal.export(session, waiter.account_id)["office_hours"]["waiting_lists"] == [
        {"session": queue.sitting_id, "state": "waiting", "since": NOON, "joined_at": NOON, "topic": "Booting"}
    ]
    erase(session, waiter.account_id, NOON + HOUR)
    session.expire_all()
    assert (waiter.topic, waiter.state, waiter.state_since) == ("Erased", WaiterState.LEFT, NOON + HOUR)
