"""The pages: whose they are, what they show to whom, and that nothing typed is lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.outbox import OutgoingMail
from portal.line.actions import conversations as actions
from portal.line.actions import desk as desks
from portal.line.models import CannedAnswer, Incoming, Message, Pace, ReadMark, Silence
from portal.line.queries import conversations
from portal.line.rules import MOST_AN_HOUR, Days
from portal.line.states import Author, ConversationState, Outcome
from tests.cast import NOON, Cast, make_account, make_participant, sign_in
from tests.conftest import Clock
from tests.line.conftest import Desk

S = ConversationState
MINE, STAFF = "/challenges/test-challenge/line", "/staff/test-challenge/line"
Mails = Callable[[], list[OutgoingMail]]
KEY = "key-of-a-form-typed"


def page(client: FlaskClient, who: Account, url: str, status: int = 200) -> str:
    sign_in(client, who)
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return answer.text


def post(client: FlaskClient, who: Account, url: str, status: int = 302, **values: object) -> str:
    sign_in(client, who)
    answer = client.post(url, data=values)
    assert answer.status_code == status, answer.text
    return answer.text


def test_a_participant_asks_and_reads_the_answer(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    assert "Nothing was said yet" in page(client, cast.researcher, MINE)
    post(client, cast.researcher, MINE, key=KEY, subject="The  log", text="Where **is** it?")
    asked = page(client, cast.researcher, MINE)
    assert "Where <strong>is</strong> it?" in asked
    assert "The log" in asked
    assert "first answer due" in asked

    desk.answer("See [there](https://example.org/x).")
    told = page(client, cast.researcher, MINE)
    assert 'rel="noopener noreferrer nofollow"' in told
    assert "waiting for participant" in told
    assert "Hugo Host looks after it." in told


def test_everybody_of_a_team_reads_along_and_nobody_else(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    desk.write("About our second board.", who=cast.team_lead)

    assert "About our second board." in page(client, cast.colleague, MINE)
    assert "About our second board." not in page(client, cast.researcher, MINE)
    page(client, cast.stranger, MINE, 404)


def test_notes_are_shown_to_the_team_alone(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    asked = desk.write()
    post(
        client,
        cast.host,
        f"{STAFF}/{asked.conversation_id}/notes",
        **{"note-key": KEY, "note-text": "Only between us."},
    )

    assert "Only between us." in page(client, cast.triager, f"{STAFF}/{asked.conversation_id}")
    for url in (MINE, f"{MINE}?q=between", f"{MINE}?after=WzEwMF0"):
        assert "Only between us." not in page(client, cast.researcher, url)
    sign_in(client, cast.researcher)
    assert "Only between us." not in client.get("/account/data/export").text


def test_nobody_writes_html_or_loads_a_picture(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    desk.write("<script>alert(1)</script> ![x](https://example.org/spy.png) [x](javascript:alert(1))")

    for who, url in ((cast.researcher, MINE), (cast.host, f"{STAFF}/{desk.conversation().id}")):
        shown = page(client, who, url)
        assert "<script>alert" not in shown
        assert "<img" not in shown
        assert 'href="javascript' not in shown


def test_what_was_typed_stays_when_it_is_refused(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    for number in range(MOST_AN_HOUR):
        desk.write(f"Question {number}")
    shown = post(client, cast.researcher, MINE, 422, key=KEY, text="The one that is too many.")

    assert "within an hour" in shown
    assert "The one that is too many.</textarea>" in shown
    assert "Write something." in post(client, cast.researcher, MINE, 422, key=KEY, text=" \0 ")


def test_an_answer_to_what_was_not_read_is_kept_and_not_sent(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    first = desk.write()
    desk.write("Never mind, it is the other board.")
    url = f"{STAFF}/{first.conversation_id}/answers"

    shown = post(client, cast.host, url, 409, key=KEY, text="In the notes.", seen=first.id)

    assert "Something was said since you opened this page." in shown
    assert "In the notes.</textarea>" in shown
    assert "Never mind, it is the other board." in shown
    last = conversations.newest(desk.session, first.conversation_id, Author.PARTICIPANT)
    assert f'name="seen" type="hidden" value="{last}"' in shown
    post(client, cast.host, url, key=KEY, text="In the notes.", seen=last)
    assert desk.conversation().state is S.WAITING_FOR_PARTICIPANT


@pytest.mark.parametrize("seen", ["", "x", "-1", "99999999999999", "٣"])
def test_an_odd_number_of_what_was_seen_is_none(client: FlaskClient, cast: Cast, desk: Desk, seen: str) -> None:
    asked = desk.write()

    post(client, cast.host, f"{STAFF}/{asked.conversation_id}/answers", 409, key=KEY, text="Here.", seen=seen)
    post(client, cast.researcher, f"{MINE}/settle", 409, seen=seen)


def test_answering_and_settling_in_one_go(client: FlaskClient, cast: Cast, desk: Desk, mails: Mails) -> None:
    asked = desk.write()
    post(
        client, cast.host, f"{STAFF}/{asked.conversation_id}/answers", key=KEY, text="Here.", seen=asked.id,
        then="settle", in_mail="y",
    )  # fmt: skip

    assert desk.conversation().state is S.SETTLED
    assert mails()[-1].context["text"] == "Here."


def test_both_sides_settle(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    asked = desk.write()
    post(client, cast.researcher, f"{MINE}/settle", seen=asked.id)
    assert desk.conversation().state is S.SETTLED
    assert "Nothing is left to answer." in page(client, cast.researcher, MINE)

    again = desk.write("Once more.")
    post(client, cast.lead, f"{STAFF}/{asked.conversation_id}/settle", seen=again.id)
    desk.session.expire_all()
    assert desk.conversation().state is S.SETTLED


def test_taking_handing_over_giving_back(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    url = f"{STAFF}/{desk.write().conversation_id}/assign"
    post(client, cast.host, url, to=cast.host.id, seen="")
    post(client, cast.lead, url, 409, to=cast.lead.id, seen="")
    post(client, cast.lead, url, to=cast.triager.id, seen=cast.host.id)
    desk.session.expire_all()
    assert desk.conversation().assignee_id == cast.triager.id
    post(client, cast.lead, url, 422, to=cast.researcher.id, seen=cast.triager.id)
    post(client, cast.lead, url, to="", seen=cast.triager.id)
    desk.session.expire_all()
    assert desk.conversation().assignee_id is None


def test_read_marks_follow_the_reader(client: FlaskClient, cast: Cast, desk: Desk, session: Session) -> None:
    asked = desk.write()
    inbox = page(client, cast.host, STAFF)
    assert 'class="is-unread"' in inbox
    shown = page(client, cast.host, f"{STAFF}/{asked.conversation_id}")
    assert "talk-new" in shown
    assert 'class="is-unread"' not in page(client, cast.host, STAFF)
    assert 'class="is-unread"' in page(client, cast.lead, STAFF)

    desk.answer()
    assert "Read what the team answered" in page(client, cast.researcher, "/home")
    # Looking for words, or back at earlier ones, is not reading the end.
    page(client, cast.researcher, f"{MINE}?q=log")
    assert "Read what the team answered" in page(client, cast.researcher, "/home")
    page(client, cast.researcher, MINE)
    assert "Read what the team answered" not in page(client, cast.researcher, "/home")
    marks = session.execute(sa.select(ReadMark.account_id, ReadMark.message_id).order_by(ReadMark.message_id)).all()
    assert len(marks) == 2


def test_the_inbox_shows_what_is_due_first_and_what_is_ones_own(
    client: FlaskClient, cast: Cast, desk: Desk, session: Session, clock: Clock
) -> None:
    desk.write("Mine.", subject="Second", at=NOON)
    desk.write("Theirs.", subject="First", who=cast.team_lead, at=NOON - timedelta(hours=2))
    desks.assign(session, desk.conversation(), cast.host, seen=None, by=cast.host.id, at=NOON)

    waiting = page(client, cast.host, STAFF)
    assert waiting.index("First") < waiting.index("Second")
    assert (
        "Second" in page(client, cast.host, f"{STAFF}?show=mine"),
        "First" in page(client, cast.host, f"{STAFF}?show=mine"),
    ) == (True, False)
    assert "First" in page(client, cast.host, f"{STAFF}?show=unassigned")
    assert "Nothing in this list" in page(client, cast.host, f"{STAFF}?show=late")
    clock.tick(hours=23)
    late = page(client, cast.host, f"{STAFF}?show=late")
    assert "1 answer is late." in late
    assert ("First" in late, "Second" in late) == (True, False)
    page(client, cast.host, f"{STAFF}?show=none", 404)
    page(client, cast.host, f"{STAFF}?after=none", 404)


@pytest.mark.parametrize(
    ("words", "found"),
    [("kestrel", True), ("SECOND BOARD", True), ("between", True), ("100%", False), ("_", False),
     ("nowhere", False), ("\0", True)],
)  # fmt: skip
def test_the_team_searches_names_messages_and_notes(
    client: FlaskClient, cast: Cast, desk: Desk, session: Session, words: str, found: bool
) -> None:
    desk.write("About our second board.", who=cast.team_lead)
    kestrel = desk.conversation(desk.member(cast.team_lead))
    actions.note(session, kestrel, desk.draft("Between us."), by=cast.host.id, at=NOON)

    sign_in(client, cast.host)
    shown = client.get(STAFF, query_string={"q": words}).text
    assert ("Team Kestrel</a>" in shown) == found


def test_a_participant_searches_their_own_words(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    desk.write("About the log.")
    desk.write("About the board.")

    found = page(client, cast.researcher, f"{MINE}?q=BOARD")
    assert ("About the board." in found, "About the log." in found) == (True, False)
    assert "Nothing found" in page(client, cast.researcher, f"{MINE}?q=nowhere")


def test_long_conversations_have_pages(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    for number in range(35):
        desk.write(f"Question {number:02}.", at=NOON - timedelta(hours=40 - number))

    last = page(client, cast.researcher, MINE)
    assert ("Question 34." in last, "Question 05." in last, "Question 04." in last) == (True, True, False)
    sign_in(client, cast.researcher)
    token = last.split("after=")[1].split('"')[0].split("&")[0]
    earlier = client.get(f"{MINE}?after={token}").text
    assert ("Question 04." in earlier, "Question 05." in earlier) == (True, False)
    assert "Latest messages" in earlier


def test_pages_cost_the_same_for_many(
    client: FlaskClient, cast: Cast, desk: Desk, session: Session, statements: list[str]
) -> None:
    def cost(who: Account, url: str) -> int:
        page(client, who, url)  # what is read is marked once
        statements.clear()
        page(client, who, url)
        return len(statements)

    desk.write()
    desk.answer()
    urls = [(cast.host, f"{STAFF}?show=all"), (cast.host, f"{STAFF}/{desk.conversation().id}"), (cast.researcher, MINE),
            (cast.lead, f"{STAFF}/mail"), (cast.lead, f"{STAFF}/settings")]  # fmt: skip
    few = [cost(*each) for each in urls]
    for number in range(12):
        account = make_account(session, f"Number {number}")
        participant = make_participant(session, cast.challenge, account)
        actions.write(session, participant.members[0], desk.draft("Hello."), at=NOON)
        desks.add_canned(session, cast.challenge, f"Canned {number}", "Text.", by=cast.lead.id, at=NOON)
        desk.write(f"Again {number}.")
        desk.answer(f"Yes {number}.")
        session.add(
            Incoming(
                mailbox="b", validity=1, uid=number, at=NOON, outcome=Outcome.OTHER_SENDER, sender="eve@example.org",
                challenge_id=cast.challenge.id, conversation_id=desk.conversation().id,
            )
        )  # fmt: skip
    session.commit()

    assert [cost(*each) for each in urls] == few


def test_the_team_writes_first(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    assert "Team Kestrel" in page(client, cast.lead, f"{STAFF}/new")
    post(client, cast.lead, f"{STAFF}/new", 422, key=KEY, text="Welcome.", participant=9999)
    post(client, cast.lead, f"{STAFF}/new", key=KEY, text="Welcome.", participant=cast.team.id)

    assert "Welcome." in page(client, cast.colleague, MINE)


def test_the_lead_keeps_canned_answers_and_clocks(
    client: FlaskClient, cast: Cast, desk: Desk, session: Session
) -> None:
    asked = desk.write()
    post(client, cast.lead, f"{STAFF}/settings/answers", title="Log", text="In the **notes**.")
    post(client, cast.lead, f"{STAFF}/settings/answers", 422, title="", text="x")
    post(client, cast.lead, f"{STAFF}/settings/answers", 409, title="Log", text="x")
    canned = session.scalars(sa.select(CannedAnswer)).one()
    post(client, cast.lead, f"{STAFF}/settings/answers/{canned.id}", title="The log", text="In the notes.")
    assert "<summary>The log</summary>" in page(client, cast.host, f"{STAFF}/{asked.conversation_id}")
    post(client, cast.lead, f"{STAFF}/settings/answers/{canned.id}/remove")
    assert "The log" not in page(client, cast.lead, f"{STAFF}/settings")

    post(client, cast.lead, f"{STAFF}/settings/pace", 422, first=0, later=31)
    post(client, cast.lead, f"{STAFF}/settings/pace", first=3, later=4)
    pace = session.scalars(sa.select(Pace)).one()
    assert (pace.first_days, pace.next_days) == Days(3, 4)
    assert "within 3 business days at first" in " ".join(page(client, cast.researcher, MINE).split())


def test_members_choose_their_mails(client: FlaskClient, cast: Cast, desk: Desk, session: Session) -> None:
    post(client, cast.researcher, f"{MINE}/mails", mails="off")
    assert session.scalars(sa.select(Silence.member_id)).all() == [cast.member.id]
    assert "You get no mails" in page(client, cast.researcher, MINE)
    post(client, cast.researcher, f"{MINE}/mails", mails="on")
    assert session.scalars(sa.select(Silence)).all() == []


def test_mails_from_elsewhere_are_looked_after(client: FlaskClient, cast: Cast, desk: Desk, session: Session) -> None:
    asked = desk.write()
    strange = Incoming(
        mailbox="b", validity=1, uid=1, at=NOON, outcome=Outcome.OTHER_SENDER, sender="eve@example.org",
        challenge_id=cast.challenge.id, conversation_id=asked.conversation_id,
    )  # fmt: skip
    session.add(strange)
    session.commit()
    number = strange.id

    assert "eve@example.org" in page(client, cast.host, f"{STAFF}/mail")
    assert "Line: mails from another address" in page(client, cast.host, "/staff/test-challenge/")
    post(client, cast.host, f"{STAFF}/mail/{number}/handled")
    post(client, cast.host, f"{STAFF}/mail/{number}/handled", 409)
    assert "eve@example.org" not in page(client, cast.host, f"{STAFF}/mail")


def test_the_line_does_without_a_signature_and_needs_a_place(client: FlaskClient, cast: Cast, session: Session) -> None:
    newcomer = make_account(session, "Nia Newcomer")
    make_participant(session, cast.challenge, newcomer, signed=False)

    assert "Write to the team" in page(client, newcomer, MINE)
    post(client, newcomer, MINE, key=KEY, text="What does paragraph 3 mean?")
    assert session.scalars(sa.select(Message.text)).all() == ["What does paragraph 3 mean?"]
