"""The line as people use it: a browser, a mail server on the way out, a mail store on the way in, and kills."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, expect

from portal.accounts.models import Account
from portal.challenges.queries import membership
from portal.line.actions import conversations as actions
from portal.line.actions import desk as desks
from portal.line.actions.conversations import Draft
from portal.line.addresses import Addresses
from portal.line.models import Incoming, Message
from portal.line.states import Outcome, Via
from portal.worker import run_all
from tests.cast import NOON
from tests.conftest import KINDS
from tests.faults.stage import Stage, staged
from tests.line.conftest import ADDRESS, letter
from tests.servers import Mailbox, MailStore, smtp
from tests.servers.site import ROOT

pytestmark = pytest.mark.slow
MAILS = 16
# Before anything is written; between the commit and the flag; between the flag and the move.
LINES = ("intake._take_in", "mailbox.Inbox.put_aside", "mailbox.Inbox._beside")
WORKER = """
import os, signal
from portal.core import clock
from portal.core.db import db
from portal.factory import create_app
from portal.line import intake, mailbox

done, calls = {line}, []

def dying(*rest):
    calls.append(rest)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return done(*rest)

{line} = dying
with create_app().app_context():
    intake.read_mails(db.session, clock.now())
"""


def enter(browser: Browser, stage: Stage, account: Account) -> BrowserContext:
    """Somebody's browser, signed in."""
    context = browser.new_context()
    for name, value in stage.behind.cookies(account).items():
        context.add_cookies([{"name": name, "value": value, "url": stage.site.url}])
    return context


def settings(store: MailStore, outside: Mailbox | None = None) -> dict[str, str]:
    found = {"PORTAL_IMAP_URL": store.url, "PORTAL_LINE_ADDRESS": ADDRESS, "PORTAL_DEMONSTRATION": "1"}
    return found | ({"PORTAL_MAIL_URL": outside.url} if outside else {})


@pytest.mark.browser
def test_a_question_an_answer_and_a_mail_back(browser: Browser, dovecot: MailStore, tmp_path: Path) -> None:
    dovecot.empty()
    with smtp() as outside, staged("sqlite", tmp_path, settings(dovecot, outside)) as stage:
        cast = stage.cast
        with stage.behind.session() as session:
            desks.add_canned(session, cast.challenge, "Log", "See section 4.", by=cast.lead.id, at=NOON)
            session.commit()
        theirs = enter(browser, stage, cast.researcher).new_page()
        theirs.goto(f"{stage.site.url}/challenges/test-challenge/line")
        theirs.get_by_role("textbox", name="Message").fill("Where is the log?")
        theirs.get_by_role("button", name="Send to the team").click()
        expect(theirs.get_by_text("Your message is with the team.")).to_be_visible()
        run_all(stage.behind.app)
        assert {each.recipients[0] for each in outside.wait_for(5)} >= {cast.host.email, cast.lead.email}

        ours = enter(browser, stage, cast.host).new_page()
        ours.goto(f"{stage.site.url}/staff/test-challenge/line")
        ours.get_by_role("link", name=cast.participant.name).click()
        ours.get_by_role("textbox", name="Message").fill("Hello.")
        ours.get_by_role("button", name="Insert “Log”").click()
        expect(ours.get_by_role("textbox", name="Message")).to_have_value("Hello.\n\nSee section 4.")
        ours.get_by_role("button", name="Answer", exact=True).click()
        expect(ours.get_by_text("Answered. They learn of it by mail.")).to_be_visible()

        run_all(stage.behind.app)
        told = outside.wait_for(6)[5]
        assert told.recipients == (cast.researcher.email,)
        assert "section 4" not in told.message.as_string()
        dovecot.deliver(letter(told.message["Reply-To"], "Found it.\n\nOn Mon, R <x@y> wrote:\n> x").as_bytes())
        run_all(stage.behind.app)
        theirs.reload()
        expect(theirs.get_by_text("Found it.")).to_be_visible()
        expect(theirs.get_by_text("by mail", exact=True)).to_be_visible()
    for context in browser.contexts:
        context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_killed_again_and_again_loses_and_repeats_nothing(
    dovecot: MailStore, tmp_path: Path, kind: str
) -> None:
    dovecot.empty()
    with staged(kind, tmp_path, settings(dovecot)) as stage:
        with stage.behind.session() as session:
            addresses = Addresses.of(stage.behind.app.extensions["portal.config"])
            member = membership(session, stage.cast.challenge.id, stage.cast.researcher.id)
            assert member is not None
            said = actions.write(session, member, Draft("Where?", "key-of-a-form-1"), at=NOON)
            to = addresses.reply_to(said.conversation_id, member.id) or ""
            session.commit()
        for number in range(MAILS):
            dovecot.deliver(letter(to, f"Mail {number:02}", number=number).as_bytes())
        for line in LINES:
            kill_at(stage, line)
        stage.site.flask("line", "read")

        texts = sa.select(Message.text).where(Message.via == Via.MAIL).order_by(Message.text)
        assert stage.behind.read(lambda s: s.scalars(texts).all()) == [f"Mail {number:02}" for number in range(MAILS)]
        became = sa.select(Incoming.outcome)
        assert stage.behind.read(lambda s: s.scalars(became).all()) == [Outcome.TAKEN] * MAILS
        assert (dovecot.count(), dovecot.count("Processed")) == (0, MAILS)


def kill_at(stage: Stage, line: str) -> None:
    """Read the mailbox in a process of its own, which a kill ends the third time that it comes to a line."""
    worker = subprocess.run(
        [sys.executable, "-c", WORKER.format(line=line)], env=stage.site.environ, cwd=ROOT, stdin=subprocess.DEVNULL,
        capture_output=True, check=False,
    )  # fmt: skip
    assert worker.returncode == -signal.SIGKILL, worker.stderr.decode()
