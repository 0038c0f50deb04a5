"""Both ends of the line."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.line.actions import conversations as actions
from portal.line.actions.conversations import Draft
from portal.line.addresses import Addresses
from portal.line.models import Conversation, Message
from portal.line.queries import conversations
from portal.line.states import Author
from tests.cast import NOON, Cast
from tests.servers import MailStore, mail_store

ADDRESS = "line@portal.example.org"


class Desk:
    """Writes and answers in the test challenge."""

    def __init__(self, session: Session, cast: Cast, addresses: Addresses) -> None:
        self.session, self.cast, self.addresses = session, cast, addresses
        self._keys = (f"key-of-a-form-{number:04}" for number in count())

    def draft(self, text: str, **values: Any) -> Draft:
        """Words under a fresh key."""
        return Draft(text, values.pop("key", None) or next(self._keys), **values)

    def write(self, text: str = "Where do I find the log?", *, who: Account | None = None, at: datetime = NOON,
              **values: Any) -> Message:  # fmt: skip
        """A message of a participant, committed."""
        made = actions.write(self.session, self.member(who or self.cast.researcher), self.draft(text, **values), at=at)
        self.session.commit()
        return made

    def answer(self, text: str = "In the portal's release notes.", *, by: Account | None = None, at: datetime = NOON,
               seen: int | None = None, whose: Member | None = None, **values: Any) -> Message:  # fmt: skip
        """An answer of the host's (or of somebody else's), committed."""
        found = self.conversation(whose)
        given = conversations.newest(self.session, found.id, Author.PARTICIPANT, Author.TEAM) if seen is None else seen
        made = actions.answer(
            self.session, found, self.draft(text, **values), seen=given, by=(by or self.cast.host).id, at=at,
            addresses=self.addresses,
        )  # fmt: skip
        self.session.commit()
        return made

    def member(self, account: Account) -> Member:
        """The place of a person."""
        return next(
            member
            for participant in (self.cast.participant, self.cast.team)
            for member in participant.members
            if member.account_id == account.id
        )

    def conversation(self, whose: Member | None = None) -> Conversation:
        """The researcher's conversation, or another one's."""
        found = conversations.of_participant(self.session, (whose or self.cast.member).participant_id)
        assert found is not None
        return found

    def address(self, account: Account | None = None) -> str:
        """Where a member of the researcher's conversation answers by mail."""
        member = self.member(account or self.cast.researcher)
        found = self.addresses.reply_to(self.conversation(member).id, member.id)
        assert found is not None
        return found


@pytest.fixture
def lines(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes what the settings say of the line."""

    def change(**values: Any) -> None:
        monkeypatch.setitem(app.extensions, "portal.config", replace(app.extensions["portal.config"], **values))

    return change


@pytest.fixture
def desk(app: Flask, session: Session, cast: Cast, lines: Callable[..., None]) -> Desk:
    """Both ends, with addresses to which mails are answered."""
    lines(line_address=ADDRESS, public_url="https://portal.example.org", mail_from="portal@portal.example.org")
    return Desk(session, cast, Addresses.of(app.extensions["portal.config"]))


@pytest.fixture(scope="session")
def dovecot() -> Iterator[MailStore]:
    """The one mail store of this test process."""
    with mail_store() as store:
        yield store


@pytest.fixture
def store(dovecot: MailStore, desk: Desk, lines: Callable[..., None]) -> MailStore:
    """An empty mailbox that the portal reads."""
    dovecot.empty()
    lines(imap_url=dovecot.url)
    return dovecot


def letter(to: str, text: str = "Thank you, found it.", *, sender: str = "rosa-researcher@example.org",
           number: int = 1, **headers: str) -> EmailMessage:  # fmt: skip
    """A mail as a person's program would write it; header names have _ for -."""
    made = EmailMessage()
    made["From"] = f"Rosa <{sender}>"
    made["To"] = to
    made["Subject"] = "Re: Direct line"
    made["Message-ID"] = f"<{number}.5eed@mail.example.org>"
    made["Date"] = "Mon, 15 Jun 2020 14:00:00 +0200"
    for name, value in headers.items():
        del made[name.replace("_", "-")]
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made
