"""Feeds: who reads what under which address, and for how long."""

import logging
import re
from datetime import timedelta
from pathlib import Path

import icalendar
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.states import ParticipantState
from portal.core.audit import AuditEntry
from portal.office_hours import actions
from portal.office_hours.models import Feed, ReminderChoice
from portal.office_hours.rules import Share
from portal.office_hours.states import FeedScope
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.faults.stage import backstage
from tests.office_hours.conftest import FIRST, SENDER, Stage, local
from tests.office_hours.lines import calendar_of

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


def new_address(client: FlaskClient, account: Account, page: str = PAGE, which: str = "calendar") -> str:
    sign_in(client, account)
    answer = client.post(f"{page}/{which}", data={"verb": "make"})
    assert answer.status_code == 200
    found = re.search(r"http://localhost(/calendars/[\w-]{43}\.ics)", answer.text)
    assert found
    sign_in(client, None)
    return found[1]


def uids(client: FlaskClient, address: str) -> list[str]:
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    return [str(event["UID"]) for event in icalendar.Calendar.from_ical(answer.data).walk("VEVENT")]


def test_a_feed_tells_ones_own_bookings_without_signing_in(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slots = stage.slots(stage.series())
    mine, theirs = stage.book(slots[0]).uid, stage.book(slots[1], cast.team.members[0]).uid

    assert uids(client, new_address(client, cast.researcher)) == [mine]
    assert uids(client, new_address(client, cast.colleague)) == [theirs]
    assert uids(client, new_address(client, cast.host, STAFF)) == [mine, theirs]
    assert uids(client, new_address(client, cast.second_host, STAFF)) == []


def test_what_has_not_changed_is_not_sent_again(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    booking = stage.book(stage.slots(stage.series())[0], topic="A secret exploit chain")
    address = new_address(client, cast.researcher)
    first = client.get(address)
    tag = first.headers["ETag"]
    clock.tick(minutes=30)

    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=clock.at, sender=SENDER)
    changed = client.get(address, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)
    assert "exploit" not in first.text
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Referrer-Policy"] == "no-referrer"


def test_a_new_address_replaces_the_old_one_and_can_be_withdrawn(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    old, new = new_address(client, cast.researcher), new_address(client, cast.researcher)
    assert [client.get(address).status_code for address in (old, new)] == [404, 200]
    sign_in(client, cast.researcher)

    assert client.post(f"{PAGE}/calendar", data={"verb": "revoke"}).status_code == 302

    assert client.get(new).status_code == 404
    assert client.get("/calendars/guessed.ics").status_code == 404
    hashes = session.scalars(sa.select(Feed.token_hash)).all()
    assert new.removeprefix("/calendars/").removesuffix(".ics") not in str(hashes)


def test_the_feed_of_an_account_that_is_gone_is_gone(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    address = new_address(client, cast.researcher)
    cast.researcher.active = False
    session.commit()

    assert client.get(address).status_code == 404


def test_a_feed_leads_colleagues_to_their_own_page(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0], cast.team.members[0])
    colleague = cast.team.members[1].account

    answer = client.get(new_address(client, colleague))

    (event,) = calendar_of(answer.data).parts
    assert event.one("URL").value == f"http://localhost{PAGE}/bookings/{booking.uid}"


def test_who_was_removed_reads_nothing_more(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])
    address = new_address(client, cast.researcher)
    cast.participant.state, cast.participant.removed_at = ParticipantState.REMOVED, NOON

    assert uids(client, address) == []


def test_a_moved_booking_is_the_same_event_and_a_cancelled_one_is_gone(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slots = stage.slots(stage.series())
    booking, address = stage.book(slots[0]), new_address(client, cast.researcher)
    (first,) = calendar_of(client.get(address).data).parts

    booking = actions.reschedule_booking(session, booking, slots[1], by=cast.researcher.id, at=NOON, sender=SENDER)

    (moved,) = calendar_of(client.get(address).data).parts
    assert moved.one("UID").text == first.one("UID").text == booking.uid
    assert [int(event.one("SEQUENCE").value) for event in (first, moved)] == [0, 1]
    assert moved.one("DTSTART").instant - first.one("DTSTART").instant == HOUR / 2
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=NOON, sender=SENDER)
    assert uids(client, address) == []


def test_a_head_tells_as_much_as_a_get_without_the_calendar(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])
    address = new_address(client, cast.researcher)

    whole, head = client.get(address), client.head(address)

    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
        assert head.headers[name] == whole.headers[name]
    assert whole.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert client.head(address, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert client.post(address).status_code == 405


def busy(client: FlaskClient, address: str) -> list[tuple[float, float]]:
    """Begin and end of each busy time, in hours after FIRST."""
    return [
        tuple((event.one(name).instant - FIRST) / HOUR for name in ("DTSTART", "DTEND"))  # type: ignore[misc]
        for event in calendar_of(client.get(address).data).parts
    ]


def test_busy_times_are_those_of_all_hosts_without_names(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series(count=1, buffer_before=15)
    stage.series(
        title="Other half", hosts=(Share(cast.second_host.id),), first=local(2020, 6, 17, 10), count=2, slots=6
    )
    stage.book(stage.slots(series)[0])
    address = new_address(client, cast.lead, STAFF, "busy-calendar")

    answer = client.get(address)

    assert busy(client, address) == [(-0.25, 4), (7 * 24 + 1, 7 * 24 + 4)]
    assert calendar_of(answer.data).one("NAME").text == "Test Challenge: busy times"
    for secret in (cast.host.name, cast.second_host.name, cast.host.email, "kernel", "ATTENDEE"):
        assert secret not in answer.text
    assert "SUMMARY:Busy" in answer.text
    assert client.get(address).data == answer.data


def test_busy_times_follow_what_happens(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series(count=2)
    address = new_address(client, cast.lead, STAFF, "busy-calendar")
    tag = client.get(address).headers["ETag"]
    slots = stage.slots(series)
    stage.book(slots[0])
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304  # whether one is booked does not show

    actions.cancel_sitting(session, slots[0].sitting, "Ill.", by=cast.host.id, at=NOON, sender=SENDER)

    assert busy(client, address) == [(7 * 24, 7 * 24 + 2)]


def test_the_address_of_busy_times_is_the_challenges(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.series()
    old = new_address(client, cast.lead, STAFF, "busy-calendar")
    new = new_address(client, cast.lead, STAFF, "busy-calendar")
    assert [client.get(address).status_code for address in (old, new)] == [404, 200]
    cast.lead.active = False
    session.commit()
    assert client.get(new).status_code == 200
    cast.lead.active = True
    sign_in(client, cast.lead)

    assert client.post(f"{STAFF}/busy-calendar", data={"verb": "revoke"}).headers["Location"] == f"{STAFF}/calendar"

    assert client.get(new).status_code == 404
    noted = sa.select(AuditEntry.tag, AuditEntry.scope).where(AuditEntry.tag.like("office_hours:%-feed"))
    assert session.execute(noted.order_by(AuditEntry.id)).all() == [
        ("office_hours:open-feed", "test-challenge"), ("office_hours:open-feed", "test-challenge"),
        ("office_hours:revoke-feed", "test-challenge"),
    ]  # fmt: skip


def test_the_database_refuses_busy_times_of_nothing(session: Session, cast: Cast) -> None:
    session.add(Feed(account_id=cast.lead.id, scope=FeedScope.BUSY, token_hash="0" * 64, created_at=NOON))

    with pytest.raises(sa.exc.IntegrityError, match="busy_of_a_challenge"):
        session.flush()


def test_no_token_is_ever_logged(
    client: FlaskClient, cast: Cast, stage: Stage, caplog: pytest.LogCaptureFixture, app: Flask
) -> None:
    address = new_address(client, cast.researcher)
    token = address.removeprefix("/calendars/").removesuffix(".ics")
    with caplog.at_level(logging.DEBUG):
        for method in ("GET", "HEAD", "POST"):
            client.open(address, method=method)
        client.get(address.replace(token, f"{token}x"))
        with app.test_request_context(address):
            try:
                raise RuntimeError("something broke")
            except RuntimeError as problem:
                app.log_exception((RuntimeError, problem, problem.__traceback__))

    told = [str(record.msg) + record.getMessage() for record in caplog.records]
    assert sum("/calendars/…" in line for line in told) == 5
    assert not any(token in line for line in told)
    assert "something broke" in caplog.text


def test_who_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    """In an application of its own: those of the other tests count nothing."""
    with backstage("sqlite", tmp_path) as behind:
        client = behind.app.test_client()

        answers = [client.get("/calendars/guessed.ics") for _ in range(121)]

    assert [answer.status_code for answer in answers] == [404] * 120 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize(("page", "who"), [(PAGE, "researcher"), (STAFF, "host")])
def test_reminders_are_chosen_on_a_page(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, page: str, who: str
) -> None:
    account: Account = getattr(cast, who)
    sign_in(client, account)
    assert re.findall(r'checked [^>]*value="(\w+)"', client.get(f"{page}/calendar").text) == ["day", "hour"]

    for names in (["quarter"], ["day", "quarter"], []):
        answer = client.post(f"{page}/reminders", data={"before": names})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{page}/calendar")
        assert re.findall(r'checked [^>]*value="(\w+)"', client.get(f"{page}/calendar").text) == names

    assert client.post(f"{page}/reminders", data={"before": ["day", "never"]}).status_code == 422
    session.expire_all()
    assert session.get_one(ReminderChoice, account.id).offsets == frozenset()


def test_each_sees_what_is_theirs(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    shown = {}
    for name in ("lead", "host", "admin"):
        sign_in(client, getattr(cast, name))
        shown[name] = re.findall(rf'action="{STAFF}/([\w-]+)"', client.get(f"{STAFF}/calendar").text)

    assert shown == {"lead": ["busy-calendar"], "host": ["calendar", "reminders"], "admin": []}
