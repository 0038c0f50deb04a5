"""A seat that is held while the form is open: on the pages, for others, and against abuse."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions.holds import TooManyHolds
from portal.office_hours.models import Booking
from portal.office_hours.rules import HOLD, Share
from portal.office_hours.states import BookingState, Source
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import Stage
from tests.office_hours.test_participant_views import PAGE, wish

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def states_of(session: Session) -> list[BookingState]:
    session.commit()
    return list(session.scalars(sa.select(Booking.state).order_by(Booking.id)))


def test_opening_the_form_holds_the_seat_and_sending_it_books_that_seat(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)
    assert f'action="{PAGE}/slots/{slot.id}/hold"' in client.get(PAGE).text
    assert states_of(session) == []

    answer = client.post(f"{PAGE}/slots/{slot.id}/hold")

    assert (answer.status_code, answer.location) == (302, f"{PAGE}/slots/{slot.id}")
    held = session.scalars(sa.select(Booking)).one()
    assert (held.state, held.hold_expires_at, held.source) == (BookingState.HELD, NOON + HOLD, Source.PAGE)
    form = client.get(answer.location).text
    assert "A seat is held for you" in form
    assert 'data-countdown="2020-06-15T12:05:00+00:00"' in form
    assert "Held for you: go on" in client.get(PAGE).text
    uid = held.uid
    session.commit()
    clock.at = NOON + 4 * MINUTE
    answer = client.post(f"{PAGE}/slots/{slot.id}", data=wish(topic="Boot"))
    assert answer.location == f"{PAGE}/bookings/{uid}"
    assert client.post(f"{PAGE}/slots/{slot.id}", data=wish(topic="Boot")).location == answer.location
    booked = session.scalars(sa.select(Booking).execution_options(populate_existing=True)).one()
    assert (booked.state, booked.topic, booked.booked_at) == (BookingState.CONFIRMED, "Boot", NOON + 4 * MINUTE)
    assert len(session.scalars(sa.select(OutgoingMail)).all()) == 2


def test_looking_at_the_form_holds_nothing(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)

    assert "No seat is held for you" in client.get(f"{PAGE}/slots/{slot.id}").text
    assert states_of(session) == []


def test_others_see_that_it_may_open_again(client: FlaskClient, cast: Cast, stage: Stage, clock: Clock) -> None:
    slot = stage.slots(stage.series(slots=1, count=1))[0]
    actions.hold_slot(stage.session, slot, cast.team.members[0], at=NOON)
    sign_in(client, cast.researcher)

    assert "Held for somebody just now; it may open again." in client.get(PAGE).text
    assert "All seats of this slot are taken" in client.get(f"{PAGE}/slots/{slot.id}").text
    # Nobody has swept it, and yet it is free.
    clock.at = NOON + HOLD
    assert "Held for somebody" not in client.get(PAGE).text
    assert "No seat is held for you" in client.get(f"{PAGE}/slots/{slot.id}").text


def test_after_the_time_sending_still_books_a_free_seat(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)
    client.post(f"{PAGE}/slots/{slot.id}/hold")
    clock.at = NOON + HOLD

    assert client.post(f"{PAGE}/slots/{slot.id}", data=wish()).status_code == 302

    assert states_of(session) == [BookingState.EXPIRED, BookingState.CONFIRMED]


def test_when_it_is_gone_the_answer_says_so_and_keeps_what_was_typed(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)
    client.post(f"{PAGE}/slots/{slot.id}/hold")
    clock.at = NOON + HOLD
    stage.book(slot, cast.team.members[0], at=NOON + HOLD)

    answer = client.post(f"{PAGE}/slots/{slot.id}", data=wish(topic="All that I typed"))

    assert answer.status_code == 409
    assert "All seats of this slot are taken. Choose another one." in answer.text
    assert 'value="All that I typed"' in answer.text
    assert states_of(session) == [BookingState.EXPIRED, BookingState.CONFIRMED]


def test_giving_the_seat_back_lets_others_have_it(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)
    client.post(f"{PAGE}/slots/{slot.id}/hold")

    for told in ("The seat is free for others again.", "No seat was held for you any more."):
        assert client.post(f"{PAGE}/slots/{slot.id}/give-back").location == PAGE
        assert told in client.get(PAGE).text
    assert states_of(session) == [BookingState.EXPIRED]
    assert stage.book(slot, cast.team.members[0]).seat_no == 1


def test_a_participant_holds_one_seat_at_a_time(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    lead, colleague = cast.team.members
    first = actions.hold_slot(session, slots[0], lead, at=NOON)

    again = actions.hold_slot(session, slots[0], colleague, at=NOON + MINUTE)
    assert (again.id, again.hold_expires_at) == (first.id, NOON + HOLD)
    second = actions.hold_slot(session, slots[1], colleague, at=NOON + 2 * MINUTE)

    session.refresh(first)
    assert (first.state, second.state) == (BookingState.EXPIRED, BookingState.HELD)


def test_a_colleague_who_sends_the_form_books_the_seat_that_is_held(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    lead, colleague = cast.team.members
    held = actions.hold_slot(session, slot, lead, at=NOON)

    booking = stage.book(slot, colleague, at=NOON + MINUTE)

    assert (booking.id, booking.account_id, booking.state) == (held.id, colleague.account_id, BookingState.CONFIRMED)


def test_booking_another_slot_leaves_the_one_that_is_held(session: Session, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    held = actions.hold_slot(session, slots[0], stage.cast.member, at=NOON)

    booking = stage.book(slots[1])

    session.refresh(held)
    assert (held.state, booking.quota_no) == (BookingState.EXPIRED, 1)


def test_a_seat_to_come_again_in_the_slot_of_an_open_form_is_outside_the_quota(
    session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    held = actions.hold_slot(session, slot, cast.member, at=NOON).id

    made = stage.book(slot, key="to-come-again", source=Source.FOLLOW_UP, by=cast.host.id)

    assert (made.id, made.state, made.source, made.quota_no) == (held, BookingState.CONFIRMED, Source.FOLLOW_UP, None)


def test_a_refusal_leaves_the_seat_held(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[1], cast.team.members[0])
    sign_in(client, cast.researcher)
    client.post(f"{PAGE}/slots/{slots[0].id}/hold")

    assert client.post(f"{PAGE}/slots/{slots[1].id}", data=wish()).status_code == 409

    assert states_of(session) == [BookingState.CONFIRMED, BookingState.HELD]


def test_an_offer_of_the_waiting_list_is_no_hold_of_a_form(session: Session, stage: Stage) -> None:
    slots = stage.slots(stage.series(weekly_quota=2))
    offer = stage.book(slots[0], hold_until=NOON + HOLD, source=Source.WAITLIST)

    actions.hold_slot(session, slots[1], stage.cast.member, at=NOON)

    session.refresh(offer)
    assert offer.state is BookingState.HELD
    assert not actions.give_hold_back(session, slots[0], stage.cast.member, at=NOON)


@pytest.mark.parametrize(("across", "times"), [(1, 3), (4, 10)])
def test_holding_without_booking_is_limited(session: Session, stage: Stage, across: int, times: int) -> None:
    slots = stage.slots(stage.series())[:across]
    member = stage.cast.member
    for number in range(times):
        slot = slots[number % across]
        actions.hold_slot(session, slot, member, at=NOON + number * SECOND)
        actions.give_hold_back(session, slot, member, at=NOON + number * SECOND)

    with pytest.raises(TooManyHolds, match=f"{times} times within an hour"):
        actions.hold_slot(session, slots[-1], member, at=NOON + MINUTE)

    assert actions.hold_slot(session, slots[-1], member, at=NOON + timedelta(hours=2)).state is BookingState.HELD


def test_whoever_may_hold_no_more_comes_to_the_form_all_the_same(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    sign_in(client, cast.researcher)
    for _ in range(3):
        client.post(f"{PAGE}/slots/{slot.id}/hold")
        client.post(f"{PAGE}/slots/{slot.id}/give-back")

    page = client.get(client.post(f"{PAGE}/slots/{slot.id}/hold").location)

    assert "You have held this seat 3 times within an hour" in page.text
    assert "Book this slot" in page.text


def test_a_hold_obeys_the_rules_of_a_booking(session: Session, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[0])

    with pytest.raises(Refused, match="used up"):
        actions.hold_slot(session, slots[1], stage.cast.member, at=NOON)


def test_the_page_of_a_held_seat_is_its_form(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    held = actions.hold_slot(session, slot, cast.member, at=NOON)
    sign_in(client, cast.researcher)

    assert client.get(f"{PAGE}/bookings/{held.uid}").location == f"{PAGE}/slots/{slot.id}"


def test_the_form_offers_what_the_hosts_know_and_the_list_marks_who_does(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    hosts = (Share(cast.host.id, components=("boot", "kernel")), Share(cast.second_host.id, components=("radio",)))
    slots = stage.slots(stage.series(hosts=hosts, slots=2, count=1))
    [kernel] = [slot for slot in slots if slot.host_id == cast.host.id]
    sign_in(client, cast.researcher)

    assert client.get(f"{PAGE}?component=kernel").text.count("knows kernel") == 1
    answer = client.post(f"{PAGE}/slots/{kernel.id}/hold", data={"component": "kernel"})
    form = client.get(answer.location).text
    options = re.findall(r'<option (selected )?value="(\w*)">', form[form.index('id="component"') :])
    assert options == [("", ""), ("", "boot"), ("selected ", "kernel"), ("", "radio")]
    client.post(f"{PAGE}/slots/{kernel.id}", data=wish(component="kernel"))
    assert session.scalars(sa.select(Booking.component)).one() == "kernel"
    assert client.post(f"{PAGE}/slots/{kernel.id}", data=wish(key="z" * 32, component="teapot")).status_code == 422


def test_what_nobody_knows_is_refused_whoever_asks(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    odd = actions.Wish("k" * 16, "Topic", component="teapot")

    with pytest.raises(Exception, match="None of the hosts has named this component"):
        actions.book_slot(session, slot, cast.member, odd, at=NOON, sender=None)

    assert queries.hold_of(session, cast.participant.id, NOON) is None
