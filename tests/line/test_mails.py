"""Mails of the line tell that there is something, and where; the rest is on the page."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import outbox
from portal.core.mail import config_of, message
from portal.core.outbox import MailState, OutgoingMail
from portal.line.actions import desk as desks
from portal.line.actions import incoming
from portal.line.actions.incoming import Place
from portal.line.actions.reading import mark_read
from portal.line.letters import Letter
from tests.cast import NOON, Cast
from tests.line.conftest import ADDRESS, Desk, letter

Mails = Callable[[], list[OutgoingMail]]
SECRET = "The heap overflow is in update_parse"


def written(app: Flask, mail: OutgoingMail) -> tuple[str, str, dict[str, str]]:
    """Text, HTML and headers as they go over the wire."""
    made = message_from_bytes(message(mail, config_of(app)).content, policy=default)
    plain, html = made.get_body(("plain",)), made.get_body(("html",))
    assert plain is not None
    assert html is not None
    return (
        plain.get_content().replace("\r\n", "\n"),
        html.get_content(),
        {name: str(value) for name, value in made.items()},
    )


def test_no_mail_tells_what_was_said(app: Flask, desk: Desk, cast: Cast, mails: Mails) -> None:
    desk.write(f"{SECRET} one", subject=f"{SECRET} two")
    desks.assign(desk.session, desk.conversation(), cast.triager, seen=None, by=cast.lead.id, at=NOON)
    desk.answer(f"{SECRET} three", subject=f"{SECRET} four")
    attached = letter(desk.address(), f"{SECRET} five")
    attached.add_attachment(b"x", maintype="application", subtype="zip", filename=f"{SECRET} six.zip")
    arrived, later = Letter(attached.as_bytes()), NOON + timedelta(hours=1)
    incoming.receive(desk.session, arrived, Place("b", 1, 1), addresses=desk.addresses, at=later)

    told = mails()
    assert {mail.template for mail in told} == {"line/asked", "line/assigned", "line/answered", "line/sealed"}
    for mail in told:
        text, html, headers = written(app, mail)
        assert SECRET not in f"{text}{html}{headers}{mail.context}"
        assert "https://portal.example.org/" in text


def test_what_is_harmless_goes_along(app: Flask, desk: Desk, mails: Mails) -> None:
    desk.write()
    desk.answer("In section 4 of <the notes>.", in_mail=True)

    text, html, _ = written(app, mails()[-1])
    assert text.startswith(
        "In section 4 of <the notes>.\n\nThis and what was said before:\n\nhttps://portal.example.org/"
    )
    assert "In section 4 of &lt;the notes&gt;." in html


def test_an_answer_says_where_to_answer(app: Flask, desk: Desk, mails: Mails) -> None:
    desk.write()
    desk.answer()

    text, _, headers = written(app, mails()[-1])
    assert headers["Subject"] == "Direct line: an answer from the team of Test Challenge"
    assert headers["Reply-To"] == desk.address()
    assert headers["In-Reply-To"] == headers["References"] == desk.addresses.root(desk.conversation().id)
    assert headers["Auto-Submitted"] == "auto-generated"
    assert "https://portal.example.org/challenges/test-challenge/line" in text
    assert "to this mail" in text


def test_without_an_address_people_are_sent_to_the_page(
    app: Flask, desk: Desk, mails: Mails, lines: Callable[..., None]
) -> None:
    lines(line_address=None)
    desk.addresses = type(desk.addresses).of(config_of(app))
    desk.write()
    desk.answer()

    text, _, headers = written(app, mails()[-1])
    assert "Reply-To" not in headers
    assert "mails are not read" in text
    assert ADDRESS.partition("@")[0] + "+" not in f"{text}{headers}"


def test_a_participants_mail_is_followed(app: Flask, desk: Desk, cast: Cast, mails: Mails) -> None:
    desk.write()
    desk.answer()
    own = letter(desk.address())
    incoming.receive(
        desk.session, Letter(own.as_bytes()), Place("b", 1, 1), addresses=desk.addresses, at=NOON + timedelta(hours=1)
    )  # fmt: skip
    desk.answer("You are welcome.")

    _, _, headers = written(app, mails()[-1])
    assert headers["In-Reply-To"] == "<1.5eed@mail.example.org>"
    assert headers["References"].split() == [
        desk.addresses.root(desk.conversation().id), "<1.5eed@mail.example.org>",
    ]  # fmt: skip


def states(desk: Desk, template: str) -> list[MailState]:
    desk.session.rollback()
    return list(desk.session.scalars(sa.select(OutgoingMail.state).where(OutgoingMail.template == template)))


def test_nobody_is_told_of_what_they_have_read(desk: Desk, cast: Cast) -> None:
    desk.write(who=cast.team_lead)
    place = desk.member(cast.team_lead)
    said = desk.answer(whose=place)
    mark_read(desk.session, desk.conversation(place), said.id, by=cast.team_lead.id)
    desk.session.commit()
    sent: list[str] = []
    outbox.drain(desk.session, lambda mail: sent.append(f"{mail.template} {mail.to}"), NOON)

    assert sent == ["line/answered cem-colleague@example.org"]
    assert states(desk, "line/asked") == [MailState.DROPPED] * 5


def test_the_team_is_told_while_it_owes_an_answer(desk: Desk) -> None:
    desk.write()
    sent: list[str] = []
    outbox.drain(desk.session, lambda mail: sent.append(mail.template), NOON)

    assert sent == ["line/asked"] * 5


@pytest.mark.parametrize("address", ["line@x\nBcc: eve@example.org", "line@x\r\n\r\nHello"])
def test_no_second_header_comes_out_of_an_address(app: Flask, desk: Desk, mails: Mails, address: str) -> None:
    desk.write()
    told = mails()[0]
    told.reply_to = address

    with pytest.raises(ValueError, match="one line"):
        message(told, config_of(app))
    desk.session.rollback()
