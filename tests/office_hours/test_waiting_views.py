"""The pages of the waiting list, for those who wait and for the staff."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.office_hours.models import Booking, Waiter
from portal.office_hours.rules.waiting import KEPT
from portal.office_hours.states import BookingState, WaiterState
from tests.cast import Cast, sign_in
from tests.office_hours.conftest import Stage
from tests.office_hours.queueing import Queue

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


@pytest.fixture
def queue(stage: Stage) -> Queue:
    """A full session."""
    return Queue(stage)


def the_waiter(session: Session) -> Waiter:
    return session.scalars(sa.select(Waiter).execution_options(populate_existing=True)).one()


def test_a_full_slot_leads_to_the_list_and_the_list_to_a_seat(
    client: FlaskClient, session: Session, cast: Cast, queue: Queue
) -> None:
    sign_in(client, cast.researcher)
    assert "All seats are taken." in client.get(PAGE).text
    way = f"{PAGE}/sessions/{queue.sitting_id}/wait"
    assert way in client.get(PAGE).text
    assert client.get(way).status_code == 200

    assert client.post(way, data={"topic": "Booting", "scenario": "0"}).location == f"{PAGE}/waiting"

    page = client.get(f"{PAGE}/waiting")
    assert "You are on the list." in page.text
    assert "You are next." in page.text
    assert "You wait for it" in client.get(PAGE).text

    queue.free()
    queue.tick()
    uid = queue.offer(the_waiter(session)).booking.uid
    page = client.get(f"{PAGE}/offers/{uid}")
    assert "A seat is kept for you" in page.text
    assert "Monday 15 June 2020, 17:00 (Europe/Berlin)" in page.text
    assert "A seat is kept for you" in client.get(f"{PAGE}/waiting").text

    assert client.get(f"{PAGE}/bookings/{uid}").location == f"{PAGE}/offers/{uid}"
    assert "Take the seat that is kept for you, or let it go" in client.get("/home").text

    taken = client.post(f"{PAGE}/offers/{uid}/take")
    assert taken.location == f"{PAGE}/bookings/{uid}"
    assert the_waiter(session).state is WaiterState.SERVED
    assert "It has been answered" in client.get(f"{PAGE}/offers/{uid}").text


def test_looking_at_an_offer_changes_nothing(client: FlaskClient, session: Session, cast: Cast, queue: Queue) -> None:
    waiter = queue.join(cast.member)
    queue.free()
    queue.tick()
    uid = queue.offer(waiter).booking.uid
    sign_in(client, cast.researcher)

    assert client.get(f"{PAGE}/offers/{uid}/take").status_code == 405
    assert client.post(f"{PAGE}/offers/{uid}/eat").status_code == 404
    assert queue.held() == [cast.researcher.name]


@pytest.mark.parametrize(("verb", "state"), [("leave", WaiterState.LEFT), ("wait-on", WaiterState.WAITING)])
def test_letting_a_seat_go_offers_it_to_the_next_one_at_once(
    client: FlaskClient, cast: Cast, queue: Queue, verb: str, state: WaiterState
) -> None:
    waiter = queue.join(cast.member)
    queue.join("Ben", at=waiter.joined_at + HOUR)
    queue.free()
    queue.tick()
    sign_in(client, cast.researcher)

    client.post(f"{PAGE}/offers/{queue.offer(waiter).booking.uid}/{verb}")

    assert queue.state(waiter) is state
    assert queue.held() == ["Ben"]


def test_cancelling_offers_the_seat_at_once(client: FlaskClient, session: Session, stage: Stage, cast: Cast) -> None:
    booking = stage.book(stage.slots(stage.series(slots=1))[0])
    session.commit()
    uid, sitting_id = booking.uid, booking.slot.sitting_id
    queue = Queue.__new__(Queue)
    queue.stage, queue.session, queue.sitting_id = stage, session, sitting_id
    queue.join("Ann")
    sign_in(client, cast.researcher)

    client.post(f"{PAGE}/bookings/{uid}/cancel")

    assert queue.held() == ["Ann"]


def test_standings_name_nobody(client: FlaskClient, cast: Cast, queue: Queue) -> None:
    queue.join("Ann Other")
    queue.join(cast.member, at=queue.slots[0].starts_at - 40 * HOUR)
    sign_in(client, cast.researcher)

    page = client.get(f"{PAGE}/waiting").text

    assert "One comes before you." in page
    assert "Ann Other" not in page


def test_a_bad_form_keeps_what_was_typed(client: FlaskClient, cast: Cast, queue: Queue) -> None:
    sign_in(client, cast.researcher)

    answer = client.post(f"{PAGE}/sessions/{queue.sitting_id}/wait", data={"topic": "", "scenario": "0", "slots": "x"})

    assert answer.status_code == 422
    assert "Say in a few words what you want to talk about." in answer.text


def test_leaving_by_the_page(client: FlaskClient, session: Session, cast: Cast, queue: Queue) -> None:
    waiter = queue.join(cast.member)
    sign_in(client, cast.researcher)

    client.post(f"{PAGE}/waiting/{waiter.id}/leave")

    assert "You wait for nothing" in client.get(f"{PAGE}/waiting").text
    assert queue.state(waiter) is WaiterState.LEFT


def test_a_slot_that_others_wait_for_has_no_button(client: FlaskClient, cast: Cast, queue: Queue) -> None:
    queue.join("Ann")
    queue.free()
    sign_in(client, cast.researcher)

    page = client.get(PAGE).text

    assert "Others wait for it, and are asked first." in page
    slot_id = queue.slots[0].id
    assert f"/slots/{slot_id}/hold" not in page
    assert KEPT in client.post(f"{PAGE}/slots/{slot_id}/hold").text


def test_staff_see_who_waits_and_a_lead_offers_out_of_turn(
    client: FlaskClient, session: Session, cast: Cast, queue: Queue
) -> None:
    queue.join("Ann")
    second = queue.join("Ben", at=queue.slots[0].starts_at - 40 * HOUR)
    queue.free()
    sign_in(client, cast.lead)

    page = client.get(f"{STAFF}/waiting").text
    assert re.findall(r'data-label="Participant"><span>(\w+)', page) == ["Ann", "Ben"]
    answer = client.post(f"{STAFF}/waiting/{second.id}/offer", data={"slot": str(queue.slots[0].id)})

    assert answer.status_code == 302
    assert queue.held() == ["Ben"]
    assert "until" in client.get(f"{STAFF}/waiting").text
    assert client.post(f"{STAFF}/waiting/{second.id}/offer", data={"slot": "999999"}).status_code == 404


def test_hosts_see_the_list_without_the_button(client: FlaskClient, cast: Cast, queue: Queue) -> None:
    queue.join("Ann")
    queue.free()
    sign_in(client, cast.host)

    page = client.get(f"{STAFF}/waiting").text

    assert "Ann" in page
    assert "Offer it now" not in page


def test_an_empty_list_says_so(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.lead)

    assert "Nobody waits" in client.get(f"{STAFF}/waiting").text
    assert session.scalars(sa.select(Booking).where(Booking.state == BookingState.HELD)).all() == []
