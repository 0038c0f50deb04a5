"""Writing, answering, settling, handing over: on both engines."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.actions import remove_participant
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.line.actions import conversations as actions
from portal.line.actions import desk as desks
from portal.line.actions.reading import choose_mails, mark_read
from portal.line.models import CannedAnswer, Conversation, Message
from portal.line.queries import conversations
from portal.line.rules import LONGEST, MOST_AN_HOUR, Days
from portal.line.states import Author, ConversationState
from tests.cast import NOON, Cast
from tests.line.conftest import Desk

S = ConversationState
HOUR = timedelta(hours=1)
Mails = Callable[[], list[OutgoingMail]]
TEAM = ["hana-host@example.org", "hugo-host@example.org", "lena-lead@example.org", "tia-triager@example.org",
        "tom-triager@example.org"]  # fmt: skip


def test_the_first_message_opens_the_conversation_and_tells_the_team(desk: Desk, cast: Cast, mails: Mails) -> None:
    message = desk.write("Where?", subject="The log")

    found = desk.conversation()
    assert (found.state, found.state_since, found.opened_at, found.assignee_id) == (S.OPEN, NOON, NOON, None)
    assert (found.subject, found.last_at) == ("The log", NOON)
    # 15 June 2020 is a Monday.
    assert found.due_at == NOON + timedelta(days=1)
    assert (message.author, message.text, message.account_id) == (Author.PARTICIPANT, "Where?", cast.researcher.id)
    assert sorted(mail.to for mail in mails()) == TEAM
    assert {(mail.template, mail.reply_to) for mail in mails()} == {("line/asked", None)}
    tags = [
        (entry.tag, entry.actor_id, entry.scope)
        for entry in desk.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
    ]
    assert tags == [("line:write", cast.researcher.id, cast.slug)]


def test_more_words_while_the_team_is_to_answer_change_no_clock_and_send_no_mails(desk: Desk, mails: Mails) -> None:
    desk.write()
    due, sent = desk.conversation().due_at, len(mails())

    desk.write("And the other one?", at=NOON + HOUR)

    found = desk.conversation()
    assert (found.state, found.due_at, found.last_at) == (S.OPEN, due, NOON + HOUR)
    assert len(mails()) == sent


def test_an_answer_gives_the_turn_to_the_participant_and_the_conversation_to_who_answered(
    desk: Desk, cast: Cast, mails: Mails
) -> None:
    desk.write()
    desk.answer(at=NOON + HOUR)

    found = desk.conversation()
    assert (found.state, found.due_at, found.assignee_id) == (S.WAITING_FOR_PARTICIPANT, None, cast.host.id)
    told = mails()[-1]
    assert (told.template, told.to) == ("line/answered", cast.researcher.email)
    assert "text" not in told.context
    assert desk.addresses.read(told.reply_to or "") == (found.id, cast.member.id)


def test_an_answer_to_what_a_colleague_has_taken_leaves_it_to_them(desk: Desk, cast: Cast) -> None:
    desk.write()
    desks.assign(desk.session, desk.conversation(), cast.triager, seen=None, by=cast.triager.id, at=NOON)
    desk.answer(by=cast.lead)

    assert desk.conversation().assignee_id == cast.triager.id


def test_writing_again_makes_it_the_turn_of_whoever_has_taken_it(desk: Desk, cast: Cast, mails: Mails) -> None:
    desk.write()
    desk.answer()
    before = len(mails())
    desk.write("Thanks, and where is that?", at=NOON + HOUR)

    found = desk.conversation()
    assert (found.state, found.due_at) == (S.WAITING_FOR_TEAM, NOON + HOUR + timedelta(days=2))
    assert [mail.to for mail in mails()[before:]] == [cast.host.email]


def test_what_is_settled_opens_again_under_the_first_clock(desk: Desk, cast: Cast) -> None:
    last = desk.write()
    actions.settle(desk.session, desk.conversation(), seen=last.id, by=cast.lead.id, at=NOON)
    desk.session.commit()
    settled = desk.conversation()
    assert (settled.state, settled.due_at) == (S.SETTLED, None)

    desk.write("One more thing.", at=NOON + HOUR)

    again = desk.conversation()
    assert (again.state, again.due_at) == (S.OPEN, NOON + HOUR + timedelta(days=1))


def test_the_lead_sets_the_clocks(desk: Desk, cast: Cast) -> None:
    desks.set_pace(desk.session, cast.challenge, Days(3, 5), by=cast.lead.id, at=NOON)
    desk.write()
    # Thursday
    assert desk.conversation().due_at == NOON + timedelta(days=3)
    desk.answer()
    desk.write("Again?")
    # five business days from Monday
    assert desk.conversation().due_at == NOON + timedelta(days=7)


def test_the_same_form_sent_twice_is_one_message(desk: Desk, mails: Mails) -> None:
    first = desk.write("Once.", key="the-same-form-twice")
    sent = len(mails())
    assert desk.write("Once.", key="the-same-form-twice").id == first.id
    answer = desk.answer("Yes.", key="the-same-answer-twice")
    assert desk.answer("Yes.", key="the-same-answer-twice", seen=0).id == answer.id

    assert len(desk.session.scalars(sa.select(Message)).all()) == 2
    assert len(mails()) == sent + 1


def test_whoever_answers_has_read_what_was_said(desk: Desk, cast: Cast) -> None:
    first = desk.write()
    desk.write("Never mind the first question.", at=NOON + HOUR)

    with pytest.raises(Conflict, match="what you typed is still here"):
        desk.answer(seen=first.id)
    desk.session.rollback()

    assert desk.conversation().state is S.OPEN


def test_of_two_who_answer_at_once_the_second_reads_the_first_ones(desk: Desk, cast: Cast) -> None:
    seen = desk.write().id
    desk.answer("In the notes.", by=cast.lead, seen=seen)

    with pytest.raises(Conflict):
        desk.answer("In the manual.", by=cast.host, seen=seen)


def test_whoever_settles_has_read_what_was_said(desk: Desk, cast: Cast) -> None:
    first = desk.write()
    desk.write("And this?")

    with pytest.raises(Conflict):
        actions.settle(desk.session, desk.conversation(), seen=first.id, by=cast.lead.id, at=NOON)


def test_what_is_settled_is_not_settled_again(desk: Desk, cast: Cast) -> None:
    last = desk.write()
    actions.settle(desk.session, desk.conversation(), seen=last.id, by=cast.lead.id, at=NOON)

    with pytest.raises(Refused, match="Settle"):
        actions.settle(desk.session, desk.conversation(), seen=last.id, by=cast.lead.id, at=NOON)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (LONGEST + 1)])
def test_a_message_says_something_within_bounds(desk: Desk, text: str) -> None:
    with pytest.raises(Refused):
        desk.write(text)


def test_nobody_writes_more_than_so_much_an_hour(desk: Desk, cast: Cast) -> None:
    for number in range(MOST_AN_HOUR):
        desk.write(f"Question {number}", at=NOON)
    with pytest.raises(Refused, match="within an hour"):
        desk.write("One more", at=NOON + timedelta(minutes=59))
    desk.session.rollback()

    assert desk.write("Later", at=NOON + timedelta(minutes=61)).text == "Later"


def test_notes_are_the_teams_and_change_nothing_else(desk: Desk, cast: Cast, mails: Mails) -> None:
    desk.write()
    before = desk.conversation()
    state, due, last, sent = before.state, before.due_at, before.last_at, len(mails())
    actions.note(desk.session, before, desk.draft("Ask Hana."), by=cast.host.id, at=NOON + HOUR)
    desk.session.commit()

    after = desk.conversation()
    assert (after.state, after.due_at, after.last_at, len(mails())) == (state, due, last, sent)
    told = conversations.messages(desk.session, after, notes=False).rows
    assert [message.author for message in told] == [Author.PARTICIPANT]
    seen = conversations.messages(desk.session, after, notes=True).rows
    assert [message.author for message in seen] == [Author.NOTE, Author.PARTICIPANT]


def test_the_team_may_write_first(desk: Desk, cast: Cast, mails: Mails) -> None:
    actions.begin(
        desk.session, cast.team, desk.draft("Welcome."), by=cast.lead.id, at=NOON, addresses=desk.addresses
    )  # fmt: skip

    found = desk.conversation(desk.member(cast.team_lead))
    assert (found.state, found.assignee_id, found.due_at) == (S.WAITING_FOR_PARTICIPANT, cast.lead.id, None)
    assert sorted(mail.to for mail in mails()) == [cast.colleague.email, cast.team_lead.email]


def test_whoever_was_removed_is_not_written_to(desk: Desk, cast: Cast) -> None:
    desk.write()
    remove_participant(desk.session, cast.challenge, cast.participant, reason="Left.", by=cast.admin.id, at=NOON)

    with pytest.raises(Refused, match="does not take part any more"):
        desk.answer()


def test_members_who_want_no_mails_get_none(desk: Desk, cast: Cast, mails: Mails) -> None:
    desk.write(who=cast.team_lead)
    colleague = desk.member(cast.colleague)
    for _ in range(2):
        choose_mails(desk.session, colleague, wanted=False, at=NOON)
    before = len(mails())
    desk.answer(whose=colleague)
    assert [mail.to for mail in mails()[before:]] == [cast.team_lead.email]

    choose_mails(desk.session, colleague, wanted=True, at=NOON)
    desk.answer("And more.", whose=colleague)
    assert [mail.to for mail in mails()[before + 1 :]] == [cast.team_lead.email, cast.colleague.email]


def test_taking_handing_over_and_giving_back(desk: Desk, cast: Cast, mails: Mails) -> None:
    desk.write()
    found, sent = desk.conversation(), len(mails())
    desks.assign(desk.session, found, cast.host, seen=None, by=cast.host.id, at=NOON)
    assert (found.assignee_id, len(mails())) == (cast.host.id, sent)
    desks.assign(desk.session, found, cast.triager, seen=cast.host.id, by=cast.host.id, at=NOON)
    assert found.assignee_id == cast.triager.id
    assert [(mail.template, mail.to) for mail in mails()[sent:]] == [("line/assigned", cast.triager.email)]
    desks.assign(desk.session, found, None, seen=cast.triager.id, by=cast.triager.id, at=NOON)
    assert found.assignee_id is None


def test_the_second_of_two_who_take_it_loses(desk: Desk, cast: Cast) -> None:
    desk.write()
    desks.assign(desk.session, desk.conversation(), cast.host, seen=None, by=cast.host.id, at=NOON)

    with pytest.raises(Conflict, match="Somebody has just taken it"):
        desks.assign(desk.session, desk.conversation(), cast.lead, seen=None, by=cast.lead.id, at=NOON)


@pytest.mark.parametrize("who", ["reviewer", "logistics", "finance", "researcher", "admin"])
def test_only_the_team_has_conversations(desk: Desk, cast: Cast, who: str) -> None:
    desk.write()

    with pytest.raises(Refused, match="Only leads, hosts and triagers"):
        desks.assign(desk.session, desk.conversation(), getattr(cast, who), seen=None, by=cast.lead.id, at=NOON)


def test_read_marks_never_go_back(desk: Desk, cast: Cast) -> None:
    first, second = desk.write(), desk.write("More.")
    found = desk.conversation()
    mark_read(desk.session, found, second.id, by=cast.host.id)
    mark_read(desk.session, found, first.id, by=cast.host.id)

    assert conversations.read_up_to(desk.session, found.id, cast.host.id) == second.id


def test_canned_answers_have_each_their_title(desk: Desk, cast: Cast) -> None:
    made = desks.add_canned(desk.session, cast.challenge, "Log", "In the notes.", by=cast.lead.id, at=NOON)
    desks.change_canned(desk.session, cast.challenge, made, "The log", "In the notes.", by=cast.lead.id, at=NOON)
    desk.session.commit()
    with pytest.raises(Conflict, match="of this title already"):
        desks.add_canned(desk.session, cast.challenge, "The log", "Elsewhere.", by=cast.lead.id, at=NOON)
    desk.session.rollback()
    desks.remove_canned(desk.session, cast.challenge, made, by=cast.lead.id, at=NOON)

    assert desk.session.scalars(sa.select(CannedAnswer)).all() == []


@pytest.mark.parametrize(
    ("values", "name"),
    [({"due_at": None}, "due_while_waiting"), ({"state": S.SETTLED}, "due_while_waiting")],
)  # fmt: skip
def test_the_database_refuses_a_clock_that_does_not_fit(
    desk: Desk, session: Session, values: dict[str, object], name: str
) -> None:
    desk.write()

    with pytest.raises(sa.exc.IntegrityError, match=name):
        session.execute(sa.update(Conversation).values(**values))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"in_mail": True}, "only_answers_in_mail"), ({"text": ""}, "says_something"),
        ({"author": Author.TEAM, "via": "mail"}, "only_participants_by_mail"), ({"left_out": -1}, "left_out"),
    ],
)  # fmt: skip
def test_the_database_refuses_messages_that_nobody_could_have_written(
    desk: Desk, session: Session, values: dict[str, object], name: str
) -> None:
    desk.write()

    with pytest.raises(sa.exc.IntegrityError, match=name):
        session.execute(sa.update(Message).values(**values))
