"""Sessions that are not where the series puts them: moved, added, and opened again."""

from datetime import datetime, timedelta

import icalendar
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions.exceptions import add_sitting, move_sitting, reopen_sitting
from portal.office_hours.models import Booking, BusySpan, Series, Sitting, Slot
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState, SittingState, SlotState, Wall
from tests.cast import NOON, Cast, make_account, make_participant
from tests.office_hours.conftest import FIRST, SENDER, Stage, local

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
# Thursday at ten instead of Wednesday at nine: 17:00 UTC.
THURSDAY = local(2020, 6, 18, 10)
LATER = timedelta(days=1, hours=1)


def first(session: Session, cast: Cast, series: Series) -> Sitting:
    number = session.scalars(sa.select(sa.func.min(Sitting.id)).where(Sitting.series_id == series.id)).one()
    return queries.sitting_of(session, cast.challenge.id, number)


def move(session: Session, cast: Cast, sitting: Sitting, to: datetime = THURSDAY, at: datetime = NOON) -> int:
    return move_sitting(session, sitting, to, by=cast.host.id, at=at, sender=SENDER, reason="A holiday.")


def open_slots(session: Session, sitting: Sitting) -> list[Slot]:
    rows = sa.select(Slot).where(Slot.sitting_id == sitting.id, Slot.state == SlotState.OPEN)
    return list(session.scalars(rows.order_by(Slot.starts_at)))


def test_a_moved_session_takes_its_bookings_along_and_tells_everybody(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series()
    old = stage.slots(series)[1]
    booking = stage.book(old)
    uid, sitting = booking.uid, first(session, cast, series)

    count = move(session, cast, sitting)
    session.commit()

    session.refresh(booking)
    assert (count, booking.uid, booking.sequence, booking.starts_at) == (1, uid, 1, FIRST + HOUR / 2 + LATER)
    assert (booking.slot_id != old.id, booking.quota_period) == (True, "2020-W25")
    assert (sitting.starts_at, sitting.moved_local, sitting.recurrence_local) == (
        FIRST + LATER, THURSDAY, local(2020, 6, 17, 9),
    )  # fmt: skip
    assert [slot.starts_at for slot in open_slots(session, sitting)] == [FIRST + LATER + n * HOUR / 2 for n in range(4)]
    mails = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/moved").order_by(OutgoingMail.id)
    ).all()
    assert sorted(mail.to for mail in mails) == sorted([cast.researcher.email, cast.host.email])
    [event] = icalendar.Calendar.from_ical(mails[0].calendar_text or "").walk("VEVENT")
    assert (str(event["UID"]), event["SEQUENCE"], event["DTSTART"].dt) == (uid, 1, FIRST + HOUR / 2 + LATER)
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "office_hours:move-session")).one()
    assert (entry.subject, entry.detail["reason"], entry.detail["after"]["bookings"]) == (
        f"session:{sitting.id}", "A holiday.", 1,
    )  # fmt: skip


def test_the_series_never_undoes_a_move(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    sitting = first(session, cast, series)
    move(session, cast, sitting)

    assert actions.materialise(session, series.id, since=NOON, before=NOON + 8 * WEEK, at=NOON) == 0
    assert actions.follow_zone_rules(session, series.id, at=NOON, sender=SENDER) == 0
    assert sitting.starts_at == FIRST + LATER


def test_back_where_it_was_it_is_no_exception(session: Session, cast: Cast, stage: Stage) -> None:
    sitting = first(session, cast, stage.series())
    move(session, cast, sitting)

    move(session, cast, sitting, sitting.recurrence_local)

    assert (sitting.starts_at, sitting.moved_local, len(open_slots(session, sitting))) == (FIRST, None, 4)


def test_who_still_looks_at_the_old_time_cannot_book_it(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    seen = stage.slots(series)[0]
    move(session, cast, first(session, cast, series))

    with pytest.raises(Refused, match="This session has been cancelled"):
        stage.book(seen)


def test_a_hold_is_let_go_and_an_ended_booking_stays_where_it_was(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slots = stage.slots(series)
    held = stage.book(slots[0], hold_until=NOON + HOUR)
    ended = stage.book(slots[1], cast.team.members[0])
    actions.cancel_booking(session, ended, by=cast.team_lead.id, at=NOON, sender=SENDER)

    assert move(session, cast, first(session, cast, series)) == 0

    states = dict(session.execute(sa.select(Booking.id, Booking.state)).all())
    assert states == {held.id: BookingState.EXPIRED, ended.id: BookingState.CANCELLED}
    session.refresh(ended)
    assert (ended.slot_id, ended.starts_at) == (slots[1].id, FIRST + HOUR / 2)


def test_a_participant_or_host_who_clashes_is_named_and_nothing_moves(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series(weekly_quota=2)
    stage.book(stage.slots(series)[0])
    beside = stage.series(
        first=local(2020, 6, 18, 10), weekly_quota=2, hosts=(Share(cast.host.id), Share(cast.second_host.id))
    )
    stage.book(stage.slots(beside)[0])
    session.add(BusySpan(account_id=cast.host.id, since=FIRST + LATER, until=FIRST + LATER + HOUR))
    sitting = first(session, cast, series)
    session.commit()

    with pytest.raises(Refused) as refused:
        move(session, cast, sitting)

    assert refused.value.reason == (
        f"First settle: {cast.participant.name} has another booking then. Hugo Host has another slot then. "
        "Hugo Host is busy in their own calendar then."
    )
    session.rollback()
    assert (sitting.starts_at, len(open_slots(session, sitting))) == (FIRST, 4)


@pytest.mark.parametrize(
    ("to", "at", "why"),
    [
        (local(2020, 6, 15, 4), NOON, "That time is past."),
        (local(2020, 6, 17, 9), NOON, "That is when it begins already."),
        (THURSDAY, FIRST, "It has begun."),
    ],
)
def test_why_a_session_cannot_be_moved(
    session: Session, cast: Cast, stage: Stage, to: datetime, at: datetime, why: str
) -> None:
    sitting = first(session, cast, stage.series())

    with pytest.raises(Refused, match=why):
        move(session, cast, sitting, to, at)


def test_the_second_of_two_who_move_it_loses(session: Session, cast: Cast, stage: Stage) -> None:
    sitting = first(session, cast, stage.series())
    session.execute(
        sa.update(Sitting).values(starts_at=FIRST + HOUR).where(Sitting.id == sitting.id),
        execution_options={"synchronize_session": False},
    )

    with pytest.raises(Conflict, match="Somebody has just changed this session"):
        move(session, cast, sitting)


def test_moved_into_a_gap_it_begins_as_much_later_and_says_so(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series(first=local(2020, 10, 21, 9), weekly_quota=2)
    at = datetime(2020, 10, 1, 12, tzinfo=NOON.tzinfo)
    actions.materialise(session, series.id, since=at, before=at + 30 * WEEK, at=at)
    sitting = queries.sitting_of(session, cast.challenge.id, stage.slots(series)[-1].sitting_id)

    move(session, cast, sitting, local(2021, 3, 14, 2, 30), at)

    assert (sitting.wall, sitting.starts_at.isoformat()) == (Wall.GAP, "2021-03-14T10:30:00+00:00")


def test_one_session_more_has_its_own_key_and_stays(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()

    extra = add_sitting(session, series, local(2020, 6, 19, 15), by=cast.host.id, at=NOON, scope=cast.slug)

    assert (extra.added, extra.starts_at.isoformat()) == (True, "2020-06-19T22:00:00+00:00")
    assert len(open_slots(session, extra)) == 4
    assert actions.materialise(session, series.id, since=NOON, before=NOON + 8 * WEEK, at=NOON) == 0
    with pytest.raises(Conflict, match="This session exists already"):
        add_sitting(session, series, local(2020, 6, 19, 15), by=cast.host.id, at=NOON, scope=cast.slug)


def test_one_more_where_the_rule_would_come_later_is_made_once(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    ninth = local(2020, 8, 12, 9)
    add_sitting(session, series, ninth, by=cast.host.id, at=NOON, scope=cast.slug)

    assert actions.materialise(session, series.id, since=NOON, before=NOON + 9 * WEEK, at=NOON) == 0


def test_none_is_added_to_a_closed_series_or_in_the_past(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    with pytest.raises(Refused, match="That time is past"):
        add_sitting(session, series, local(2020, 6, 1, 9), by=cast.host.id, at=NOON, scope=cast.slug)
    actions.close_series(session, series, by=cast.lead.id, at=NOON, scope=cast.slug)
    session.flush()

    with pytest.raises(Refused, match="makes no more sessions"):
        add_sitting(session, series, local(2020, 6, 19, 15), by=cast.host.id, at=NOON, scope=cast.slug)


def test_opened_again_it_has_new_slots_and_its_old_bookings_stay_cancelled(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series()
    booking = stage.book(stage.slots(series)[0])
    sitting = first(session, cast, series)
    actions.cancel_sitting(session, sitting, "Ill.", by=cast.host.id, at=NOON, sender=SENDER)
    sitting = first(session, cast, series)

    assert reopen_sitting(session, sitting, by=cast.lead.id, at=NOON) == 4
    session.commit()

    session.refresh(booking)
    assert (sitting.state, sitting.cancel_reason, booking.state) == (
        SittingState.PLANNED, None, BookingState.CANCELLED,
    )  # fmt: skip
    again = stage.book(open_slots(session, sitting)[0])
    assert again.starts_at == FIRST
    with pytest.raises(Refused, match="Open the session again"):
        reopen_sitting(session, sitting, by=cast.lead.id, at=NOON)


def test_what_would_have_begun_is_not_opened_again(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    sitting = first(session, cast, series)
    actions.cancel_sitting(session, sitting, "Ill.", by=cast.host.id, at=NOON, sender=SENDER)

    with pytest.raises(Refused, match="It would have begun already"):
        reopen_sitting(session, first(session, cast, series), by=cast.lead.id, at=FIRST)


def test_a_session_is_moved_with_participants_who_are_elsewhere_another_day(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series(seats=2, weekly_quota=2)
    other = make_participant(session, cast.challenge, make_account(session, "Third"))
    for member in (cast.member, other.members[0]):
        stage.book(stage.slots(series)[2], member)

    assert move(session, cast, first(session, cast, series)) == 2
    seats = session.execute(sa.select(Booking.seat_no).order_by(Booking.seat_no)).scalars().all()
    assert seats == [1, 2]
