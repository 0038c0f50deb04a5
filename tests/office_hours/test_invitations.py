"""The mails of office hours: what they say, what they carry for calendars, and where their links lead."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from uuid import RFC_4122, UUID

import icalendar
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import mail
from portal.core.db import Model
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.rules import Share
from tests.cast import NOON, Cast, sign_in
from tests.office_hours.conftest import FIRST, SENDER, Stage, local
from tests.office_hours.lines import calendar_of

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


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


def whole(client: FlaskClient, row: OutgoingMail) -> EmailMessage:
    """A mail as it arrives."""
    written = mail.message(row, client.application.extensions["portal.config"]).content
    made = message_from_bytes(written, policy=policy.default)
    assert isinstance(made, EmailMessage)
    return made


@pytest.fixture
def correspondence(
    session: Session, cast: Cast, stage: Stage, mails: Callable[[], list[OutgoingMail]]
) -> list[OutgoingMail]:
    """Every kind of mail: booked, reminded of, moved to another host, called off; another one given back late."""
    slots = stage.slots(stage.series())
    others = stage.slots(
        stage.series(hosts=(Share(cast.second_host.id),), title="At another time", first=local(2020, 6, 18, 9))
    )
    booking = stage.book(slots[0], topic="A secret exploit chain")
    actions.remind(session, at=FIRST - HOUR)
    actions.reschedule_booking(session, booking, others[0], by=cast.researcher.id, at=NOON, sender=SENDER)
    sitting = queries.sitting_of(session, cast.challenge.id, others[0].sitting_id)
    actions.cancel_sitting(session, sitting, "The host is ill.", by=cast.host.id, at=FIRST, sender=SENDER)
    late = stage.book(slots[4], at=NOON)
    actions.cancel_booking(session, late, by=cast.researcher.id, at=slots[4].starts_at - HOUR, sender=SENDER)
    return mails()


def test_every_invitation_is_to_the_letter(client: FlaskClient, correspondence: list[OutgoingMail]) -> None:
    last: dict[tuple[str, str], int] = {}
    methods = []
    for row in correspondence:
        made = whole(client, row)
        parts = {part.get_content_type(): part for part in made.walk()}
        if "text/calendar" not in parts:
            assert row.template == "office_hours/reminder"
            continue
        part, attached = parts["text/calendar"], parts["application/ics"]
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        assert attached.get_payload(decode=True) == octets
        calendar = calendar_of(octets)
        (event,) = calendar.parts
        method = calendar.one("METHOD").value
        methods.append((row.template.removeprefix("office_hours/"), method, event.one("STATUS").value))
        assert (part.get_param("method"), part.get_param("component")) == (method, event.name)
        assert event.one("ORGANIZER").value == f"mailto:{parseaddr(str(made['From']))[1]}"
        assert event.one("ATTENDEE").value == f"mailto:{made['To']}"
        assert event.one("DTSTAMP").instant == event.one("LAST-MODIFIED").instant
        assert event.one("SUMMARY").text == "Office hours"
        # What a calendar program compares: within one calendar, each message of a meeting outdoes the one before.
        place, sequence = (str(made["To"]), event.one("UID").text), int(event.one("SEQUENCE").value)
        assert sequence > last.get(place, -1)
        last[place] = sequence
    assert methods == [
        ("booked", "REQUEST", "CONFIRMED"), ("booked", "REQUEST", "CONFIRMED"),
        ("moved", "REQUEST", "CONFIRMED"), ("moved", "REQUEST", "CONFIRMED"), ("released", "CANCEL", "CANCELLED"),
        ("cancelled", "CANCEL", "CANCELLED"), ("cancelled", "CANCEL", "CANCELLED"),
        ("booked", "REQUEST", "CONFIRMED"), ("booked", "REQUEST", "CONFIRMED"),
        ("cancelled", "CANCEL", "CANCELLED"), ("cancelled", "CANCEL", "CANCELLED"),
    ]  # fmt: skip


def everything(session: Session) -> dict[str, list[Any]]:
    """All rows of all tables."""
    session.commit()
    tables = Model.metadata.sorted_tables
    return {table.name: sorted(map(repr, session.execute(sa.select(table)).all())) for table in tables}


def test_no_link_of_any_mail_changes_anything(
    client: FlaskClient, session: Session, cast: Cast, correspondence: list[OutgoingMail]
) -> None:
    """Virus scanners follow links, signed in as nobody; people do, signed in: a page opens, and a POST acts."""
    people: dict[str, Account] = {each.email: each for each in (cast.researcher, cast.host, cast.second_host)}
    before, seen = everything(session), set()
    for row in correspondence:
        made = whole(client, row)
        texts = [
            part.get_content().replace("\r\n ", "") for part in made.walk() if part.get_content_maintype() == "text"
        ]
        unfolded = "\n".join(texts).replace("\r\n ", "")
        links = {link.rstrip(".") for link in re.findall(r"http://localhost(/[^\s\"<>\\]*)", unfolded)}
        assert links
        for link in sorted(links):
            for method, who in (("HEAD", None), ("GET", None), ("HEAD", people[row.to]), ("GET", people[row.to])):
                sign_in(client, who)
                answer = client.open(link, method=method)
                assert answer.status_code == (200 if who else 302), (row.template, link)
                seen.add((row.template, method, who is None))

    assert everything(session) == before
    assert {template for template, _, _ in seen} == {
        f"office_hours/{name}" for name in ("booked", "moved", "released", "cancelled", "reminder")
    }


def test_a_booking_keeps_its_uid_and_no_other_portal_has_it(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series(weekly_quota=2))
    first, second = stage.book(slots[0]), stage.book(slots[4])

    moved = actions.reschedule_booking(session, first, slots[1], by=cast.researcher.id, at=NOON, sender=SENDER)

    uids = [UUID(booking.uid) for booking in (moved, second)]
    assert moved.uid == first.uid
    assert [(uid.version, uid.variant) for uid in uids] == [(4, RFC_4122)] * 2
    assert uids[0] != uids[1]


@pytest.mark.parametrize("name", ["Ünïcode \r\nBcc: x@y", "a;b,c:d\\n", "\u2028", "<b>&amp;"])
def test_names_and_topics_reach_no_calendar(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, mails: Callable[[], list[OutgoingMail]], name: str
) -> None:
    cast.researcher.name = cast.host.name = name
    booking = stage.book(stage.slots(stage.series())[0], topic=name)

    for row in mails():
        octets = str(row.calendar_text).encode()
        assert calendar_of(octets).parts[0].one("UID").text == booking.uid
        assert name.encode() not in octets
        assert whole(client, row)["Bcc"] is None


def test_every_host_of_a_slot_is_told_and_reminded(
    session: Session, cast: Cast, stage: Stage, mails: Callable[[], list[OutgoingMail]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("portal.office_hours.actions.mails.hosts_of", lambda slot: [slot.host, cast.second_host])
    booking = stage.book(stage.slots(stage.series())[0])
    actions.remind(session, at=FIRST - HOUR)
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=FIRST - HOUR / 2, sender=SENDER)

    told = [(row.template.removeprefix("office_hours/"), row.to) for row in mails()]

    people = (cast.researcher.email, cast.host.email, cast.second_host.email)
    assert told == [(news, person) for news in ("booked", "reminder", "cancelled") for person in people]
    for row in mails():
        if row.calendar_text:
            (attendee,) = calendar_of(row.calendar_text.encode()).parts[0].all("ATTENDEE")
            assert attendee.value == f"mailto:{row.to}"
