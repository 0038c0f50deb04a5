"""Who is told what by mail, and when: as chosen, once, and only while it is true."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core import outbox
from portal.core.mail import render
from portal.core.outbox import MailState, OutgoingMail
from portal.kits import actions
from portal.kits.actions import Scan, mailing
from portal.kits.jobs import remind
from portal.kits.models import SentReminder, Shipment
from portal.kits.queries import mailing as queries
from portal.kits.rules.mails import NEWS, ONLY_WHILE, TOPIC_OF, TOPICS, wants
from portal.kits.states import ShipmentState
from portal.kits.states.mails import Topic
from tests.cast import NOON, Cast, sign_in
from tests.kits.conftest import BERLIN, HOUR, Afterwards, Bench

S = ShipmentState
KIT = "/challenges/test-challenge/kit"
DAY = timedelta(days=1)
Mails = Callable[[], list[OutgoingMail]]


def scan(session: Session, parcel: Shipment, *stations: ShipmentState) -> None:
    for number, status in enumerate(stations, 1):
        news = Scan("dhl", f"{parcel.id}-{number}", status, NOON + number * HOUR)
        actions.note_scan(session, parcel, news, by=None, at=NOON + DAY)


def test_every_mail_has_a_topic_and_every_topic_words() -> None:
    assert set(NEWS.values()) | set(ONLY_WHILE) <= set(TOPIC_OF)
    assert set(TOPIC_OF.values()) == set(Topic) == set(TOPICS)


@pytest.mark.parametrize(("topic", "leads", "chosen", "told"), [
    (Topic.ADDRESS, True, False, True), (Topic.ADDRESS, False, None, False), (Topic.ADDRESS, False, True, True),
    (Topic.OUT, True, None, False), (Topic.OUT, True, True, True), (Topic.DELIVERED, True, None, True),
    (Topic.DELIVERED, True, False, False), (Topic.DELIVERED, False, None, False),
])  # fmt: skip
def test_who_wants_what(topic: Topic, leads: bool, chosen: bool | None, told: bool) -> None:
    assert wants(topic, leads=leads, chosen=chosen) is told


def test_each_step_that_matters_is_told_once(session: Session, bench: Bench, mails: Mails) -> None:
    parcel = bench.at(S.HANDED_OVER)
    stations = (S.IN_TRANSIT, S.EXCEPTION, S.IN_TRANSIT, S.CUSTOMS_HOLD, S.IN_TRANSIT, S.EXCEPTION,
                S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP, S.DELIVERED)  # fmt: skip
    scan(session, parcel, *stations)

    assert [mail.template for mail in mails()] == [f"kits/{news}" for news in (
        "address_requested", "handed_over", "exception", "customs_hold", "available_for_pickup", "delivered",
    )]  # fmt: skip


def test_several_members_are_told_what_each_has_chosen(
    session: Session, cast: Cast, bench: Bench, mails: Mails
) -> None:
    lead, colleague = cast.team.members
    mailing.choose(session, lead, set(), at=NOON)
    mailing.choose(session, colleague, {Topic.HANDED_OVER}, at=NOON)
    parcel = bench.parcel(cast.team)
    bench.advance(parcel, "request-address")
    bench.address(lead)
    actions.assign_unit(session, bench.again(parcel), bench.units("KIT-1")[0], by=bench.by, at=NOON)
    bench.advance(bench.again(parcel), "ready", "pack", "label", "hand-over")

    assert [(mail.template, mail.to) for mail in mails()] == [
        ("kits/address_requested", cast.team_lead.email), ("kits/handed_over", cast.colleague.email),
    ]  # fmt: skip


def test_the_choice_is_made_on_the_kit_page(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.researcher)
    assert client.get(KIT).text.count(" checked ") == len(Topic) - 2

    assert client.post(f"{KIT}/mails", data={"topics": ["out", "delivered"]}).status_code == 302
    told = {topic for topic, wanted in queries.choices(session, cast.member).items() if wanted}
    assert told == {Topic.ADDRESS, Topic.OUT, Topic.DELIVERED}
    for wrong in ("fly", "address"):
        assert client.post(f"{KIT}/mails", data={"topics": [wrong]}).status_code == 422
    assert client.post(f"{KIT}/mails", data={}).status_code == 302
    told = {topic for topic, wanted in queries.choices(session, cast.member).items() if wanted}
    assert told == {Topic.ADDRESS}


def test_what_is_no_news_any_more_is_not_sent(session: Session, cast: Cast, bench: Bench, mails: Mails) -> None:
    parcel = bench.at(S.HANDED_OVER)
    scan(session, parcel, S.CUSTOMS_HOLD, S.AVAILABLE_FOR_PICKUP)
    session.commit()

    sent: list[str] = []
    outbox.drain(session, lambda mail: sent.append(mail.template), NOON + DAY)

    assert sent == ["kits/handed_over", "kits/available_for_pickup"]
    assert [mail.template for mail in mails() if mail.state is MailState.DROPPED] == [
        "kits/address_requested", "kits/customs_hold",
    ]  # fmt: skip


def test_every_mail_is_short_neutral_and_has_one_link(
    session: Session, cast: Cast, afterwards: Afterwards, mails: Mails
) -> None:
    mailing.choose(session, cast.member, set(Topic), at=NOON)
    afterwards.announced()
    context = {
        "challenge": "Test Challenge", "slug": cast.slug, "carrier": "DHL", "tracking_number": "JD1", "kits": ["RDB"],
        "answer": "All are given away.", "day": "25 June 2020", "late": True, "last": True,
    }  # fmt: skip
    for news in TOPIC_OF:
        outbox.post(session, f"kits/{news}", to="a@example.org", key=news, at=NOON, context=context)

    subjects = set()
    for mail in mails():
        subject, text, _ = render(mail)
        subjects.add(subject)
        assert text.count("http://") == 1
        assert f"http://localhost{KIT}" in text
        assert "!" not in subject + text
        assert len(subject) < 60
        assert BERLIN.city not in text + str(mail.context)
    assert len(subjects) == len(TOPIC_OF)


# Reminders of an address


def test_an_address_is_asked_for_again_three_times_a_week_apart(
    session: Session, cast: Cast, bench: Bench, mails: Mails
) -> None:
    bench.at(S.ADDRESS_REQUESTED)
    told = []
    for hours in range(0, 24 * 50, 6):
        at = NOON + hours * HOUR
        if remind(session, at):
            told.append(hours / 24)
        assert remind(session, at) == 0

    assert told == [7.25, 14.25, 21.25]
    sent = [mail for mail in mails() if mail.template == "kits/address_reminder"]
    assert [mail.context["last"] for mail in sent] == [False, False, True]


def test_after_a_long_silence_of_the_worker_nobody_is_reminded_twice(session: Session, bench: Bench) -> None:
    bench.at(S.ADDRESS_REQUESTED)

    assert [remind(session, NOON + days * DAY) for days in (40, 41, 46, 47, 54, 61)] == [1, 0, 0, 1, 1, 0]


def test_who_has_given_the_address_or_wants_no_reminder_gets_none(
    session: Session, cast: Cast, bench: Bench, mails: Mails
) -> None:
    bench.at(S.ADDRESS_REQUESTED)
    mailing.choose(session, cast.member, set(), at=NOON)
    assert remind(session, NOON + 8 * DAY) == 1  # it is counted, as they would have got it
    bench.address()
    assert remind(session, NOON + 20 * DAY) == 0

    assert [mail.template for mail in mails()] == ["kits/address_requested"]
    assert session.scalars(sa.select(SentReminder.number)).all() == [1]
