"""Staff book, move and cancel for participants, and forgive."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, states
from portal.office_hours.models import Booking, Slot
from portal.office_hours.queries.strikes import strikes_of
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState, Source
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, SENDER, Stage

STAFF, PAGE = "/staff/test-challenge/office-hours", "/challenges/test-challenge/office-hours"
HOUR = timedelta(hours=1)


def form_for(cast: Cast, slot: Slot) -> dict[str, str]:
    return {"key": "s" * 32, "person": str(cast.member.id), "slot": str(slot.id), "topic": "Boot log",
            "scenario": "0", "component": "", "reason": ""}  # fmt: skip


def the_booking(session: Session) -> Booking:
    session.commit()
    return session.scalars(sa.select(Booking).execution_options(populate_existing=True)).one()


def mail_to(session: Session, address: str, news: str) -> OutgoingMail:
    rows = sa.select(OutgoingMail).where(OutgoingMail.to == address, OutgoingMail.template == f"office_hours/{news}")
    return session.scalars(rows.order_by(OutgoingMail.id.desc()).limit(1)).one()


@pytest.mark.parametrize("who", ["lead", "host"])
def test_staff_book_and_the_participant_learns_who_did_it(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, who: str
) -> None:
    slot, person = stage.slots(stage.series())[0], getattr(cast, who)
    sign_in(client, person)
    assert client.get(f"{STAFF}/bookings/new?slot={slot.id}").status_code == 200

    answer = client.post(f"{STAFF}/bookings/new", data=form_for(cast, slot))

    made = the_booking(session)
    assert answer.location == f"{STAFF}/bookings/{made.uid}"
    assert (made.source, made.account_id, made.booked_by_id) == (Source.STAFF, cast.researcher.id, person.id)
    assert mail_to(session, cast.researcher.email, "booked").context["actor"] == person.name
    assert client.post(f"{STAFF}/bookings/new", data=form_for(cast, slot)).location == answer.location
    assert cast.participant.name in client.get(f"{STAFF}/bookings").text
    assert "Boot log" in client.get(answer.location).text


@pytest.mark.parametrize(
    ("at", "changes", "status", "told"),
    [
        (FIRST - HOUR, {}, 422, "It closed 2 hours before its beginning."),
        (FIRST - HOUR, {"reason": "The kit arrived today"}, 302, ""),
        (NOON, {"topic": ""}, 422, "Say in a few words what it is about."),
        (NOON, {"person": "999"}, 422, "Not a valid choice."),
        (NOON, {"slot": "0"}, 422, "Choose a slot."),
        (NOON, {"slot": "999"}, 404, "There is no such slot here."),
    ],
)
def test_notice_is_overruled_with_a_reason_only(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock, at: object,
    changes: dict[str, str], status: int, told: str,
) -> None:  # fmt: skip
    slot = stage.slots(stage.series())[0]
    clock.at = at  # type: ignore[assignment]
    sign_in(client, cast.lead)

    answer = client.post(f"{STAFF}/bookings/new", data={**form_for(cast, slot), **changes})

    assert answer.status_code == status
    assert told in answer.text
    session.commit()
    reasons = [
        entry.detail.get("reason")
        for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
        if "book" in entry.tag
    ]
    assert reasons == ([changes["reason"]] if status == 302 else [])


def test_neither_seat_nor_overlap_nor_quota_can_be_overruled(session: Session, cast: Cast, stage: Stage) -> None:
    slots, day_after = stage.slots(stage.series(weekly_quota=2)), stage.slots(stage.series(hosts=(
        Share(cast.second_host.id),), weekly_quota=2))  # fmt: skip
    told = {"at": NOON, "source": Source.STAFF, "by": cast.lead.id, "overrule": "Because"}
    stage.book(slots[0])
    stage.book(slots[1], cast.team.members[0])

    with pytest.raises(Conflict, match="All seats"):
        stage.book(slots[1], **told)
    with pytest.raises(Refused, match="already have a booking at that time"):
        stage.book(day_after[0], **told)
    stage.book(slots[2], **told)
    with pytest.raises(Refused, match="used up"):
        stage.book(slots[3], **told)


def test_a_host_books_into_their_own_slots_and_sees_their_own_bookings(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slots = stage.slots(stage.series())
    made = stage.book(slots[1])
    sign_in(client, cast.second_host)

    assert client.post(f"{STAFF}/bookings/new", data=form_for(cast, slots[0])).status_code == 404
    assert cast.participant.name not in client.get(f"{STAFF}/bookings").text
    assert client.get(f"{STAFF}/bookings/{made.uid}").status_code == 404
    assert client.post(f"{STAFF}/bookings/{made.uid}/cancel").status_code == 404
    assert client.post(f"{STAFF}/bookings/{made.uid}/move").status_code == 404


def test_the_lead_does_not_see_what_a_booking_is_about(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    made = stage.book(stage.slots(stage.series())[0], topic="An exploit chain")
    sign_in(client, cast.lead)

    page = client.get(f"{STAFF}/bookings/{made.uid}")

    assert cast.participant.name in page.text
    assert "exploit" not in page.text


def test_staff_move_and_the_old_seat_stays_where_the_new_one_is_gone(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slots = stage.slots(stage.series())
    made, uid = stage.book(slots[0]), ""
    uid, address = made.uid, f"{STAFF}/bookings/{made.uid}/move"
    clock.at = FIRST - 3 * HOUR
    sign_in(client, cast.lead)

    late = client.post(address, data={"slot": str(slots[1].id)})
    assert (late.status_code, "until 12 hours before they begin" in late.text) == (422, True)
    moved = client.post(address, data={"slot": str(slots[1].id), "reason": "The host asked"})

    assert moved.status_code == 302
    found = the_booking(session)
    assert (found.uid, found.sequence, found.slot_id) == (uid, 1, slots[1].id)
    assert mail_to(session, cast.researcher.email, "moved").context["actor"] == cast.lead.name


@pytest.mark.parametrize(
    ("whose", "state"), [("theirs", BookingState.LATE_CANCELLED), ("hosts", BookingState.CANCELLED)]
)
def test_staff_cancel_on_their_or_on_the_hosts_account(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock, whose: str, state: BookingState
) -> None:
    made = stage.book(stage.slots(stage.series())[0])
    clock.at = FIRST - 3 * HOUR
    sign_in(client, cast.host)
    address = f"{STAFF}/bookings/{made.uid}/cancel"
    assert client.post(address, data={"whose": whose, "reason": ""}).status_code == 422

    client.post(address, data={"whose": whose, "reason": "Ill"})

    assert the_booking(session).state is state
    mail = mail_to(session, cast.researcher.email, "cancelled")
    assert (mail.context["actor"], mail.context["reason"], mail.context["credit"]) == (
        cast.host.name, "Ill", whose == "hosts",
    )  # fmt: skip
    assert f"{cast.host.name} cancelled it." in "".join(render(mail))


def test_a_strike_is_forgiven_once_with_a_reason_and_told(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    made = stage.book(stage.slots(stage.series())[0])
    actions.mark_booking(session, made, states.MISS, by=cast.host.id, at=FIRST + HOUR)
    clock.at = FIRST + HOUR
    sign_in(client, cast.host)
    assert cast.participant.name in client.get(f"{STAFF}/strikes").text
    address = f"{STAFF}/bookings/{made.uid}/forgive"
    assert client.post(address, data={"reason": ""}).status_code == 422

    assert client.post(address, data={"reason": "Power cut"}).location == f"{STAFF}/strikes"

    session.commit()
    assert strikes_of(session, cast.challenge.id, FIRST + HOUR) == {}
    assert mail_to(session, cast.researcher.email, "forgiven").context["reason"] == "Power cut"
    entry = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.tag, entry.actor_id, entry.detail["reason"]) == (
        "office_hours:forgive-strike", cast.host.id, "Power cut",
    )  # fmt: skip
    again = client.post(address, data={"reason": "Power cut"})
    assert (again.status_code, "There is no strike to forgive" in again.text) == (422, True)
    sign_in(client, cast.second_host)
    assert cast.participant.name not in client.get(f"{STAFF}/strikes").text
    sign_in(client, cast.researcher)
    assert "Forgiven: Power cut" in client.get(PAGE).text


def test_all_strikes_of_a_session_are_forgiven_even_those_marked_later(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slots = stage.slots(stage.series())
    missed, later = stage.book(slots[0]), stage.book(slots[1], cast.team.members[0])
    actions.mark_booking(session, missed, states.MISS, by=cast.host.id, at=FIRST + HOUR)
    sitting_id = slots[0].sitting_id
    address = f"{STAFF}/sessions/{sitting_id}/forgive"
    sign_in(client, cast.lead)
    assert client.post(address, data={"reason": "Outage"}).status_code == 422  # it has not begun
    clock.at = FIRST + HOUR
    sign_in(client, cast.second_host)
    assert client.post(address, data={"reason": "Outage"}).status_code == 403
    sign_in(client, cast.lead)
    assert "Forgive all strikes" in client.get(f"{STAFF}/sessions/{sitting_id}").text

    client.post(address, data={"reason": "Outage"})

    session.commit()
    actions.mark_booking(session, later, states.MISS, by=cast.host.id, at=FIRST + HOUR)
    assert strikes_of(session, cast.challenge.id, FIRST + HOUR) == {}
    assert "Nobody’s absence counts" in client.get(f"{STAFF}/sessions/{sitting_id}").text
    told = session.scalars(sa.select(OutgoingMail.to).where(OutgoingMail.template == "office_hours/forgiven")).all()
    assert told == [cast.researcher.email]
    assert client.post(address, data={"reason": "Outage"}).status_code == 409


def test_with_two_strikes_the_page_says_until_when(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    series = stage.series()
    for week in range(2):
        made = stage.book(stage.slots(series)[4 * week])
        actions.mark_booking(session, made, states.MISS, by=cast.host.id, at=made.ends_at)
    clock.at = FIRST + timedelta(weeks=1, hours=1)
    third, fourth = stage.slots(series)[8], stage.slots(series)[9]
    session.commit()
    sign_in(client, cast.researcher)

    page = client.get(PAGE).text

    assert "You can book late only" in page
    assert "After 2 missed bookings, until" in page
    assert "Wed 15 Jul 2020, 18:00 CEST" in page
    assert "For you it opens 2 days before." in page
    with pytest.raises(Refused, match="After 2 missed bookings"):
        stage.book(third, at=clock.at)
    assert stage.book(third, at=third.starts_at - 48 * HOUR).state is BookingState.CONFIRMED
    with pytest.raises(Refused, match="used up"):
        stage.book(fourth, at=third.starts_at - 47 * HOUR)


def test_moving_obeys_the_cap_and_keeps_the_old_seat(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series(rolling_cap=1, advance_days=56)
    slots = stage.slots(series)
    stage.book(slots[0])
    far = stage.book(slots[16])  # four weeks later

    with pytest.raises(Refused, match="At most 1 seat in any 4 weeks"):
        actions.reschedule_booking(session, far, slots[12], by=cast.researcher.id, at=NOON, sender=SENDER)

    session.refresh(far)
    assert (far.slot_id, far.sequence) == (slots[16].id, 0)
    assert actions.reschedule_booking(session, far, slots[17], by=cast.researcher.id, at=NOON, sender=SENDER).sequence
