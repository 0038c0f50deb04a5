"""What the mails say: one purpose, one link, decent words."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.applications import states
from portal.applications.states import ApplicationState, Decision
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.selection.actions.decisions import Given, take_step
from portal.selection.actions.invitations import Signing, accept_invitation, expire_invitation, remind
from tests.cast import NOON, Cast
from tests.selection.conftest import ANSWER_BY, Bench, Mails

LINK = re.compile(r"https?://\S+")
HOME = "http://localhost/challenges/test-challenge"


def last(app: Flask, mails: Mails) -> tuple[OutgoingMail, str, str, list[str]]:
    mail = mails()[-1]
    subject, text, _html = render(mail)
    return mail, subject, text, LINK.findall(text)


def decent(subject: str, text: str) -> None:
    assert "!" not in subject + text
    assert "Hello Ada Applicant," in text
    assert "{{" not in text
    assert "\n" not in subject


def test_the_receipt_and_the_invitation_cannot_be_mistaken(app: Flask, bench: Bench, mails: Mails) -> None:
    application = bench.submitted()
    _, receipt, text, links = last(app, mails)
    decent(receipt, text)
    assert links == [f"{HOME}/apply"]
    bench.invited(application)
    _, invitation, text, links = last(app, mails)
    decent(invitation, text)
    assert links == [f"{HOME}/invitation"]
    assert receipt == "We have received your application for Test Challenge"
    assert invitation == "Please answer by Monday 22 June 2020, 14:00 CEST: your place in Test Challenge"


@pytest.mark.parametrize(
    ("decision", "template", "words"),
    [
        (Decision.WAITLIST, "selection/waitlisted", "You are on the waiting list"),
        (Decision.DECLINE, "selection/declined", "there is no place for you this time"),
    ],
)
def test_the_other_answers(
    app: Flask, bench: Bench, mails: Mails, decision: Decision, template: str, words: str
) -> None:
    bench.release(bench.wave((bench.submitted(), decision), answer_by=None), 1)
    mail, subject, text, links = last(app, mails)
    decent(subject, text)
    assert mail.template == template
    assert words in text
    assert links == [f"{HOME}/apply"]


@pytest.mark.parametrize(
    ("occasion", "link"),
    [("reminder", "/invitation"), ("accepted", "/"), ("expired", "/apply"), ("rescinded", "/apply")],
)
def test_what_follows_an_invitation(
    app: Flask, session: Session, bench: Bench, cast: Cast, mails: Mails, occasion: str, link: str
) -> None:
    application = bench.invited()
    given: Any = Given(reason="The embargo forbids it.")
    acts: dict[str, Callable[[], object]] = {
        "reminder": lambda: remind(session, application, at=ANSWER_BY.replace(hour=0)),
        "accepted": lambda: accept_invitation(session, application, cast.applicant, Signing("Ada"), at=NOON),
        "expired": lambda: expire_invitation(session, application, at=ANSWER_BY),
        "rescinded": lambda: take_step(session, application, states.RESCIND, given, by=cast.lead.id, at=NOON),
    }
    acts[occasion]()
    mail, subject, text, links = last(app, mails)
    decent(subject, text)
    assert (mail.template, links) == (f"selection/{occasion}", [f"{HOME}{link}"])
    assert ("embargo" in text) is (occasion == "rescinded")


def test_whoever_has_left_gets_no_mail(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    application = bench.submitted()
    wave = bench.wave((application, Decision.DECLINE), answer_by=None)
    cast.applicant.active = False
    session.commit()
    bench.release(wave, 1)
    session.refresh(application)
    assert application.state is ApplicationState.DECLINED
    assert [mail.template for mail in mails()] == ["applications/received"]
