"""On the day: checking in, running late, calling in, and nobody missing who was there."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, states
from portal.office_hours.actions import days
from portal.office_hours.models import Arrival, Booking, Course
from portal.office_hours.queries import sitting_of, whole_booking
from portal.office_hours.queries.days import Day, course_of, day_of
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState
from tests.cast import Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, SENDER, Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def booked(session: Session, cast: Cast, stage: Stage) -> list[Booking]:
    """The first slot for the researcher, the second for the team; a third is free."""
    slots = stage.slots(stage.series())
    made = [stage.book(slots[0]), stage.book(slots[1], cast.team.members[0], topic="A secret of the team")]
    session.commit()
    return made


def the_day(session: Session, cast: Cast, booking: Booking) -> Day:
    slot = whole_booking(session, booking.id).slot
    return day_of(session, sitting_of(session, cast.challenge.id, slot.sitting_id))


def arrival(session: Session) -> Arrival:
    return session.scalars(sa.select(Arrival).execution_options(populate_existing=True)).one()


def test_the_first_check_in_counts(session: Session, cast: Cast, booked: list[Booking]) -> None:
    for at in (FIRST - 20 * MINUTE, FIRST - 5 * MINUTE):
        days.check_in(session, booked[0], by=cast.researcher.id, at=at)

    assert (arrival(session).here_at, arrival(session).here_by_id) == (FIRST - 20 * MINUTE, cast.researcher.id)
    with pytest.raises(Refused, match="You have said already that you are here"):
        days.say_late(session, booked[0], 5, by=cast.researcher.id, at=FIRST)


def test_who_is_late_may_come_after_all(session: Session, cast: Cast, booked: list[Booking]) -> None:
    for minutes in (5, 20):
        days.say_late(session, booked[0], minutes, by=cast.researcher.id, at=FIRST - MINUTE)
    days.check_in(session, booked[0], by=cast.researcher.id, at=FIRST + MINUTE)

    assert (arrival(session).late_minutes, arrival(session).here_at) == (20, FIRST + MINUTE)


@pytest.mark.parametrize("minutes", [0, -5, 241])
def test_nobody_is_late_by_nothing_or_by_a_day(
    session: Session, cast: Cast, booked: list[Booking], minutes: int
) -> None:
    with pytest.raises(Refused, match="From 1 to 240 minutes"):
        days.say_late(session, booked[0], minutes, by=cast.researcher.id, at=FIRST)


def test_the_database_refuses_an_arrival_that_says_nothing(session: Session, booked: list[Booking]) -> None:
    session.add(Arrival(booking_id=booked[0].id, slot_id=booked[0].slot_id))

    with pytest.raises(sa.exc.IntegrityError, match="says_something"):
        session.flush()


def test_checking_in_needs_a_booking_as_it_is_now(session: Session, cast: Cast, booked: list[Booking]) -> None:
    seen = whole_booking(session, booked[0].id)
    session.execute(
        sa.update(Booking).where(Booking.id == seen.id).values(state=BookingState.NO_SHOW),
        execution_options={"synchronize_session": False},
    )

    with pytest.raises(Refused, match="This booking is no show"):
        days.check_in(session, seen, by=cast.researcher.id, at=FIRST)


def test_hosts_call_in_one_after_another(session: Session, cast: Cast, booked: list[Booking]) -> None:
    first, second = booked
    days.call_in(session, the_day(session, cast, first), first.slot_id, version=0, by=cast.host.id, at=FIRST)
    actions.mark_booking(session, first, states.ATTEND, by=cast.host.id, at=FIRST + 20 * MINUTE)
    day = the_day(session, cast, first)

    assert [str(turn) for turn in day.turns.values()] == ["over", "next", "free", "free"]
    assert day.next == second.slot_id
    days.call_in(session, day, second.slot_id, version=1, by=cast.host.id, at=FIRST + 25 * MINUTE)
    session.commit()
    course = course_of(session, day.sitting.id)
    assert (course.version, course.slot_id, course.called_at) == (2, second.slot_id, FIRST + 25 * MINUTE)
    called = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.tag == "office_hours:call-in").order_by(AuditEntry.id)
    ).all()
    assert [(entry.actor_id, entry.detail["after"]) for entry in called] == [
        (cast.host.id, {"slot": first.slot_id}), (cast.host.id, {"slot": second.slot_id}),
    ]  # fmt: skip


def test_of_two_hosts_the_second_is_told_to_look_again(session: Session, cast: Cast, booked: list[Booking]) -> None:
    day = the_day(session, cast, booked[0])
    days.call_in(session, day, booked[0].slot_id, version=0, by=cast.host.id, at=FIRST)

    with pytest.raises(Conflict, match="Another host has just changed the course"):
        days.run_late(session, day, 5, version=0, by=cast.host.id, at=FIRST, sender=SENDER)

    course = session.scalars(sa.select(Course).execution_options(populate_existing=True)).one()
    assert (course.version, course.slot_id, course.late_minutes) == (1, booked[0].slot_id, 0)


@pytest.mark.parametrize(
    ("place", "at", "why"),
    [
        (2, FIRST, "Nobody waits for this slot"),
        (0, FIRST - timedelta(hours=2), "The session is not under way"),
        (0, FIRST + timedelta(hours=5), "The session is not under way"),
    ],
)
def test_nobody_is_called_in_for_nothing(
    session: Session, cast: Cast, stage: Stage, booked: list[Booking], place: int, at: object, why: str
) -> None:
    day = the_day(session, cast, booked[0])

    with pytest.raises(Refused, match=why):
        days.call_in(session, day, day.slots[place].id, version=0, by=cast.host.id, at=at)  # type: ignore[arg-type]


def test_lateness_is_mailed_once_to_those_who_still_wait(session: Session, cast: Cast, booked: list[Booking]) -> None:
    first = booked[0]
    days.call_in(session, the_day(session, cast, first), first.slot_id, version=0, by=cast.host.id, at=FIRST)

    told = [
        days.run_late(
            session, the_day(session, cast, first), minutes, version=1 + number, by=cast.host.id, at=FIRST,
            sender=SENDER,
        )
        for number, minutes in enumerate((10, 15, 0))
    ]  # fmt: skip

    assert told == [1, 0, 0]
    mails = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/late").order_by(OutgoingMail.id)
    ).all()
    assert [(mail.to, mail.context["minutes"]) for mail in mails] == [("tamar-teamlead@example.org", 10)]
    assert "01:40" in mails[0].context["when"]
    assert "secret" not in str(mails[0].context)
    assert course_of(session, the_day(session, cast, first).sitting.id).late_minutes == 0


def test_nobody_who_was_there_is_noted_as_missing_by_a_slip(
    session: Session, cast: Cast, booked: list[Booking]
) -> None:
    booking = booked[0]
    days.check_in(session, booking, by=cast.researcher.id, at=FIRST)

    for at, sure, why in (
        (FIRST + 9 * MINUTE, True, "too early"), (FIRST + 10 * MINUTE, False, "They checked in at 16:00 UTC"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=why):
            actions.mark_booking(session, booking, states.MISS, by=cast.host.id, at=at, sure=sure)
    actions.mark_booking(session, booking, states.MISS, by=cast.host.id, at=FIRST + 10 * MINUTE, sure=True)

    assert booking.state is BookingState.NO_SHOW


def test_lateness_of_hosts_is_not_the_participants(session: Session, cast: Cast, booked: list[Booking]) -> None:
    day = the_day(session, cast, booked[0])
    days.run_late(session, day, 30, version=0, by=cast.host.id, at=FIRST, sender=None)

    with pytest.raises(Refused, match="until 16:40 UTC they are merely late"):
        actions.mark_booking(session, booked[0], states.MISS, by=cast.host.id, at=FIRST + 39 * MINUTE)


def test_a_booking_that_was_moved_begins_its_day_anew(
    session: Session, cast: Cast, stage: Stage, booked: list[Booking]
) -> None:
    days.check_in(session, booked[0], by=cast.researcher.id, at=FIRST - 10 * MINUTE)
    free = the_day(session, cast, booked[0]).slots[2]
    session.execute(
        sa.update(Booking)
        .where(Booking.id == booked[0].id)
        .values(slot_id=free.id, starts_at=free.starts_at, ends_at=free.ends_at)
    )
    session.expire_all()

    actions.mark_booking(
        session, whole_booking(session, booked[0].id), states.MISS, by=cast.host.id, at=free.starts_at + 10 * MINUTE
    )


# Pages


def sitting_page(session: Session, booking: Booking) -> str:
    return f"{STAFF}/sessions/{whole_booking(session, booking.id).slot.sitting_id}/day"


def test_the_hosts_day(client: FlaskClient, session: Session, cast: Cast, booked: list[Booking], clock: Clock) -> None:
    page, (first, second) = sitting_page(session, booked[0]), (booking.uid for booking in booked)
    clock.at = FIRST - 30 * MINUTE
    sign_in(client, cast.host)
    stamps = [client.get(f"{page}/now").json["stamp"]]  # type: ignore[index]

    assert client.post(f"{page}/here").status_code == 302
    assert "you are here" in client.get(page).text
    sign_in(client, cast.researcher)
    assert client.post(f"{PAGE}/bookings/{first}/here").status_code == 302
    sign_in(client, cast.host)
    stamps.append(client.get(f"{page}/now").json["stamp"])  # type: ignore[index]
    text = client.get(page).text
    assert all(words in text for words in ("Rosa Researcher", "Team Kestrel", "not here yet", "Call in the next"))
    clock.at = FIRST + MINUTE
    version, slot = 0, booked[0].slot_id
    assert client.post(f"{page}/call", data={"slot": slot, "version": version}).status_code == 302
    assert client.post(f"{page}/call", data={"slot": slot, "version": version}).status_code == 409
    assert client.post(f"{page}/late", data={"minutes": "5", "version": "1"}).status_code == 302
    assert client.post(f"{page}/late", data={"minutes": "x", "version": "2"}).status_code == 422
    assert "expected" in client.get(page).text
    clock.at = FIRST + 20 * MINUTE
    assert "Really a no-show?" in client.get(page).text
    assert client.post(f"{STAFF}/bookings/{first}/no-show", data={"back": "day"}).status_code == 422
    answer = client.post(f"{STAFF}/bookings/{first}/attended", data={"back": "day"})
    assert (answer.status_code, answer.location) == (302, page)
    clock.at = FIRST + 50 * MINUTE
    assert client.post(f"{STAFF}/bookings/{second}/no-show", data={"back": "day"}).status_code == 302
    assert len(set(stamps)) == 2


def test_the_way_in_stays_for_as_long_as_the_session_runs_late(
    client: FlaskClient, session: Session, cast: Cast, booked: list[Booking], clock: Clock
) -> None:
    clock.at = FIRST
    sign_in(client, cast.host)
    sitting_id = whole_booking(session, booked[0].id).slot.sitting_id
    url = "https://meet.example.org/room"
    assert client.post(f"{STAFF}/sessions/{sitting_id}/link", data={"url": url}).status_code == 302
    page, own = sitting_page(session, booked[0]), f"{PAGE}/bookings/{booked[0].uid}"

    shown = []
    for minutes in (29, 31):
        clock.at = FIRST + minutes * MINUTE
        if minutes == 31:
            client.post(f"{page}/late", data={"minutes": "15", "version": "0"})
        for who, address in ((cast.host, page), (cast.researcher, own), (cast.second_host, page)):
            sign_in(client, who)
            shown.append(url in client.get(address).text)
        sign_in(client, cast.host)
    assert shown == [True, True, False] * 2
    actions.mark_booking(session, booked[0], states.ATTEND, by=cast.host.id, at=clock.at)
    session.commit()
    sign_in(client, cast.researcher)
    assert url in client.get(own).text
    clock.at = FIRST + 45 * MINUTE
    assert url not in client.get(own).text


def test_the_page_says_whether_it_is_still_true(
    client: FlaskClient, session: Session, cast: Cast, booked: list[Booking], clock: Clock
) -> None:
    clock.at = FIRST - 10 * MINUTE
    for who, page in (
        (cast.host, sitting_page(session, booked[0])),
        (cast.researcher, f"{PAGE}/bookings/{booked[0].uid}"),
    ):
        sign_in(client, who)
        first = client.get(f"{page}/now")
        again = client.get(f"{page}/now", headers={"If-None-Match": first.headers["ETag"]})

        assert (first.status_code, again.status_code) == (200, 304)
        assert f'data-stamp="{first.json["stamp"]}"' in client.get(page).text  # type: ignore[index]


def test_participants_see_their_turn_and_nobody_elses_name(
    client: FlaskClient, session: Session, cast: Cast, booked: list[Booking], clock: Clock
) -> None:
    team, day = booked[1], f"{PAGE}/bookings/{booked[1].uid}"
    sign_in(client, cast.colleague)
    clock.at = team.starts_at - 61 * MINUTE
    assert (client.get(f"{day}/now").json, "I am here" in client.get(day).text) == ({"stamp": ""}, False)
    clock.at = team.starts_at - 20 * MINUTE

    page = client.get(day).text
    assert ("Others are before you" in page, "I am here" in page) == (True, True)
    assert "Rosa" not in page
    days.call_in(session, the_day(session, cast, team), booked[0].slot_id, version=0, by=cast.host.id, at=clock.at)
    days.run_late(session, the_day(session, cast, team), 15, version=1, by=cast.host.id, at=clock.at, sender=None)
    session.commit()
    page = client.get(day).text
    assert ("You are next" in page, "about 15 minutes late" in page) == (True, True)
    days.call_in(session, the_day(session, cast, team), team.slot_id, version=2, by=cast.host.id, at=clock.at)
    session.commit()
    assert "It is your turn" in client.get(day).text
    assert client.get(f"{day}/now").json["turn"] == "now"  # type: ignore[index]


@pytest.mark.parametrize("minutes", ["", "0", "500", "soon"])
def test_a_faulty_lateness_changes_nothing(
    client: FlaskClient, session: Session, cast: Cast, booked: list[Booking], clock: Clock, minutes: str
) -> None:
    clock.at = FIRST - 10 * MINUTE
    sign_in(client, cast.researcher)

    answer = client.post(f"{PAGE}/bookings/{booked[0].uid}/late", data={"minutes": minutes})

    assert answer.status_code == 302
    assert session.scalars(sa.select(Arrival)).all() == []


def test_a_host_sees_no_names_in_slots_of_others(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slots = stage.slots(stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id))))
    for slot, member in zip(slots[:2], (cast.member, cast.team.members[0]), strict=True):
        stage.book(slot, member)
    session.commit()
    page = f"{STAFF}/sessions/{slots[0].sitting_id}/day"
    seen = {}
    for host in (cast.host, cast.second_host):
        sign_in(client, host)
        text = client.get(page).text
        seen[host.id] = {name for name in ("Rosa Researcher", "Team Kestrel") if name in text}

    holders = {slots[0].host_id: {"Rosa Researcher"}, slots[1].host_id: {"Team Kestrel"}}
    assert seen == holders


def test_the_day_of_others_is_not_found(
    client: FlaskClient, session: Session, cast: Cast, booked: list[Booking]
) -> None:
    page = sitting_page(session, booked[0])
    sign_in(client, cast.second_host)

    assert [client.get(page).status_code, client.get(f"{page}/now").status_code] == [404, 404]
    assert [client.post(f"{page}/{verb}").status_code for verb in ("here", "late", "call")] == [404, 404, 404]
