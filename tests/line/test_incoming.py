"""What becomes of a mail: on both engines, whatever comes."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from itertools import count

import pytest
import sqlalchemy as sa

from portal.accounts.models import Account
from portal.challenges.actions import remove_participant
from portal.core import outbox
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict
from portal.core.outbox import MailState, OutgoingMail
from portal.line.actions import desk as desks
from portal.line.actions import incoming as actions
from portal.line.actions.incoming import CUT, Place
from portal.line.letters import LARGEST, Letter
from portal.line.models import Incoming, Message
from portal.line.rules import LONGEST, MOST_AN_HOUR
from portal.line.states import Author, ConversationState, Outcome, Via
from tests.cast import NOON, Cast
from tests.line.conftest import ADDRESS, Desk, letter

O = Outcome  # noqa: E741 - short, as in the states
HOST = "portal.example.org"
Mails = Callable[[], list[OutgoingMail]]
HOUR = timedelta(hours=1)


class Post:
    """Brings mails to a conversation in which the team has answered."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self._uids = desk, count(1)
        desk.write()
        desk.answer()
        self.to = desk.address()

    def bring(self, mail: EmailMessage | bytes, *, size: int | None = None, at: object = NOON + HOUR) -> Incoming:
        """Look at a mail that has arrived."""
        octets = mail if isinstance(mail, bytes) else mail.as_bytes()
        place = Place("box", 1, next(self._uids))
        found = actions.receive(
            self.desk.session, Letter(octets, size), place, addresses=self.desk.addresses, at=at  # type: ignore[arg-type]
        )  # fmt: skip
        self.desk.session.commit()
        return found

    def messages(self) -> list[Message]:
        """What was said by mail."""
        by_mail = sa.select(Message).where(Message.via == Via.MAIL).order_by(Message.id)
        return list(self.desk.session.scalars(by_mail))


@pytest.fixture
def post(desk: Desk) -> Post:
    return Post(desk)


def test_a_members_mail_is_a_message(post: Post, desk: Desk, cast: Cast, mails: Mails) -> None:
    sent = len(mails())
    quoted = (
        "Thank you, found it.\n\nOn Mon, 15 Jun 2020, Research <portal@portal.example.org> wrote:\n> The team has\n"
    )
    noted = post.bring(letter(post.to, quoted))

    (message,) = post.messages()
    assert (message.text, message.subject, message.author) == ("Thank you, found it.", "", Author.PARTICIPANT)
    assert (message.account_id, message.at, message.mail_id) == (
        cast.researcher.id, NOON + HOUR, "<1.5eed@mail.example.org>",
    )  # fmt: skip
    assert (noted.outcome, noted.message_id, noted.account_id, noted.sender) == (
        O.TAKEN, message.id, cast.researcher.id, None,
    )  # fmt: skip
    assert desk.conversation().state is ConversationState.WAITING_FOR_TEAM
    assert [(mail.template, mail.to) for mail in mails()[sent:]] == [("line/asked", cast.host.email)]


def test_a_subject_of_its_own_is_kept(post: Post) -> None:
    post.bring(letter(post.to, Subject="The log"))

    assert [message.subject for message in post.messages()] == ["The log"]


@pytest.mark.parametrize("sender", ["ROSA-RESEARCHER@EXAMPLE.ORG", "rosa-researcher+mail@example.org"])
def test_the_same_person_by_another_spelling(post: Post, sender: str) -> None:
    assert post.bring(letter(post.to.upper(), sender=sender)).outcome is O.TAKEN


@pytest.mark.parametrize("header", ["Cc", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_address_may_stand_in_other_headers(post: Post, header: str) -> None:
    made = letter("team@example.org")
    made[header] = post.to

    assert post.bring(made).outcome is O.TAKEN


STRANGE = {
    "another's address": ({"sender": "eve@example.org"}, O.OTHER_SENDER, "eve@example.org"),
    "a colleague's": ({"sender": "tamar-teamlead@example.org"}, O.OTHER_SENDER, "tamar-teamlead@example.org"),
    "two senders": ({"From": "rosa-researcher@example.org, eve@example.org"}, O.OTHER_SENDER, ""),
    "a name like an address": (
        {"From": '"rosa-researcher@example.org" <eve@example.org>'},
        O.OTHER_SENDER,
        "eve@example.org",
    ),
    "another envelope": ({"Return-Path": "<eve@example.org>"}, O.OTHER_SENDER, "rosa-researcher@example.org"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_mail_from_somebody_else_is_a_task_for_the_team_and_answered_by_nobody(
    post: Post, mails: Mails, desk: Desk, cast: Cast, name: str
) -> None:
    values, outcome, sender = STRANGE[name]
    sent = len(mails())
    noted = post.bring(letter(post.to, **values))

    assert (noted.outcome, noted.sender, noted.account_id) == (outcome, sender, None)
    assert noted.conversation_id == desk.conversation().id
    assert (post.messages(), len(mails())) == ([], sent)

    desks.handle_mail(desk.session, cast.challenge, noted, by=cast.lead.id, at=NOON)
    assert (noted.sender, noted.handled_by_id) == (None, cast.lead.id)
    with pytest.raises(Conflict, match="looked after it already"):
        desks.handle_mail(desk.session, cast.challenge, noted, by=cast.lead.id, at=NOON)


@pytest.mark.parametrize(
    ("to", "outcome"),
    [(ADDRESS, O.UNADDRESSED), ("somebody@example.org", O.UNADDRESSED), ("", O.UNADDRESSED),
     ("line+" + "a" * 32 + "@portal.example.org", O.FORGED), ("line+x@portal.example.org", O.FORGED)],
)  # fmt: skip
def test_without_a_sound_address_nothing_happens(post: Post, mails: Mails, to: str, outcome: Outcome) -> None:
    sent = len(mails())
    noted = post.bring(letter(to))

    assert (noted.outcome, noted.challenge_id, noted.conversation_id, noted.sender) == (outcome, None, None, None)
    assert (post.messages(), len(mails())) == ([], sent)


def test_an_address_of_another_conversation_is_of_no_use(post: Post, desk: Desk, cast: Cast) -> None:
    """Somebody who has an address of their own learns nothing about, and says nothing in, another's."""
    desk.write(who=cast.team_lead)
    theirs = desk.addresses.reply_to(desk.conversation().id, desk.member(cast.team_lead).id) or ""

    assert post.bring(letter(theirs, sender="tamar-teamlead@example.org")).outcome is O.NO_PLACE
    assert post.messages() == []


def test_whoever_does_not_take_part_any_more_says_nothing(post: Post, desk: Desk, cast: Cast) -> None:
    remove_participant(desk.session, cast.challenge, cast.participant, reason="Left.", by=cast.admin.id, at=NOON)

    assert post.bring(letter(post.to)).outcome is O.NO_PLACE


@pytest.mark.parametrize("change", [{"active": False}, {"confirmed_at": None}])
def test_an_account_that_may_not_sign_in_may_not_write(post: Post, desk: Desk, change: dict[str, object]) -> None:
    desk.session.execute(sa.update(Account).where(Account.email == "rosa-researcher@example.org").values(**change))

    assert post.bring(letter(post.to)).outcome is O.NO_PLACE


@pytest.mark.parametrize(
    "headers", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Subject": "Automatic reply: away"},
                {"Return_Path": "<>"}, {"List_Id": "<l.example.org>"}, {"X_Loop": "x"},
                {"Message_ID": f"<{'a' * 32}@{HOST}>"}],
)  # fmt: skip
def test_machines_change_nothing(post: Post, mails: Mails, headers: dict[str, str]) -> None:
    sent = len(mails())

    assert post.bring(letter(post.to, **headers)).outcome is O.AUTOMATIC
    assert (post.messages(), len(mails())) == ([], sent)


def test_the_same_mail_twice_is_one_message(post: Post) -> None:
    assert post.bring(letter(post.to)).outcome is O.TAKEN
    again = post.bring(letter(post.to, Received="from elsewhere"))

    assert (again.outcome, again.digest, len(post.messages())) == (O.REPEATED, None, 1)


def test_a_loop_ends(post: Post, desk: Desk, cast: Cast) -> None:
    outcomes = [post.bring(letter(post.to, number=number)).outcome for number in range(MOST_AN_HOUR + 5)]

    assert outcomes == [O.TAKEN] * MOST_AN_HOUR + [O.TOO_MANY] * 5
    assert post.bring(letter(post.to, number=99), at=NOON + 3 * HOUR).outcome is O.TAKEN


def attached(to: str, number: int = 1) -> EmailMessage:
    made = letter(to, "See the file.", number=number)
    made.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="poc.exe")
    return made


def test_attachments_are_left_out_and_the_person_told_once_a_day(post: Post, cast: Cast, mails: Mails) -> None:
    sent = len(mails())
    outcomes = [post.bring(attached(post.to, number)).outcome for number in (1, 2)]
    outcomes.append(post.bring(attached(post.to, 3), at=NOON + 25 * HOUR).outcome)

    assert outcomes == [O.TAKEN] * 3
    assert [(message.text, message.left_out) for message in post.messages()] == [("See the file.", 1)] * 3
    told = [mail for mail in mails()[sent:] if mail.template == "line/sealed"]
    assert [(mail.to, mail.reply_to) for mail in told] == [(cast.researcher.email, None)] * 2
    assert "poc.exe" not in str([mail.context for mail in told])


def test_what_is_encrypted_is_not_taken_into_clear(post: Post, mails: Mails) -> None:
    noted = post.bring(letter(post.to, "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----"))

    assert (noted.outcome, post.messages()) == (O.ENCRYPTED, [])
    assert mails()[-1].template == "line/sealed"


def test_what_is_too_large_is_refused_by_its_head(post: Post, mails: Mails) -> None:
    head = letter(post.to).as_bytes().partition(b"\n\n")[0] + b"\n\n"
    noted = post.bring(head, size=LARGEST + 1)

    assert (noted.outcome, post.messages()) == (O.TOO_LARGE, [])
    assert mails()[-1].template == "line/sealed"


def test_a_long_mail_is_cut_and_says_so(post: Post) -> None:
    post.bring(letter(post.to, "word " * 10_000))

    (message,) = post.messages()
    assert len(message.text) == LONGEST
    assert message.text.endswith(CUT)


@pytest.mark.parametrize("text", ["", "> The team has written\n", "-- \nRosa\n", "\u202e\0\u2066\n"])
def test_a_mail_that_says_nothing_is_no_message(post: Post, text: str) -> None:
    assert post.bring(letter(post.to, text)).outcome is O.EMPTY
    assert post.messages() == []


def test_what_nobody_sees_is_not_kept(post: Post) -> None:
    octets = letter(post.to).as_bytes().replace(b"Thank you, found it.", "a\0b\x1b\u202egpj.exe\u2069 ü".encode())
    post.bring(octets)

    assert [message.text for message in post.messages()] == ["abgpj.exe ü"]


@pytest.mark.parametrize(
    "headers",
    [b"Subject: x\nBcc: eve@example.org\n", b"Subject: =?utf-8?q?x=0D=0ABcc=3A_eve=40example=2Eorg?=\n",
     b"Message-ID: <x@y>\r\n\tBcc: eve@example.org\n", b"Message-ID: <x@y> <z@y>\n", b"X: " + b"y" * 100_000 + b"\n"],
)  # fmt: skip
def test_no_header_gets_into_our_mails(post: Post, desk: Desk, mails: Mails, headers: bytes) -> None:
    octets = f"From: rosa-researcher@example.org\nTo: {post.to}\n".encode() + headers + b"\nHello."
    assert post.bring(octets).outcome is O.TAKEN
    desk.answer("Hello yourself.")

    told = mails()[-1]
    assert told.template == "line/answered"
    assert "eve" not in f"{told.thread}{told.context}"
    assert "\n" not in (told.thread or "")


def test_an_answer_follows_the_mail_that_it_answers(post: Post, desk: Desk, mails: Mails) -> None:
    post.bring(letter(post.to))
    desk.answer("You are welcome.")

    root = desk.addresses.root(desk.conversation().id)
    assert mails()[-1].thread == f"{root} <1.5eed@mail.example.org>"


# --- what comes back -------------------------------------------------------------------------------------------------


def report(
    mail: OutgoingMail, *, action: str = "failed", recipient: str = "", identity: str = "", head: bool = False
) -> bytes:
    inner = (
        f"Content-Type: {'text/rfc822-headers' if head else 'message/rfc822'}\n\n"
        f"From: portal@{HOST}\nMessage-ID: {identity or f'<{mail.token}@{HOST}>'}\nSubject: x\n\nx\n"
    )
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@example.org\nTo: portal@portal.example.org\nSubject: Undelivered\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nSorry.\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        f"Final-Recipient: rfc822; {recipient or mail.to}\nAction: {action}\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 No\n such\tuser\x1b\n\n--b\n{inner}--b--\n"
    ).encode()


@pytest.fixture
def sent(post: Post, desk: Desk, mails: Mails) -> OutgoingMail:
    """The mail about the answer, which the mail server took."""
    last = mails()[-1].id
    assert outbox.drain(desk.session, lambda _mail: None, NOON) >= 1
    told = desk.session.get_one(OutgoingMail, last)
    assert (told.template, told.state) == ("line/answered", MailState.SENT)
    return told


@pytest.mark.parametrize("head", [False, True])
def test_a_mail_that_came_back_stands_among_the_undelivered(
    post: Post, desk: Desk, sent: OutgoingMail, head: bool
) -> None:
    assert post.bring(report(sent, head=head)).outcome is O.RETURNED

    desk.session.refresh(sent)
    assert (sent.state, sent.error) == (MailState.FAILED, "Came back: 5.1.1 550 5.1.1 No such user")
    last = desk.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (last.tag, last.subject, last.actor_id) == ("line:mail-returned", f"mail:{sent.id}", None)


@pytest.mark.parametrize(
    "values",
    [{"action": "delayed"}, {"recipient": "eve@example.org"}, {"identity": f"<{'0' * 32}@{HOST}>"},
     {"identity": "<x@elsewhere.example.org>"}],
)  # fmt: skip
def test_other_reports_change_nothing(post: Post, desk: Desk, sent: OutgoingMail, values: dict[str, str]) -> None:
    assert post.bring(report(sent, **values)).outcome is O.AUTOMATIC

    desk.session.refresh(sent)
    assert sent.state is MailState.SENT


def test_a_report_that_is_none_changes_nothing(post: Post, sent: OutgoingMail) -> None:
    head = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n"
    status = b"--b\nContent-Type: message/delivery-status\n\n"
    bodies = (b"", b"--b--", status + b"--b--", status + b"x\n--b\nContent-Type: message/rfc822\n\n--b--")
    assert {post.bring(head + b"\n" + body).outcome for body in bodies} == {O.AUTOMATIC}


# --- time ------------------------------------------------------------------------------------------------------------


def test_records_are_forgotten_after_their_time(post: Post, desk: Desk) -> None:
    post.bring(letter(post.to))
    post.bring(letter("nobody@example.org", number=2))
    strange = post.bring(letter(post.to, sender="eve@example.org", number=3))

    assert actions.forget(desk.session, at=NOON + timedelta(days=29)) == 0
    assert actions.forget(desk.session, at=NOON + timedelta(days=31)) == 1
    desk.session.expire_all()
    assert strange.sender is None
    assert actions.forget(desk.session, at=NOON + timedelta(days=91)) == 2
    assert [row.outcome for row in desk.session.scalars(sa.select(Incoming).order_by(Incoming.id))] == [O.TAKEN]
