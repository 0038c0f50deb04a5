"""What an operator sees of the mailbox."""

from collections.abc import Callable

from flask import Flask
from sqlalchemy.orm import Session

from tests.line.conftest import Desk, letter
from tests.servers import MailStore


def test_the_mailbox_is_looked_at_and_read(app: Flask, desk: Desk, store: MailStore) -> None:
    desk.write()
    store.deliver(letter(desk.address()).as_bytes())
    run = app.test_cli_runner().invoke

    checked = run(args=["line", "check"])
    assert (checked.exit_code, checked.output) == (0, "Answers go to line@portal.example.org; 1 wait in the mailbox.\n")
    read = run(args=["line", "read"])
    assert (read.exit_code, read.output) == (0, "1 mails were looked at.\n")
    assert "; 0 wait" in run(args=["line", "check"]).output


def test_a_mailbox_that_does_not_open_is_told(app: Flask, store: MailStore, lines: Callable[..., None]) -> None:
    lines(imap_url=store.url.replace("only%2Ffor%40tests", "wrong"))

    for command in ("check", "read"):
        told = app.test_cli_runner().invoke(args=["line", command])
        assert told.exit_code == 1
        assert "MailboxLoginError" in told.output
        assert "wrong" not in told.output


def test_without_a_mailbox_that_is_said(app: Flask, session: Session) -> None:
    told = app.test_cli_runner().invoke(args=["line", "check"])

    assert (told.exit_code, told.output) == (0, "No mailbox is read: PORTAL_IMAP_URL is not set.\n")
