"""Who of the team takes part as well sees their own conversation from their own side alone, and answers others'."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import Role
from portal.core.errors import Refused
from portal.core.outbox import OutgoingMail
from portal.line.actions import conversations as actions
from portal.line.actions import desk as handing
from portal.line.models import Conversation, Incoming
from portal.line.states import Outcome
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.line.conftest import Desk

STAFF = f"/staff/{SLUG}"
LISTS = ("/", "/line", *(f"/line?show={show}" for show in ("mine", "unassigned", "late", "theirs", "settled", "all")),
         "/line?show=all&q=secret", "/line/mail", "/line/new")  # fmt: skip
SECRET = "A secret among us."


@pytest.fixture
def both(session: Session, cast: Cast, desk: Desk) -> Cast:
    """The colleague of the team is a host, a triager and a lead too; somebody else has asked before."""
    for role in (Role.TRIAGER, Role.LEAD, Role.HOST):
        session.add(RoleGrant(account_id=cast.colleague.id, role=role, scope=SLUG, granted_at=NOON))
    session.commit()
    desk.write()
    return cast


def asked(session: Session, cast: Cast, desk: Desk) -> Conversation:
    """The team has asked, somebody has noted something, and a mail came from a strange address."""
    mine = cast.team.members[0]
    desk.write("When does the kit arrive?", who=cast.team_lead)
    found = desk.conversation(mine)
    actions.note(session, found, desk.draft(SECRET), by=cast.host.id, at=NOON)
    session.add(Incoming(
        mailbox="INBOX", validity=1, uid=1, at=NOON, outcome=Outcome.OTHER_SENDER, challenge_id=cast.challenge.id,
        conversation_id=found.id, account_id=cast.team_lead.id, sender="strange@example.org",
    ))  # fmt: skip
    session.commit()
    return found


def read(client: FlaskClient) -> dict[str, str]:
    answers = {path: client.get(STAFF + path) for path in LISTS}
    said = {path: f"{each.status_code} {each.text}" for path, each in answers.items()}
    return {path: re.sub(r"[A-Za-z0-9_.-]{22,}", "…", text) for path, text in said.items()}


def test_lists_are_the_same_whether_ones_own_team_has_asked_or_not(
    client: FlaskClient, session: Session, both: Cast, desk: Desk
) -> None:
    sign_in(client, both.colleague)
    before = read(client)
    sign_in(client, both.host)
    others = read(client)

    asked(session, both, desk)

    sign_in(client, both.colleague)
    assert read(client) == before
    sign_in(client, both.host)
    after = read(client)
    assert {path for path in LISTS if after[path] != others[path]} == {
        "/", "/line", "/line/mail", *(f"/line?show={show}" for show in ("unassigned", "all")),
        "/line?show=all&q=secret", *(f"/line?show={show}" for show in ("mine", "late", "theirs", "settled")),
    }  # fmt: skip


def test_pages_and_steps_are_not_found(client: FlaskClient, session: Session, both: Cast, desk: Desk) -> None:
    found = asked(session, both, desk)
    mail = session.scalars(sa.select(Incoming.id)).one()
    sign_in(client, both.colleague)
    assert client.get(f"{STAFF}/line/{found.id}").status_code == 404
    for step in ("answers", "notes", "assign", "settle"):
        data = {"text": "x", "key": "k" * 20, "to": str(both.colleague.id), "seen": "0"}
        assert client.post(f"{STAFF}/line/{found.id}/{step}", data=data).status_code == 404, step
    assert client.post(f"{STAFF}/line/mail/{mail}/handled").status_code == 404
    data = {"participant": str(both.team.id), "text": "x", "key": "k" * 20}
    assert client.post(f"{STAFF}/line/new", data=data).status_code == 422
    # From their own side they read what all of their team read.
    page = client.get(f"/challenges/{SLUG}/line").text
    assert ("When does the kit arrive?" in page, SECRET in page) == (True, False)
    sign_in(client, both.host)
    page = client.get(f"{STAFF}/line/{found.id}").text
    assert (SECRET in page, f"{both.colleague.name}</option>" in page) == (True, False)


def test_no_mail_and_no_conversation_of_their_own_is_given_to_them(
    session: Session, both: Cast, desk: Desk, mails: Callable[[], list[OutgoingMail]]
) -> None:
    before = len(mails())
    found = asked(session, both, desk)
    told = {mail.to for mail in mails()[before:] if mail.template == "line/asked"}
    assert (both.colleague.email in told, both.host.email in told) == (False, True)
    with pytest.raises(Refused, match="Only leads, hosts and triagers"):
        handing.assign(session, found, both.colleague, seen=None, by=both.host.id, at=NOON)
