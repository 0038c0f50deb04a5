"""Reminders: when their moment has come, once, and only while they are true."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.states import ParticipantState
from portal.core import outbox
from portal.core.outbox import MailState, OutgoingMail
from portal.office_hours import actions, jobs
from tests.cast import NOON, Cast
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, SENDER, Stage

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def reminders(session: Session) -> list[OutgoingMail]:
    rows = sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/reminder").order_by(OutgoingMail.id)
    return list(session.scalars(rows))


def test_both_are_reminded_a_day_and_an_hour_before(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])

    counts = [
        actions.remind(session, at=at)
        for at in (
            FIRST - 24 * HOUR - MINUTE, FIRST - 24 * HOUR, FIRST - 23 * HOUR, FIRST - HOUR - MINUTE,
            FIRST - HOUR, FIRST - MINUTE, FIRST,
        )
    ]  # fmt: skip

    assert counts == [0, 2, 0, 0, 2, 0, 0]
    assert [(mail.to, mail.context["ahead"]) for mail in reminders(session)] == [
        (cast.researcher.email, "1 day"), (cast.host.email, "1 day"),
        (cast.researcher.email, "1 hour"), (cast.host.email, "1 hour"),
    ]  # fmt: skip
    assert reminders(session)[0].dedupe_key == f"reminder:{booking.uid}:0:1440:{cast.researcher.id}"


@pytest.mark.parametrize(
    ("woken", "told"),
    [
        (FIRST - 24 * HOUR + 2 * MINUTE, ["1 day"]),
        (FIRST - 3 * HOUR, ["3 hours"]),
        (FIRST - HOUR / 2, ["30 minutes"]),
        (FIRST + MINUTE, []),
    ],
)
def test_a_worker_that_slept_sends_what_still_helps(
    session: Session, stage: Stage, woken: datetime, told: list[str]
) -> None:
    stage.book(stage.slots(stage.series())[0])

    actions.remind(session, at=woken)

    assert [mail.context["ahead"] for mail in reminders(session)[::2]] == told


def test_nobody_is_reminded_of_what_they_have_just_booked(session: Session, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0], at=FIRST - 10 * HOUR)

    assert [actions.remind(session, at=at) for at in (FIRST - 9 * HOUR, FIRST - HOUR)] == [0, 2]


def test_a_moved_booking_is_reminded_of_anew(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    actions.remind(session, at=FIRST - 24 * HOUR)
    week = timedelta(weeks=1)
    actions.reschedule_booking(session, booking, slots[4], by=cast.researcher.id, at=FIRST - 20 * HOUR, sender=SENDER)

    assert [actions.remind(session, at=at) for at in (FIRST - HOUR, FIRST + week - 24 * HOUR)] == [0, 2]
    assert {mail.context["sequence"] for mail in reminders(session)} == {0, 1}


@pytest.mark.parametrize("change", ["cancel", "move", "remove", "unwanted", "nothing"])
def test_the_state_is_checked_again_when_the_reminder_goes(
    session: Session, cast: Cast, stage: Stage, change: str
) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0])
    actions.remind(session, at=FIRST - 24 * HOUR)
    session.commit()
    if change == "cancel":
        actions.cancel_booking(session, booking, by=cast.researcher.id, at=FIRST - 23 * HOUR, sender=SENDER)
    elif change == "move":
        actions.reschedule_booking(
            session, booking, slots[1], by=cast.researcher.id, at=FIRST - 23 * HOUR, sender=SENDER
        )
    elif change == "remove":
        cast.participant.state, cast.participant.removed_at = ParticipantState.REMOVED, NOON
    elif change == "unwanted":
        for person in (cast.researcher, cast.host):
            actions.choose_reminders(session, person.id, ["hour"], at=FIRST - 23 * HOUR)
    session.commit()
    sent: list[str] = []

    outbox.drain(session, lambda mail: sent.append(mail.template), FIRST - 22 * HOUR)

    dropped = [mail.state for mail in reminders(session)]
    assert dropped == [MailState.SENT if change == "nothing" else MailState.DROPPED] * 2
    assert sent.count("office_hours/reminder") == (2 if change == "nothing" else 0)


def test_each_person_is_reminded_as_they_chose(session: Session, cast: Cast, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])
    actions.choose_reminders(session, cast.researcher.id, ["day"], at=NOON)
    actions.choose_reminders(session, cast.researcher.id, ["hour", "quarter"], at=NOON)
    actions.choose_reminders(session, cast.host.id, [], at=NOON)

    counts = [
        actions.remind(session, at=FIRST - before)
        for before in (24 * HOUR, HOUR + MINUTE, HOUR, 16 * MINUTE, 15 * MINUTE, MINUTE)
    ]

    assert counts == [0, 0, 1, 0, 1, 0]
    assert [(mail.to, mail.context["ahead"]) for mail in reminders(session)] == [
        (cast.researcher.email, "1 hour"), (cast.researcher.email, "15 minutes"),
    ]  # fmt: skip


def test_what_waited_too_long_gives_way_to_what_is_nearer(session: Session, stage: Stage, clock: Clock) -> None:
    """The mail server was away for a day: nobody is told that what begins in an hour begins in a day."""
    stage.book(stage.slots(stage.series())[0])
    for before in (24 * HOUR, HOUR):
        actions.remind(session, at=FIRST - before)
    session.commit()
    clock.at = FIRST - HOUR
    sent: list[str] = []

    outbox.drain(session, lambda mail: sent.append(mail.context.get("ahead", "")), clock.at)

    assert [ahead for ahead in sent if ahead] == ["1 hour"] * 2
    clock.at = FIRST
    assert [mail.state for mail in reminders(session)] == [MailState.DROPPED] * 2 + [MailState.SENT] * 2


def test_a_reminder_that_comes_after_the_beginning_is_none(session: Session, stage: Stage, clock: Clock) -> None:
    stage.book(stage.slots(stage.series())[0])
    actions.remind(session, at=FIRST - HOUR)
    session.commit()
    clock.at = FIRST

    outbox.drain(session, lambda _mail: None, clock.at)

    assert [mail.state for mail in reminders(session)] == [MailState.DROPPED] * 2


def test_a_clock_that_is_behind_loses_no_reminder(session: Session, stage: Stage, clock: Clock) -> None:
    stage.book(stage.slots(stage.series())[0])
    actions.remind(session, at=FIRST - HOUR)
    session.commit()
    clock.at = FIRST - HOUR - MINUTE

    outbox.drain(session, lambda _mail: None, FIRST - HOUR)

    assert [mail.state for mail in reminders(session)] == [MailState.SENT] * 2


def test_who_was_removed_is_not_reminded(session: Session, cast: Cast, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])
    cast.participant.state, cast.participant.removed_at = ParticipantState.REMOVED, NOON
    session.flush()

    assert actions.remind(session, at=FIRST - 24 * HOUR) == 0


def test_the_job_commits_and_counts(session: Session, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])
    session.commit()

    counts = [jobs.enqueue_reminders(session, FIRST - 2 * HOUR), jobs.enqueue_reminders(session, FIRST - 2 * HOUR)]

    session.rollback()
    assert (counts, len(reminders(session))) == ([2, 0], 2)
    assert [job.name for job in jobs.JOBS] == [
        "office-hours-sessions", "office-hours-reminders", "office-hours-promises", "office-hours-calendars",
        "office-hours-questions", "office-hours-holds", "office-hours-waiting", "office-hours-rounds",
    ]  # fmt: skip
    assert jobs.let_go_of_holds(session, NOON) == 0
