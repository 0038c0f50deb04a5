"""What office hours put on the home pages."""

from datetime import timedelta

from sqlalchemy.orm import Session

from portal.office_hours import actions, queries
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


def test_the_next_booking_is_a_task(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[1])

    [task] = queries.tasks(session, cast.member, NOON)

    assert task == (
        "Office hours with Hugo Host", f"{PAGE}/bookings/{booking.uid}", FIRST + HOUR / 2,
        "Reading the device capability",
    )  # fmt: skip


def test_a_week_with_free_seats_and_no_booking_is_a_task(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[3], cast.team.members[0])

    [task] = queries.tasks(session, cast.member, NOON)

    assert task == ("Book this week's office hours", PAGE, FIRST - HOUR, "3 slots are free")


def test_nothing_to_do_when_the_week_is_used_or_over(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=FIRST - HOUR, sender=SENDER)

    assert queries.tasks(session, cast.member, FIRST - HOUR) == []
    assert queries.tasks(session, cast.team.members[0], FIRST + HOUR) == []


def test_a_hosts_queues(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[0])
    stage.book(slots[4], cast.team.members[0])

    at = FIRST + HOUR
    told = [(queue.url, queue.count, queue.oldest) for queue in queries.queues(session, cast.challenge, cast.host, at)]
    other = [queue.count for queue in queries.queues(session, cast.challenge, cast.second_host, at)]

    certificate = f"{STAFF}/certificate"
    assert told == [(f"{STAFF}?show=past", 1, FIRST + HOUR / 2), (STAFF, 1, None), (certificate, 1, None)]
    assert other == [0, 0, 0]
    stage.certify()
    after = {queue.url: queue.count for queue in queries.queues(session, cast.challenge, cast.host, at)}
    assert after[certificate] == 0
