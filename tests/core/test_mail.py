"""From the outbox to a real server, as mail programs and calendars read it."""

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from flask import Flask, current_app
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy.orm import Session

from portal import worker
from portal.config import load_config
from portal.core import outbox
from portal.core.mail import config_of, message, transport
from portal.core.outbox import MailState, OutgoingMail, Unreachable, post
from tests.cast import NOON
from tests.servers import smtp

HELLO = """Subject: Hello, {{ name }}

Good day {{ name }} & all.

{{ url('health.healthz') }}
"""
ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


@pytest.fixture(autouse=True)
def template(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    usual = app.jinja_env.loader
    assert usual is not None
    monkeypatch.setattr(app.jinja_env, "loader", ChoiceLoader([DictLoader({"tests/mail/hello.txt": HELLO}), usual]))
    yield
    app.jinja_env.cache.clear()  # type: ignore[union-attr]


@pytest.fixture
def mail(session: Session) -> OutgoingMail:
    post(
        session,
        "tests/hello",
        to="ada@example.org",
        key="hello:1",
        at=NOON,
        context={"name": "Ada <Émile>"},
        calendar=outbox.Calendar("REQUEST", ICS),
    )
    session.commit()
    return session.query(OutgoingMail).one()


def test_a_message_has_text_html_and_calendar(mail: OutgoingMail) -> None:
    made = message_from_bytes(message(mail, config_of(current_app)).content, policy=default)

    assert (made["Subject"], made["To"]) == ("Hello, Ada <Émile>", "ada@example.org")
    assert made["Message-ID"] == f"<{mail.token}@localhost>"
    assert made["Auto-Submitted"] == "auto-generated"
    text, html, calendar, attached = [part for part in made.walk() if not part.is_multipart()]
    assert text.get_content().replace("\r\n", "\n") == "Good day Ada <Émile> & all.\n\nhttp://localhost/healthz\n"
    assert "Good day Ada &lt;Émile&gt; &amp; all." in html.get_content()
    assert 'href="http://localhost/healthz"' in html.get_content()
    assert (calendar.get_content_type(), calendar.get_param("method")) == ("text/calendar", "REQUEST")
    assert calendar.get_content().replace("\r\n", "\n") == ICS.replace("\r\n", "\n")
    assert (attached.get_filename(), attached.get_payload(decode=True)) == ("invite.ics", ICS.encode())


def test_the_calendar_part_is_as_imip_has_it(mail: OutgoingMail) -> None:
    content = message(mail, config_of(current_app)).content

    made = message_from_bytes(content, policy=default)
    assert not [defect for part in made.walk() for defect in part.defects]
    assert [part.get_content_type() for part in made.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",
    ]  # fmt: skip
    calendar, attached = list(made.walk())[4:]
    kind = b"Content-Type: text/calendar; method=REQUEST; charset=UTF-8; component=VEVENT"
    assert kind in content.split(b"\r\n")
    assert calendar["Content-Transfer-Encoding"] == "base64"
    assert attached.get_content_disposition() == "attachment"
    assert calendar.get_payload(decode=True) == attached.get_payload(decode=True) == ICS.encode()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")


def test_a_line_break_in_a_name_cannot_add_a_header(session: Session) -> None:
    name = "Ada\r\nBcc: all@example.org"
    post(session, "tests/hello", to="ada@example.org", key="hello:2", at=NOON, context={"name": name})
    session.commit()

    content = message(session.query(OutgoingMail).one(), config_of(current_app)).content
    made = message_from_bytes(content, policy=default)

    assert made["Bcc"] is None
    assert made["Subject"] == "Hello, Ada"
    assert not made.defects


def test_the_folder_keeps_one_file_a_mail(app: Flask, mail: OutgoingMail, tmp_path: Path) -> None:
    config = load_config({"PORTAL_SECRET_KEY": "s" * 40, "PORTAL_MAIL_URL": f"folder:{tmp_path}/mail"})

    with transport(config) as way:
        way.send(message(mail, config))
        way.send(message(mail, config))

    assert [path.name for path in (tmp_path / "mail").iterdir()] == [f"{mail.token}.eml"]


def test_the_worker_delivers_to_a_real_server(
    app: Flask, session: Session, mail: OutgoingMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp() as mailbox:
        config = load_config({"PORTAL_SECRET_KEY": "s" * 40, "PORTAL_MAIL_URL": mailbox.url})
        monkeypatch.setitem(app.extensions, "portal.config", config)

        assert worker.deliver(session, NOON) == 1
        assert worker.deliver(session, NOON) == 0

        (received,) = mailbox.received
    assert received.recipients == ("ada@example.org",)
    assert received.message["Subject"] == "Hello, Ada <Émile>"
    session.expire_all()
    assert session.query(OutgoingMail).one().state is MailState.SENT


def test_a_server_that_is_away_costs_no_try(
    app: Flask, session: Session, mail: OutgoingMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp() as mailbox:
        url = mailbox.url
    config = load_config({"PORTAL_SECRET_KEY": "s" * 40, "PORTAL_MAIL_URL": url})
    monkeypatch.setitem(app.extensions, "portal.config", config)

    with pytest.raises(Unreachable, match="ConnectionRefusedError"):
        worker.deliver(session, NOON)

    session.expire_all()
    waiting = session.query(OutgoingMail).one()
    assert (waiting.state, waiting.tries) == (MailState.QUEUED, 0)
