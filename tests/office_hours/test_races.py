"""Many at once. The only answers are a seat, taken, and used up; nothing is ever given twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.core.errors import Conflict
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions import Wish, questions
from portal.office_hours.actions.changes import change_series
from portal.office_hours.actions.days import call_in
from portal.office_hours.models import Booking, SealedQuestion, Seat, Sitting, Slot
from portal.office_hours.queries.days import day_of
from portal.office_hours.queries.substitutes import slots_of
from portal.office_hours.states import COUNTED, LIVE, BookingState, SlotState
from tests.cast import NOON, Cast, make_account, make_participant
from tests.crowd import Crowd, crowd_of
from tests.office_hours.conftest import FIRST, SENDER, Stage, local

CROWD = 64


@pytest.fixture
def crowd(stage: Stage) -> Iterator[Crowd]:
    """Sixty-four threads on the test's database."""
    with crowd_of(CROWD) as made:
        yield made


def members(stage: Stage, number: int) -> list[int]:
    """So many participants more."""
    made = [
        make_participant(stage.session, stage.cast.challenge, make_account(stage.session, f"Researcher {one}"))
        for one in range(number)
    ]
    stage.session.commit()
    return [participant.members[0].id for participant in made]


def book(session: Session, challenge_id: int, slot_id: int, member_id: int, key: str) -> None:
    slot = queries.slot_of(session, challenge_id, slot_id)
    member = session.get_one(Member, member_id)
    actions.book_slot(session, slot, member, Wish(key, "Topic"), at=NOON, sender=SENDER)


def seats_of(session: Session) -> list[tuple[int, int]]:
    rows = session.execute(sa.select(Booking.slot_id, Booking.seat_no).where(Booking.state.in_(LIVE)))
    return sorted((slot_id, seat_no) for slot_id, seat_no in rows)


def test_sixty_four_want_sixteen_seats_of_one_slot(session: Session, stage: Stage, crowd: Crowd) -> None:
    slot_id = stage.slots(stage.series(slots=1, seats=16))[0].id
    who, challenge_id = members(stage, CROWD), stage.cast.challenge.id
    session.commit()

    answers = crowd.run(lambda own, number: book(own, challenge_id, slot_id, who[number], "once"))

    assert answers == {"done": 16, "Conflict": 48}
    assert seats_of(session) == [(slot_id, number) for number in range(1, 17)]


def test_sixty_four_want_sixteen_slots(session: Session, stage: Stage, crowd: Crowd) -> None:
    slots = [slot.id for slot in stage.slots(stage.series(slots=16, slot_minutes=20))[:16]]
    who, challenge_id = members(stage, CROWD), stage.cast.challenge.id
    session.commit()

    answers = crowd.run(lambda own, number: book(own, challenge_id, slots[number % 16], who[number], "once"))

    assert answers == {"done": 16, "Conflict": 48}
    assert seats_of(session) == [(slot_id, 1) for slot_id in sorted(slots)]


def test_eight_participants_want_more_than_their_quota(session: Session, stage: Stage, crowd: Crowd) -> None:
    slots = [slot.id for slot in stage.slots(stage.series(slots=8, seats=16, weekly_quota=2))[:8]]
    who, challenge_id = members(stage, 8), stage.cast.challenge.id
    session.commit()

    answers = crowd.run(
        lambda own, number: book(own, challenge_id, slots[number % 8], who[number // 8], f"request-{number}")
    )

    assert answers == {"done": 16, "Refused": 48}
    held = session.execute(sa.select(Booking.participant_id, Booking.quota_no).where(Booking.state.in_(COUNTED))).all()
    assert sorted(Counter(number for number, _ in held).values()) == [2] * 8
    assert Counter(number for _, number in held) == {1: 8, 2: 8}


def test_one_request_sent_sixty_four_times_is_one_booking(session: Session, stage: Stage, crowd: Crowd) -> None:
    slot_id = stage.slots(stage.series(seats=4))[0].id
    [who], challenge_id = members(stage, 1), stage.cast.challenge.id
    session.commit()

    answers = crowd.run(lambda own, _: book(own, challenge_id, slot_id, who, "the same"))

    assert answers == {"done": 64}
    assert seats_of(session) == [(slot_id, 1)]


def test_sixty_four_move_to_the_same_four_seats(session: Session, stage: Stage, crowd: Crowd) -> None:
    series = stage.series(slots=4, seats=16)
    slots = stage.slots(series)
    day_after = series.first_local + timedelta(days=1)
    target = stage.slots(stage.series(first=day_after, seats=4, slots=1))[0].id
    who = members(stage, CROWD)
    for number, member_id in enumerate(who):
        book(session, stage.cast.challenge.id, slots[number % 4].id, member_id, "once")
    session.commit()
    bookings = session.scalars(sa.select(Booking.id).order_by(Booking.id)).all()
    session.commit()

    def move(own: Session, number: int) -> None:
        booking, slot = own.get_one(Booking, bookings[number]), own.get_one(Slot, target)
        actions.reschedule_booking(own, booking, slot, by=booking.account_id, at=NOON, sender=SENDER)

    answers = crowd.run(move)

    assert answers == {"done": 4, "Conflict": 60}
    assert [seat for seat in seats_of(session) if seat[0] == target] == [(target, number) for number in range(1, 5)]
    assert len(seats_of(session)) == CROWD


def test_a_session_is_cancelled_while_everybody_books(session: Session, stage: Stage, crowd: Crowd) -> None:
    slots = stage.slots(stage.series(slots=4, seats=16))[:4]
    sitting_id, ids = slots[0].sitting_id, [slot.id for slot in slots]
    who, challenge_id, host = members(stage, CROWD), stage.cast.challenge.id, stage.cast.host.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number == CROWD // 2:
            sitting = queries.sitting_of(own, challenge_id, sitting_id)
            actions.cancel_sitting(own, sitting, "The host is ill.", by=host, at=NOON, sender=SENDER)
        else:
            book(own, challenge_id, ids[number % 4], who[number], "once")

    crowd.run(act)

    # Whoever was quicker has been told; nobody sits in a cancelled session.
    assert seats_of(session) == []


def test_sessions_are_made_once_by_sixty_four_workers(session: Session, stage: Stage, crowd: Crowd) -> None:
    series = actions.create_series(session, stage.cast.challenge, stage.plan(seats=2), by=stage.cast.host.id, at=NOON)
    session.commit()
    number = series.id
    session.commit()
    span = {"since": NOON, "before": NOON + timedelta(weeks=3), "at": NOON}

    answers = crowd.run(lambda own, _: actions.materialise(own, number, **span))

    counts = [session.scalars(sa.select(sa.func.count()).select_from(kind)).one() for kind in (Sitting, Slot, Seat)]
    assert (answers, counts) == ({"done": 64}, [3, 12, 24])


def test_a_session_moves_while_everybody_books(session: Session, stage: Stage, crowd: Crowd) -> None:
    slots = stage.slots(stage.series(slots=4, seats=16))[:4]
    sitting_id, ids = slots[0].sitting_id, [slot.id for slot in slots]
    who, challenge_id, host = members(stage, CROWD), stage.cast.challenge.id, stage.cast.host.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number == CROWD // 2:
            sitting = queries.sitting_of(own, challenge_id, sitting_id)
            actions.move_sitting(own, sitting, local(2020, 6, 18, 9), by=host, at=NOON, sender=SENDER)
        else:
            book(own, challenge_id, ids[number % 4], who[number], "once")

    answers = crowd.run(act)

    # Whoever was quicker moved along; whoever came later was told. Nobody sits at the old time.
    booked = session.execute(sa.select(Booking.starts_at, Booking.sequence).where(Booking.state.in_(LIVE))).all()
    assert len(booked) == answers["done"] - 1
    assert {(starts_at.day, sequence) for starts_at, sequence in booked} <= {(18, 1)}
    assert set(answers) <= {"done", "Refused"}


def test_a_substitute_comes_while_everybody_books(session: Session, stage: Stage, crowd: Crowd) -> None:
    slots = stage.slots(stage.series(slots=4, seats=16))[:4]
    sitting_id, ids = slots[0].sitting_id, [slot.id for slot in slots]
    who, cast = members(stage, CROWD), stage.cast
    challenge_id, hugo, hana = cast.challenge.id, cast.host.id, cast.second_host.id
    session.commit()

    def act(own: Session, number: int) -> None:
        if number == CROWD // 2:
            held = slots_of(own, sitting_id, hugo)
            actions.substitute(own, held, own.get_one(Account, hugo), hana, by=hana, at=NOON, sender=SENDER)
        else:
            book(own, challenge_id, ids[number % 4], who[number], "once")

    answers = crowd.run(act)

    assert answers == {"done": CROWD}
    assert set(session.scalars(sa.select(Slot.host_id).where(Slot.sitting_id == sitting_id))) == {hana}
    # Each host's last word on each booking: Hana has it, and whatever Hugo was told of is taken back.
    told: dict[tuple[str, str], tuple[int, str]] = {}
    hosts = [cast.host.email, cast.second_host.email]
    for mail in session.scalars(sa.select(OutgoingMail).where(OutgoingMail.to.in_(hosts)).order_by(OutgoingMail.id)):
        key, said = (mail.to, mail.context["uid"]), (mail.context["sequence"], mail.calendar_method or "")
        told[key] = max(told.get(key, said), said)
    for uid in session.scalars(sa.select(Booking.uid)):
        assert told[cast.second_host.email, uid][1] == "REQUEST"
        assert told.get((cast.host.email, uid), (0, "CANCEL"))[1] == "CANCEL"


def test_one_of_sixty_four_staff_moves_a_session(session: Session, stage: Stage, crowd: Crowd) -> None:
    slot = stage.slots(stage.series(slots=2))[0]
    sitting_id, challenge_id, host = slot.sitting_id, stage.cast.challenge.id, stage.cast.host.id
    uid = stage.book(slot).uid
    session.commit()

    def act(own: Session, number: int) -> None:
        sitting = queries.sitting_of(own, challenge_id, sitting_id)
        own.commit()
        to = local(2020, 6, 18, 9, number % 60)
        seen = Sitting.starts_at == FIRST
        found = own.scalars(sa.select(Sitting).where(Sitting.id == sitting.id, seen)).one_or_none()
        if found is None:
            raise Conflict("Somebody was first.")
        sitting = queries.sitting_of(own, challenge_id, sitting_id)
        actions.move_sitting(own, sitting, to, by=host, at=NOON, sender=SENDER)

    answers = crowd.run(act)

    assert answers == {"done": 1, "Conflict": CROWD - 1}
    found = session.scalars(sa.select(Booking)).one()
    assert (found.uid, found.sequence, found.starts_at.day) == (uid, 1, 18)
    open_slots = sa.select(sa.func.count()).where(Slot.sitting_id == sitting_id, Slot.state == SlotState.OPEN)
    assert session.scalars(open_slots).one() == 2


def test_one_of_sixty_four_staff_changes_a_series(session: Session, stage: Stage, crowd: Crowd) -> None:
    series = stage.series(slots=2)
    number, challenge_id, host = series.id, stage.cast.challenge.id, stage.cast.host.id
    stage.book(stage.slots(series)[0])
    plan = stage.plan(slots=2, first=local(2020, 6, 18, 9))
    session.commit()

    def act(own: Session, _: int) -> None:
        found = queries.one_series(own, challenge_id, number)
        change_series(own, found, plan, version=1, before=NOON + timedelta(weeks=8), by=host, at=NOON, sender=SENDER)

    answers = crowd.run(act)

    assert answers == {"done": 1, "Conflict": CROWD - 1}
    counts = [session.scalars(sa.select(sa.func.count()).select_from(kind)).one() for kind in (Sitting, Booking)]
    assert counts == [8, 1]


def test_many_hosts_call_in_the_next_at_once(crowd: Crowd, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot)
    challenge, sitting, slot_id, host = stage.cast.challenge.id, slot.sitting_id, slot.id, stage.cast.host.id
    stage.session.commit()

    def act(session: Session, _number: int) -> None:
        day = day_of(session, queries.sitting_of(session, challenge, sitting))
        call_in(session, day, slot_id, version=0, by=host, at=FIRST)

    assert crowd.run(act) == Counter(done=1, Conflict=CROWD - 1)


def test_sixty_four_open_the_form_of_four_seats(session: Session, stage: Stage, crowd: Crowd) -> None:
    slot_id = stage.slots(stage.series(slots=1, seats=4))[0].id
    who, challenge_id = members(stage, CROWD), stage.cast.challenge.id
    session.commit()

    def act(own: Session, number: int) -> None:
        slot, member = queries.slot_of(own, challenge_id, slot_id), own.get_one(Member, who[number])
        actions.hold_slot(own, slot, member, at=NOON)

    assert crowd.run(act) == {"done": 4, "Conflict": 60}
    assert seats_of(session) == [(slot_id, number) for number in range(1, 5)]


def test_a_form_that_holds_a_seat_is_sent_sixty_four_times(session: Session, stage: Stage, crowd: Crowd) -> None:
    slot_id = stage.slots(stage.series(seats=4))[0].id
    [who], challenge_id = members(stage, 1), stage.cast.challenge.id
    slot = queries.slot_of(session, challenge_id, slot_id)
    held = actions.hold_slot(session, slot, session.get_one(Member, who), at=NOON).id
    session.commit()

    answers = crowd.run(lambda own, _: book(own, challenge_id, slot_id, who, "the same"))

    assert answers == {"done": 64}
    found = session.execute(sa.select(Booking.id, Booking.state)).all()
    assert [tuple(row) for row in found] == [(held, BookingState.CONFIRMED)]
    assert len(session.scalars(sa.select(OutgoingMail)).all()) == 2


def test_a_participant_holds_one_seat_however_many_forms_are_opened(
    session: Session, stage: Stage, crowd: Crowd
) -> None:
    slots = [slot.id for slot in stage.slots(stage.series(slots=8, seats=16, weekly_quota=9))[:8]]
    [who], challenge_id = members(stage, 1), stage.cast.challenge.id
    session.commit()

    def act(own: Session, number: int) -> None:
        slot, member = queries.slot_of(own, challenge_id, slots[number % 8]), own.get_one(Member, who)
        actions.hold_slot(own, slot, member, at=NOON)

    answers = crowd.run(act)

    assert set(answers) == {"done", "TooManyHolds"}
    assert len(seats_of(session)) == 1


def test_eight_participants_want_more_than_their_cap(session: Session, stage: Stage, crowd: Crowd) -> None:
    slots = [slot.id for slot in stage.slots(stage.series(slots=2, seats=16, rolling_cap=2, weekly_quota=9))[:8]]
    who, challenge_id = members(stage, 8), stage.cast.challenge.id
    session.commit()

    answers = crowd.run(
        lambda own, number: book(own, challenge_id, slots[number % 8], who[number // 8], f"request-{number}")
    )

    assert answers == {"done": 16, "Refused": 48}
    held = session.scalars(sa.select(Booking.participant_id).where(Booking.state.in_(COUNTED)))
    assert sorted(Counter(held).values()) == [2] * 8


def test_a_question_at_the_last_moment_and_workers_that_let_go(
    session: Session, cast: Cast, stage: Stage, crowd: Crowd
) -> None:
    (key,) = stage.certify(at=NOON - timedelta(days=30))
    booking = stage.book(stage.slots(stage.series(question_due_minutes=24 * 60))[0])
    number, data, by = booking.id, stage.sealed(key), cast.researcher.id
    session.commit()
    due = FIRST - timedelta(days=1)

    def act(own: Session, thread: int) -> object:
        if thread % 8 == 0:
            whole = queries.whole_booking(own, number)
            return questions.put_question(own, whole, data, by=by, at=due - timedelta(microseconds=1))
        return questions.let_go(own, number, at=due, sender=SENDER)

    crowd.run(act)

    session.expire_all()
    kept = session.scalars(sa.select(SealedQuestion.booking_id)).all()
    gone = queries.whole_booking(session, number).state is BookingState.CANCELLED
    assert kept == ([] if gone else [number])
    told = sa.select(sa.func.count()).where(OutgoingMail.template == "office_hours/cancelled")
    assert session.scalars(told).one() == (2 if gone else 0)
