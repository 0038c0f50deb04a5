"""Booking, moving, cancelling, marking: on both databases."""

from datetime import timedelta

import icalendar
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, states
from portal.office_hours.actions import Wish
from portal.office_hours.models import Booking
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def posted(session: Session) -> list[tuple[str, str, str | None]]:
    """Template, address and calendar method of all mails."""
    rows = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))
    return [(mail.template.removeprefix("office_hours/"), mail.to, mail.calendar_method) for mail in rows]


def event_in(mail: OutgoingMail) -> icalendar.Event:
    [event] = icalendar.Calendar.from_ical(mail.calendar_text or "").walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return event


def tags(session: Session) -> list[tuple[str, int | None]]:
    session.commit()
    return [(entry.tag, entry.actor_id) for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]


def test_booking_takes_a_seat_and_tells_both_people_and_the_audit(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[1]

    booking = stage.book(slot, topic="A secret exploit chain")

    assert (booking.state, booking.seat_no, booking.sequence) == (BookingState.CONFIRMED, 1, 0)
    assert (booking.starts_at, booking.ends_at) == (FIRST + HOUR / 2, FIRST + HOUR)
    assert (booking.quota_period, booking.quota_no) == ("2020-W25", 1)
    assert (booking.participant_id, booking.account_id) == (cast.participant.id, cast.researcher.id)
    assert posted(session) == [
        ("booked", cast.researcher.email, "REQUEST"),
        ("booked", cast.host.email, "REQUEST"),
    ]
    assert tags(session)[-1] == ("office_hours:book", cast.researcher.id)


def test_mails_stay_neutral_and_name_one_attendee_each(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0], topic="A secret exploit chain")

    for mail in session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id)):
        event = event_in(mail)
        assert event["ATTENDEE"] == f"mailto:{mail.to}"
        assert (event["UID"], event["SEQUENCE"], event["ORGANIZER"]) == (booking.uid, 0, "mailto:portal@localhost")
        assert (event["SUMMARY"], event["DTSTART"].dt) == ("Office hours", FIRST)
        assert "exploit" not in f"{mail.context} {mail.calendar_text}"
        assert cast.participant.name not in f"{mail.context} {mail.calendar_text}"


def test_times_in_a_mail_are_on_the_recipients_clock(session: Session, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])

    assert [
        (mail.context["when"], mail.context["utc"])
        for mail in session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))
    ] == [
        ("Wednesday 17 June 2020, 18:00–18:30 (Europe/Berlin)", "Wednesday 17 June 2020, 16:00–16:30 (UTC)"),
        ("Wednesday 17 June 2020, 09:00–09:30 (America/Los_Angeles)", "Wednesday 17 June 2020, 16:00–16:30 (UTC)"),
    ]


def test_the_same_request_twice_is_one_booking(session: Session, stage: Stage) -> None:
    slot, other = stage.slots(stage.series(weekly_quota=3))[:2]

    first = stage.book(slot, key="one")
    again = stage.book(other, key="one")

    assert (again.id, again.slot_id) == (first.id, slot.id)
    assert len(posted(session)) == 2


def test_a_full_slot_is_a_conflict(stage: Stage, cast: Cast) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot)

    with pytest.raises(Conflict, match="All seats of this slot are taken"):
        stage.book(slot, cast.team.members[0])


def test_a_slot_has_as_many_bookings_as_seats(stage: Stage, cast: Cast) -> None:
    slot = stage.slots(stage.series(seats=2))[0]

    assert [stage.book(slot).seat_no, stage.book(slot, cast.team.members[0]).seat_no] == [1, 2]


def test_the_quota_is_the_participants_not_the_persons(stage: Stage, cast: Cast) -> None:
    slots = stage.slots(stage.series())
    lead, colleague = cast.team.members
    stage.book(slots[0], lead)

    with pytest.raises(Refused, match="One booking a week and participant; yours of 2020-W25 are used up"):
        stage.book(slots[1], colleague)

    assert stage.book(slots[4], colleague).quota_period == "2020-W26"


def test_quota_numbers_are_filled_from_below(stage: Stage, cast: Cast) -> None:
    slots = stage.slots(stage.series(weekly_quota=2))
    first, second = stage.book(slots[0]), stage.book(slots[1])
    actions.cancel_booking(stage.session, first, by=cast.researcher.id, at=NOON, sender=SENDER)

    assert (second.quota_no, stage.book(slots[2]).quota_no) == (2, 1)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (FIRST - 2 * HOUR, None),
        (FIRST - 2 * HOUR + timedelta(seconds=1), "It closed 2 hours before its beginning."),
        (FIRST + HOUR, "It closed 2 hours before its beginning."),
        (FIRST - timedelta(days=28), None),
        (FIRST - timedelta(days=28, seconds=1), "It opens 28 days before its beginning."),
    ],
)
def test_notice_and_advance(stage: Stage, at: object, reason: str | None) -> None:
    slot = stage.slots(stage.series())[0]

    if reason is None:
        assert stage.book(slot, at=at).state is BookingState.CONFIRMED  # type: ignore[arg-type]
    else:
        with pytest.raises(Refused) as refused:
            stage.book(slot, at=at)  # type: ignore[arg-type]
        assert refused.value.reason == reason


def test_a_participant_cannot_be_in_two_places(stage: Stage, cast: Cast) -> None:
    first = stage.slots(stage.series(weekly_quota=5))[0]
    beside = stage.slots(stage.series(weekly_quota=5, slot_minutes=45, hosts=(Share(cast.second_host.id),)))[0]
    stage.book(first)

    with pytest.raises(Refused, match="You already have a booking at that time"):
        stage.book(beside)


def test_cancelling_in_time_gives_the_credit_back(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    booking = stage.book(slot)

    actions.cancel_booking(session, booking, by=cast.colleague.id, at=FIRST - 12 * HOUR, sender=SENDER)

    assert (booking.state, booking.sequence, booking.changed_at) == (BookingState.CANCELLED, 1, FIRST - 12 * HOUR)
    assert posted(session)[2:] == [
        ("cancelled", cast.researcher.email, "CANCEL"),
        ("cancelled", cast.host.email, "CANCEL"),
    ]
    last = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id.desc())).first()
    assert last is not None
    event = event_in(last)
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (booking.uid, 1, "CANCELLED")
    assert last.context["credit"] is True
    assert stage.book(slot, at=FIRST - 11 * HOUR).state is BookingState.CONFIRMED


def test_cancelling_late_costs_the_week(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])

    actions.cancel_booking(session, booking, by=cast.researcher.id, at=FIRST - 12 * HOUR + HOUR / 60, sender=SENDER)

    assert booking.state is BookingState.LATE_CANCELLED
    with pytest.raises(Refused, match="used up"):
        stage.book(slots[3], at=FIRST - 3 * HOUR)
    # The seat itself is free for others.
    assert stage.book(slots[0], cast.team.members[0], at=FIRST - 3 * HOUR).seat_no == 1


def test_what_has_begun_cannot_be_cancelled(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])

    with pytest.raises(Refused, match="It has begun"):
        actions.cancel_booking(session, booking, by=cast.researcher.id, at=FIRST, sender=SENDER)


def test_cancelling_twice_is_refused(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=NOON, sender=SENDER)

    with pytest.raises(Refused, match="This booking is cancelled already"):
        actions.cancel_booking(session, booking, by=cast.researcher.id, at=NOON, sender=SENDER)


def test_rescheduling_keeps_the_uid_and_counts_the_sequence(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    uid = booking.uid

    moved = actions.reschedule_booking(session, booking, slots[5], by=cast.researcher.id, at=NOON + HOUR, sender=SENDER)

    assert (moved.id, moved.uid, moved.sequence, moved.slot_id) == (booking.id, uid, 1, slots[5].id)
    assert (moved.starts_at, moved.quota_period) == (FIRST + WEEK + HOUR / 2, "2020-W26")
    assert posted(session)[2:] == [("moved", cast.researcher.email, "REQUEST"), ("moved", cast.host.email, "REQUEST")]
    # The week it came from is free again.
    assert stage.book(slots[1]).quota_period == "2020-W25"


def test_rescheduling_within_a_week_needs_no_second_credit(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])

    moved = actions.reschedule_booking(session, booking, slots[1], by=cast.researcher.id, at=NOON, sender=SENDER)

    assert (moved.slot_id, moved.quota_no) == (slots[1].id, 1)


def test_a_host_who_no_longer_has_the_booking_is_released(session: Session, cast: Cast, stage: Stage) -> None:
    first = stage.slots(stage.series())[0]
    other = stage.slots(stage.series(hosts=(Share(cast.second_host.id),)))[2]
    booking = stage.book(first)

    actions.reschedule_booking(session, booking, other, by=cast.researcher.id, at=NOON, sender=SENDER)

    assert posted(session)[2:] == [
        ("moved", cast.researcher.email, "REQUEST"),
        ("moved", cast.second_host.email, "REQUEST"),
        ("released", cast.host.email, "CANCEL"),
    ]


def test_if_the_target_is_taken_the_old_booking_stays(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    stage.book(slots[1], cast.team.members[0])
    session.commit()

    with pytest.raises(Conflict, match="All seats"):
        actions.reschedule_booking(session, booking, slots[1], by=cast.researcher.id, at=NOON, sender=SENDER)
    session.rollback()

    session.refresh(booking)
    assert (booking.slot_id, booking.sequence, booking.state) == (slots[0].id, 0, BookingState.CONFIRMED)


def test_rescheduling_to_where_it_is_changes_nothing(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    booking = stage.book(slot)

    same = actions.reschedule_booking(session, booking, slot, by=cast.researcher.id, at=NOON, sender=SENDER)

    assert (same.sequence, len(posted(session))) == (0, 2)


def test_rescheduling_after_the_cut_off_is_refused(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])

    with pytest.raises(Refused, match="can be moved until 12 hours before"):
        actions.reschedule_booking(
            session, booking, slots[4], by=cast.researcher.id, at=FIRST - 11 * HOUR, sender=SENDER
        )


@pytest.mark.parametrize("state", sorted(set(BookingState) - {BookingState.CONFIRMED}))
def test_only_a_confirmed_booking_can_be_moved(session: Session, cast: Cast, stage: Stage, state: BookingState) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    booking.state, booking.hold_expires_at = state, FIRST if state is BookingState.HELD else None
    session.flush()

    with pytest.raises(Refused, match="Only a confirmed booking can be moved"):
        actions.reschedule_booking(session, booking, slots[4], by=cast.researcher.id, at=NOON, sender=SENDER)


def test_whoever_comes_second_works_on_what_the_first_has_left(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    session.commit()
    number, researcher, target = booking.id, cast.researcher.id, slots[1].id
    session.commit()

    with Session(db.engine) as second:
        stale = second.get_one(Booking, number)
        second.commit()
        actions.reschedule_booking(session, booking, slots[1], by=researcher, at=NOON, sender=SENDER)
        session.commit()
        actions.cancel_booking(second, stale, by=researcher, at=NOON, sender=SENDER)
        assert (stale.slot_id, stale.sequence, stale.state) == (target, 2, BookingState.CANCELLED)
        second.commit()

    with pytest.raises(Refused, match="this one is cancelled"):
        actions.reschedule_booking(session, booking, slots[2], by=researcher, at=NOON, sender=SENDER)


def test_a_hold_takes_the_seat_tells_nobody_and_can_be_confirmed(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    held = stage.book(slot, hold_until=NOON + HOUR)
    assert (held.state, posted(session)) == (BookingState.HELD, [])
    with pytest.raises(Conflict, match="All seats"):
        stage.book(slot, cast.team.members[0])

    actions.confirm_booking(session, held, by=cast.researcher.id, at=NOON + HOUR / 2, sender=SENDER)

    assert (held.state, held.hold_expires_at) == (BookingState.CONFIRMED, None)
    assert [mail[0] for mail in posted(session)] == ["booked", "booked"]


def test_a_hold_that_ran_out_is_swept_by_the_next_who_books(session: Session, cast: Cast, stage: Stage) -> None:
    slot, other = stage.slots(stage.series())[:2]
    held = stage.book(slot, hold_until=NOON + HOUR)

    with pytest.raises(Refused, match="held for you until a moment ago"):
        actions.confirm_booking(session, held, by=cast.researcher.id, at=NOON + HOUR, sender=SENDER)
    booking = stage.book(slot, cast.team.members[0], at=NOON + HOUR)

    session.refresh(held)
    assert (held.state, booking.seat_no) == (BookingState.EXPIRED, 1)
    assert stage.book(other, at=NOON + HOUR).quota_no == 1


def test_the_job_lets_go_of_holds(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series(weekly_quota=2))
    stage.book(slots[0], hold_until=NOON + HOUR)
    stage.book(slots[1], cast.team.members[0], hold_until=NOON + 3 * HOUR)

    assert [actions.expire_holds(session, NOON + 2 * HOUR), actions.expire_holds(session, NOON + 2 * HOUR)] == [1, 0]


@pytest.mark.parametrize(
    ("moves", "state"),
    [
        ([states.ATTEND], BookingState.ATTENDED),
        ([states.MISS], BookingState.NO_SHOW),
        ([states.MISS, states.ATTEND], BookingState.ATTENDED),
        ([states.ATTEND, states.MISS], BookingState.NO_SHOW),
    ],
)
def test_the_host_notes_who_was_there_and_may_correct_it(
    session: Session, cast: Cast, stage: Stage, moves: list[object], state: BookingState
) -> None:
    booking = stage.book(stage.slots(stage.series())[0])

    for move in moves:
        actions.mark_booking(session, booking, move, by=cast.host.id, at=FIRST + timedelta(minutes=10))  # type: ignore[arg-type]

    assert booking.state is state
    assert tags(session)[-1] == (f"office_hours:{moves[-1].name}", cast.host.id)  # type: ignore[attr-defined]


def test_nobody_is_marked_before_it_begins(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])

    with pytest.raises(Refused, match="It has not begun yet"):
        actions.mark_booking(session, booking, states.MISS, by=cast.host.id, at=FIRST - timedelta(seconds=1))


@pytest.mark.parametrize("state", sorted(set(BookingState) - states.ATTEND.sources))
def test_marking_is_refused_from_any_other_state(
    session: Session, cast: Cast, stage: Stage, state: BookingState
) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    booking.state, booking.hold_expires_at = state, FIRST if state is BookingState.HELD else None
    session.flush()

    with pytest.raises(Refused, match="Was there"):
        actions.mark_booking(session, booking, states.ATTEND, by=cast.host.id, at=FIRST)


def test_a_wish_carries_its_scenario(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    scenario = cast.challenge.scenarios[1]
    wish = Wish("key", "Firewall", scenario_id=scenario.id)

    booking = actions.book_slot(session, slot, cast.member, wish, at=NOON, sender=SENDER)

    assert (booking.topic, booking.scenario) == ("Firewall", scenario)


def test_without_a_sender_everything_happens_and_nobody_is_told(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    by = cast.researcher.id

    booking = actions.book_slot(session, slots[0], cast.member, Wish("k", "Topic"), at=NOON, sender=None)
    actions.reschedule_booking(session, booking, slots[1], by=by, at=NOON, sender=None)
    actions.cancel_booking(session, booking, by=by, at=NOON, sender=None)

    assert (booking.state, booking.sequence, posted(session)) == (BookingState.CANCELLED, 2, [])
