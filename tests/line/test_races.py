"""Many at once: one conversation, every message, one turn, one who takes it."""

from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member
from portal.core.outbox import OutgoingMail
from portal.line.actions import conversations as actions
from portal.line.actions import desk as desks
from portal.line.actions.conversations import Draft
from portal.line.models import Conversation, Message
from portal.line.queries import conversations
from portal.line.states import Author, ConversationState
from tests.cast import NOON, Cast
from tests.crowd import Crowd, crowd_of
from tests.line.conftest import Desk

CROWD = 16
S = ConversationState


@pytest.fixture
def crowd(desk: Desk) -> Iterator[Crowd]:
    """Sixteen threads on the test's database."""
    with crowd_of(CROWD) as made:
        yield made


def test_whoever_writes_first_all_are_in_one_conversation(desk: Desk, cast: Cast, crowd: Crowd) -> None:
    members = [member.id for member in cast.team.members]
    desk.session.commit()

    def write(session: Session, number: int) -> None:
        member = session.get_one(Member, members[number % 2])
        actions.write(session, member, Draft(f"Question {number}", f"key-of-a-form-{number}"), at=NOON)

    assert crowd.run(write) == {"done": CROWD}
    assert desk.session.scalars(sa.select(sa.func.count()).select_from(Conversation)).one() == 1
    assert desk.session.scalars(sa.select(sa.func.count()).select_from(Message)).one() == CROWD
    asked = sa.select(sa.func.count()).where(OutgoingMail.template == "line/asked")
    assert desk.session.scalars(asked).one() == 5


def test_the_same_form_from_many_is_one_message(desk: Desk, cast: Cast, crowd: Crowd) -> None:
    member = cast.member.id
    desk.session.commit()

    def write(session: Session, _number: int) -> None:
        actions.write(session, session.get_one(Member, member), Draft("Once.", "the-same-form-twice"), at=NOON)

    assert crowd.run(write) == {"done": CROWD}
    assert desk.session.scalars(sa.select(Message.text)).all() == ["Once."]


def test_of_many_answers_one_is_sent_and_no_question_is_lost(desk: Desk, cast: Cast, crowd: Crowd) -> None:
    """Half of them answer what they have seen while the other half ask more."""
    seen = desk.write().id
    host, member, challenge, found = cast.host.id, cast.member.id, cast.challenge.id, desk.conversation().id
    desk.session.commit()

    def act(session: Session, number: int) -> None:
        if number % 2:
            draft = Draft(f"Another {number}", f"key-of-a-form-{number}")
            actions.write(session, session.get_one(Member, member), draft, at=NOON)
            return
        conversation = conversations.of_challenge(session, session.get_one(Challenge, challenge), found, reader=0)
        draft = Draft(f"Answer {number}", f"key-of-an-answer-{number}")
        actions.answer(session, conversation, draft, seen=seen, by=host, at=NOON, addresses=desk.addresses)

    outcome = crowd.run(act)
    answers = desk.session.scalars(sa.select(sa.func.count()).where(Message.author == Author.TEAM)).one()
    asked = desk.session.scalars(sa.select(sa.func.count()).where(Message.author == Author.PARTICIPANT)).one()
    assert asked == 1 + CROWD // 2
    assert answers <= 1
    assert outcome == Counter({"done": CROWD // 2 + answers, "Conflict": CROWD // 2 - answers})
    assert desk.conversation().state is (S.WAITING_FOR_TEAM if answers else S.OPEN)
    assert desk.conversation().due_at is not None


def test_of_many_who_take_it_one_has_it(desk: Desk, cast: Cast, crowd: Crowd) -> None:
    desk.write()
    team = [cast.host.id, cast.lead.id, cast.triager.id, cast.second_host.id]
    found, challenge = desk.conversation().id, cast.challenge.id
    desk.session.commit()

    def take(session: Session, number: int) -> None:
        conversation = conversations.of_challenge(session, session.get_one(Challenge, challenge), found, reader=0)
        person = session.get_one(Account, team[number % 4])
        desks.assign(session, conversation, person, seen=None, by=person.id, at=NOON)

    assert crowd.run(take) == {"done": 1, "Conflict": CROWD - 1}
    desk.session.rollback()
    assert desk.conversation().assignee_id in team
