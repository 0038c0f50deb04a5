"""Feeds, and the mails with their invitations."""

import re
from datetime import timedelta
from email import message_from_bytes, policy

import icalendar
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import mail
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.models import Feed
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, SENDER, Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


def new_address(client: FlaskClient, account: Account, page: str = PAGE) -> str:
    sign_in(client, account)
    answer = client.post(f"{page}/calendar", data={"verb": "make"})
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


def test_every_mail_reads_well(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    booking = stage.book(slots[0], topic="A secret exploit chain")
    booking = actions.reschedule_booking(session, booking, slots[1], by=cast.researcher.id, at=NOON, sender=SENDER)
    actions.remind(session, at=FIRST - HOUR / 2)
    sitting = queries.sitting_of(session, cast.challenge.id, slots[0].sitting_id)
    actions.cancel_sitting(session, sitting, "The host is ill.", by=cast.host.id, at=FIRST - HOUR, sender=SENDER)
    session.commit()
    mails = list(session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id)))

    texts = [mail.render(each) for each in mails]

    assert [subject for subject, _, _ in texts[::2]] == [
        "Office hours: booked", "Office hours: new time", "Office hours: in 1 hour", "Office hours: cancelled",
    ]  # fmt: skip
    for _, text, html in texts:
        assert text.count("http://localhost/") == 1
        assert "2020, 1" in text
        assert "!" not in text
        assert "exploit" not in text + html
    assert f"http://localhost{PAGE}/bookings/{booking.uid}\n" in texts[0][1]
    assert f"http://localhost{STAFF}/sessions/{sitting.id}\n" in texts[1][1]
    assert "Reason: The host is ill." in texts[-1][1]


def test_a_mail_carries_the_invitation_as_calendars_expect_it(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.book(stage.slots(stage.series())[0])
    [first, _] = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))

    written = mail.message(first, client.application.extensions["portal.config"]).content
    made = message_from_bytes(written, policy=policy.default)

    part = next(part for part in made.walk() if part.get_content_type() == "text/calendar")
    event = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")[0]
    assert part.get_param("method") == "REQUEST"
    assert event["ATTENDEE"] == f"mailto:{cast.researcher.email}"
    assert [part.get_filename() for part in made.iter_attachments()] == ["invite.ics"]
