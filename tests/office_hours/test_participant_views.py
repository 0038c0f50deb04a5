"""Participants' pages, for those whose they are and for those whose they are not."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.office_hours.models import Booking, Feed
from portal.office_hours.states import BookingState
from tests.cast import Cast, make_account, make_challenge, make_participant, sign_in
from tests.office_hours.conftest import Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


def wish(**changes: str) -> dict[str, str]:
    return {"key": "k" * 32, "topic": "Reading the device capability", "scenario": "0", **changes}


def the_booking(session: Session) -> Booking:
    return session.scalars(sa.select(Booking).execution_options(populate_existing=True)).one()


def test_slots_are_grouped_by_day_on_the_viewers_clock(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    stage.series()
    sign_in(client, cast.team_lead)

    page = client.get(PAGE)

    # 16:00 UTC is one in the morning of the next day in Tokyo.
    assert page.status_code == 200
    assert "Thursday 18 Jun 2020" in page.text
    assert (
        '<time datetime="2020-06-17T16:00:00Z" title="Wed 17 Jun 09:00 PDT (America/Los_Angeles) · '
        'Wed 17 Jun 16:00 UTC">01:00–01:30 JST</time>' in page.text
    )
    assert "1 of 1" in page.text


def test_what_opens_later_is_not_offered_yet(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    stage.series(advance_days=10)
    sign_in(client, cast.researcher)

    assert re.findall(r'id="day-([\d-]+)"', client.get(PAGE).text) == ["2020-06-17", "2020-06-24"]


def test_the_page_costs_the_same_for_few_and_for_many(
    client: FlaskClient, cast: Cast, stage: Stage, statements: list[str]
) -> None:
    sign_in(client, cast.researcher)
    stage.book(stage.slots(stage.series(slots=1, count=1))[0])
    client.get(PAGE)
    statements.clear()
    client.get(PAGE)
    few = len(statements)
    slots = stage.slots(stage.series(first=stage.plan().rule.first + timedelta(days=1), slots=16, weekly_quota=9))
    for slot in slots[:5]:
        stage.book(slot)
    client.get(PAGE)
    statements.clear()

    client.get(PAGE)

    assert len(statements) == few


def test_booking_leads_to_its_page(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    scenario = cast.challenge.scenarios[1]
    sign_in(client, cast.researcher)
    form = client.get(f"{PAGE}/slots/{slot.id}")
    assert "say nothing secret here" in form.text

    answer = client.post(f"{PAGE}/slots/{slot.id}", data=wish(scenario=str(scenario.id), topic="Where is <b>it</b>?"))

    booking = the_booking(session)
    assert (answer.status_code, answer.location) == (302, f"{PAGE}/bookings/{booking.uid}")
    page = client.get(answer.location)
    assert page.status_code == 200
    assert scenario.title in page.text
    assert "<b>it</b>" not in page.text


def test_the_same_form_sent_twice_is_one_booking(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)

    answers = [client.post(f"{PAGE}/slots/{slot.id}", data=wish()) for _ in range(2)]

    assert [answer.location for answer in answers] == [f"{PAGE}/bookings/{the_booking(session).uid}"] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topic": ""}, "Say in a few words"),
        ({"topic": "x" * 121}, "121"),
        ({"scenario": "999"}, "Not a valid choice"),
    ],
)
def test_a_faulty_form_comes_back_with_what_was_typed(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, changes: dict[str, str], message: str
) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)

    answer = client.post(f"{PAGE}/slots/{slot.id}", data=wish(**{"topic": "What I typed", **changes}))

    assert answer.status_code == 422
    assert 'class="error-summary"' in answer.text
    assert changes.get("topic", "What I typed") in answer.text
    assert session.scalars(sa.select(Booking)).all() == []
    assert message in answer.text or message == "121"


def test_taken_and_used_up_are_told_with_their_status(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[0], cast.team.members[0])
    sign_in(client, cast.researcher)

    taken = client.post(f"{PAGE}/slots/{slots[0].id}", data=wish())
    booked = client.post(f"{PAGE}/slots/{slots[1].id}", data=wish())
    used_up = client.post(f"{PAGE}/slots/{slots[2].id}", data=wish(key="l" * 32))

    assert [answer.status_code for answer in (taken, booked, used_up)] == [409, 302, 422]
    assert "All seats of this slot are taken" in taken.text
    assert "are used up" in used_up.text
    overview = client.get(PAGE).text
    assert "0 of 1" in overview
    assert "All seats are taken." in overview
    assert "You already have a seat in this slot." in overview
    assert "Your bookings of this week are used up." in overview


def test_moving_offers_the_other_slots_and_moves(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slots = stage.slots(stage.series())
    uid = stage.book(slots[0]).uid
    target, own = slots[1].id, slots[0].id
    sign_in(client, cast.researcher)
    offered = client.get(f"{PAGE}/bookings/{uid}/move")
    assert f'value="{target}"' in offered.text
    assert f'value="{own}"' not in offered.text

    nothing = client.post(f"{PAGE}/bookings/{uid}/move", data={})
    moved = client.post(f"{PAGE}/bookings/{uid}/move", data={"slot": str(target)})

    assert (nothing.status_code, moved.status_code, moved.location) == (422, 302, f"{PAGE}/bookings/{uid}")
    assert (the_booking(session).slot_id, the_booking(session).sequence) == (target, 1)


def test_any_member_of_the_team_may_cancel(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    uid = stage.book(stage.slots(stage.series())[0], cast.team.members[0]).uid
    sign_in(client, cast.colleague)
    assert "Cancel the booking" in client.get(f"{PAGE}/bookings/{uid}").text

    answer = client.post(f"{PAGE}/bookings/{uid}/cancel")

    assert (answer.status_code, answer.location) == (302, PAGE)
    assert the_booking(session).state is BookingState.CANCELLED
    assert client.post(f"{PAGE}/bookings/{uid}/cancel").status_code == 422


@pytest.mark.parametrize("who", ["stranger", "applicant", "team_lead", "host", "admin"])
@pytest.mark.parametrize("path", ["", "/move", "/cancel"])
def test_other_peoples_bookings_are_not_found(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, who: str, path: str
) -> None:
    uid = stage.book(stage.slots(stage.series())[0], topic="A secret exploit chain").uid
    session.commit()
    sign_in(client, getattr(cast, who))

    answer = client.post(f"{PAGE}/bookings/{uid}{path}") if path else client.get(f"{PAGE}/bookings/{uid}")

    assert answer.status_code == 404
    assert "exploit" not in answer.text
    assert the_booking(session).state is BookingState.CONFIRMED


@pytest.mark.parametrize("path", ["", "/slots/1", "/bookings/x", "/bookings/x/move"])
def test_strangers_find_nothing_and_the_signed_out_sign_in(
    client: FlaskClient, cast: Cast, stage: Stage, path: str
) -> None:
    stage.series()
    sign_in(client, None)
    assert client.get(PAGE + path).status_code == 302
    sign_in(client, cast.stranger)
    assert client.get(PAGE + path).status_code == 404


def test_a_slot_of_another_challenge_is_not_found(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    uid = stage.book(slot).uid
    other = make_challenge(session, "other", "Other")
    make_participant(session, other, cast.stranger)
    number = slot.id
    session.commit()
    sign_in(client, cast.stranger)

    elsewhere = "/challenges/other/office-hours"
    assert client.get(f"{elsewhere}/slots/{number}").status_code == 404
    assert client.get(f"{elsewhere}/bookings/{uid}").status_code == 404
    assert client.post(f"{PAGE}/slots/{number}", data=wish()).status_code == 404


def test_office_hours_open_once_the_agreement_is_signed(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    newcomer = make_account(session, "Nils Newcomer")
    make_participant(session, cast.challenge, newcomer, signed=False)
    session.commit()
    sign_in(client, newcomer)

    answer = client.get(PAGE)

    assert answer.status_code in (302, 303, 403)
    assert "Office hours with" not in answer.text


def test_get_changes_nothing(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    uid = stage.book(stage.slots(stage.series())[0]).uid
    sign_in(client, cast.researcher)

    assert client.get(f"{PAGE}/bookings/{uid}/cancel").status_code == 405
    assert client.get(f"{PAGE}/reminders").status_code == 405
    assert client.get(f"{PAGE}/calendar", query_string={"verb": "make"}).status_code == 200
    assert session.scalars(sa.select(Feed)).all() == []
