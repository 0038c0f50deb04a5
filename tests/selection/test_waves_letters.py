"""What a wave says: every mail before it goes, and words of the lead's own."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications import actions as applications
from portal.applications.states import Decision
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.mail import fill, render
from portal.selection.actions import waves
from portal.selection.models import Wave, WaveEntry
from portal.selection.rules.letters import faults
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import STAFF, Bench, Mails

SUBJECT = "Welcome until {answer_by}, {name}"
BODY = "Dear {name},\n\ncome to {challenge}.\n\n{link}\n\nIt will be <b>warm</b> & good."


def draft(bench: Bench, *decisions: Decision) -> Wave:
    """A draft with one answer of each kind."""
    rows = bench.crowd([f"Person {n}" for n in range(len(decisions))])
    return bench.wave(*zip(rows, decisions, strict=True))


def write(bench: Bench, wave: Wave, **changes: Any) -> None:
    told = {"decision": Decision.INVITE, "subject": SUBJECT, "body": BODY, **changes}
    waves.write_letter(bench.session, wave, **told, by=bench.cast.lead.id, at=NOON)
    bench.session.commit()


@pytest.mark.parametrize(
    ("decision", "subject", "body", "field", "words"),
    [
        (Decision.INVITE, SUBJECT, BODY.replace("{link}", ""), "body", "Keep {link}"),
        (Decision.INVITE, "Welcome", BODY, "body", "Keep {answer_by}"),
        (Decision.INVITE, SUBJECT, BODY + "{password}", "body", "Nothing is known of {password}."),
        (Decision.INVITE, "{{ config }}", BODY, "subject", "Nothing is known of"),
        (Decision.DECLINE, "No", "Answer by {answer_by}", "body", "Nothing is known of {answer_by}."),
        (Decision.DECLINE, " ", "No place.", "subject", "Write something."),
        (Decision.DECLINE, "No\nBcc: all@example.org", "No place.", "subject", "One line"),
        (Decision.DECLINE, "No", "long" * 2000, "body", "At most 5000 characters."),
    ],
)
def test_what_cannot_be_sent_is_refused(decision: Decision, subject: str, body: str, field: str, words: str) -> None:
    assert words in faults(decision, subject, body)[field]


def test_what_can_be_sent_is_not_refused() -> None:
    assert faults(Decision.INVITE, SUBJECT, BODY) == {}
    assert faults(Decision.DECLINE, "No, { name }", "A brace } alone is fine.") == {}


def test_values_are_filled_in_once() -> None:
    assert fill("{name} {link}", name="{link}", link="here") == "{link} here"
    assert fill("{other}", name="x") == "{other}"


def test_a_letter_is_sent_as_it_was_shown(client: FlaskClient, bench: Bench, cast: Cast, mails: Mails) -> None:
    wave = draft(bench, Decision.INVITE, Decision.DECLINE)
    write(bench, wave)
    sign_in(client, cast.lead)
    shown = client.get(f"{STAFF}/waves/1").text
    bench.release(wave, 2)
    written = {mail.template: render(mail) for mail in mails()}
    assert written.keys() == {"selection/written", "selection/declined"}
    subject, text, html = written["selection/written"]
    assert subject == "Welcome until Monday 22 June 2020, 12:00 UTC, Person 0"
    assert text == (
        "Dear Person 0,\n\ncome to Test Challenge.\n\nhttp://localhost/challenges/test-challenge/invitation\n\n"
        "It will be <b>warm</b> & good.\n"
    )
    assert "&lt;b&gt;warm&lt;/b&gt; &amp; good." in html
    assert subject in shown
    assert "It will be &lt;b&gt;warm&lt;/b&gt; &amp; good." in shown
    assert [mail.subject for mail in mails()] == [f"application:{mail.context['application']}" for mail in mails()]


def test_a_letter_is_of_one_wave_and_one_kind(session: Session, bench: Bench, mails: Mails) -> None:
    first, second = draft(bench, Decision.INVITE), bench.wave((bench.submitted(), Decision.INVITE))
    write(bench, first)
    write(bench, first, subject=SUBJECT + "?")
    bench.release(first, 1)
    bench.release(second, 1)
    answers = [mail for mail in mails() if mail.template != "applications/received"]
    assert [render(mail)[0][-1] for mail in answers] == ["?", "e"]


def test_once_released_the_words_stand(session: Session, bench: Bench, cast: Cast) -> None:
    wave = draft(bench, Decision.INVITE)
    with pytest.raises(Invalid):
        write(bench, wave, body="")
    session.rollback()
    write(bench, wave)
    bench.release(wave, 1)
    with pytest.raises(Refused, match="until it is released"):
        write(bench, wave)
    session.rollback()
    with pytest.raises(Refused):
        waves.drop_letter(session, wave, Decision.INVITE, by=cast.lead.id, at=NOON)
    session.rollback()
    assert "selection:write-letter" in bench.tags()


def test_who_writes_while_it_is_released_loses(session: Session, bench: Bench, cast: Cast) -> None:
    number, by = draft(bench, Decision.INVITE).id, cast.lead.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = second.get_one(Wave, number)
        _ = seen.challenge.slug
        second.commit()
        bench.release(session.get_one(Wave, number), 1)
        with pytest.raises(Conflict):
            waves.write_letter(second, seen, Decision.INVITE, SUBJECT, BODY, by=by, at=NOON)


def test_writing_over_http(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    draft(bench, Decision.INVITE)
    sign_in(client, cast.lead)
    address = f"{STAFF}/waves/1/letters/invite"
    usual = client.get(address).text
    for words in ("Please answer by {answer_by}: your place in {challenge}", "Hello {name},", "{link}"):
        assert words in usual
    wrong = client.post(address, data={"subject": SUBJECT, "body": "Come, {nobody}"})
    assert wrong.status_code == 422
    assert "Nothing is known of {nobody}." in wrong.text
    assert "Come, {nobody}" in wrong.text
    assert client.post(address, data={"subject": SUBJECT, "body": BODY}).location == f"{STAFF}/waves/1#preview"
    assert "in your words" in client.get(f"{STAFF}/waves/1").text
    assert "It will be &lt;b&gt;warm" in client.get(address).text
    assert client.post(f"{address}/drop").location == address
    assert "Hello {name}," in client.get(address).text
    assert client.get(f"{STAFF}/waves/1/letters/tea").status_code == 404


def test_every_mail_can_be_read_before_it_goes(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    draft(bench, Decision.INVITE, Decision.WAITLIST, Decision.DECLINE)
    cast_away = session.scalars(sa.select(WaveEntry).where(WaveEntry.decision == "waitlist")).one()
    cast_away.application.account.active = False
    session.commit()
    sign_in(client, cast.lead)
    order = ["decline", "invite", "waitlist"]
    entries = {entry.decision.value: entry.id for entry in session.scalars(sa.select(WaveEntry))}
    pages = {name: client.get(f"{STAFF}/waves/1/mails/{entries[name]}").text for name in order}
    assert "there is no place for you this time" in pages["decline"]
    assert "there is a place for you" in pages["invite"]
    assert "Nothing is written to this address" in pages["waitlist"]
    assert ("Previous mail" in pages["decline"], "Next mail" in pages["decline"]) == (False, True)
    assert f'/mails/{entries["invite"]}"' in pages["decline"]
    assert ("Previous mail" in pages["waitlist"], "Next mail" in pages["waitlist"]) == (True, False)
    html = client.get(f"{STAFF}/waves/1/mails/{entries['invite']}/html")
    assert html.text.startswith("<!doctype html>")
    assert "script-src 'none'" in html.headers["Content-Security-Policy"]
    assert "1 will not be written to" in client.get(f"{STAFF}/waves/1").text
    assert client.get(f"{STAFF}/waves/1/mails/999").status_code == 404


def test_what_has_changed_is_told_before_the_release(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    gone = bench.submitted()
    bench.wave((gone, Decision.DECLINE))
    applications.withdraw_application(session, gone, at=NOON)
    session.commit()
    sign_in(client, cast.lead)
    page = client.get(f"{STAFF}/waves/1").text
    assert "1 will be skipped" in page
    assert "will be skipped: withdrawn in the meantime" in page
