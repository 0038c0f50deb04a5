"""What the line keeps of a person."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal as people
from portal.core.db import Model
from portal.line import personal
from portal.line.actions import conversations as actions
from portal.line.actions import incoming
from portal.line.actions.incoming import Place
from portal.line.actions.reading import choose_mails
from portal.line.letters import Letter
from portal.line.models import Incoming, Message, ReadMark, Silence
from tests.cast import NOON, Cast
from tests.line.conftest import Desk, letter


def test_a_person_gets_what_they_wrote_and_nobody_elses_words(desk: Desk, cast: Cast, session: Session) -> None:
    desk.write("Mine.", subject="The log")
    desk.answer("The team's.")
    actions.note(session, desk.conversation(), desk.draft("Between us."), by=cast.host.id, at=NOON)
    choose_mails(session, cast.member, wanted=False, at=NOON)
    session.commit()

    told = people.export(session, cast.researcher.id)["line"]
    assert told == {
        "messages": [
            {
                "challenge": cast.slug,
                "at": NOON,
                "as": "participant",
                "by": "page",
                "subject": "The log",
                "text": "Mine.",
            }
        ],
        "no_mails_in": [cast.slug],
    }
    assert [each["text"] for each in people.export(session, cast.host.id)["line"]["messages"]] == ["The team's."]


def test_erasing_forgets_the_words_and_keeps_that_there_were_some(desk: Desk, cast: Cast, session: Session) -> None:
    desk.write("My words.", subject="My subject")
    desk.answer("The team's words.")
    incoming.receive(
        session, Letter(letter(desk.address(), "Words by mail.").as_bytes()), Place("b", 1, 1),
        addresses=desk.addresses, at=NOON + timedelta(hours=1),
    )  # fmt: skip
    choose_mails(session, cast.member, wanted=False, at=NOON)
    session.commit()

    personal.erase(session, cast.researcher.id, NOON)
    session.commit()

    texts = session.scalars(sa.select(Message.text).order_by(Message.id)).all()
    assert texts == ["Erased", "The team's words.", "Erased"]
    assert session.scalars(sa.select(Silence)).all() == session.scalars(sa.select(Incoming)).all() == []
    assert session.scalars(sa.select(ReadMark.account_id)).all() == [cast.host.id]
    assert_nowhere(session, "My words", "My subject", "Words by mail", "1.5eed@mail")


def assert_nowhere(session: Session, *words: str) -> None:
    """No text of these is left in any table of the line."""
    for table in Model.metadata.sorted_tables:
        if table.name.startswith("line_"):
            rows = str(session.execute(sa.select(table)).all())
            assert not [word for word in words if word in rows], table.name
