"""Conversations and what is said in them, what everybody has read, and the mails that came in."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.line.states import Author, ConversationState, Outcome, Via


class Conversation(Moving[ConversationState], Model):
    """The one conversation of a participant with the team.

    `due_at` is when the team's clock runs out, None where it is not the team's turn. `subject` and `last_at` are those
    of the last message that the participant sees.
    """

    __tablename__ = "line_conversation"
    __table_args__ = (
        sa.CheckConstraint("(state IN ('open', 'waiting_for_team')) = (due_at IS NOT NULL)", name="due_while_waiting"),
        sa.Index("ix_line_conversation_queue", "challenge_id", "due_at", "id"),
        sa.Index("ix_line_conversation_assignee", "assignee_id", "due_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id), unique=True)
    state: Mapped[ConversationState] = mapped_column(default=ConversationState.OPEN)
    state_since: Mapped[datetime]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    subject: Mapped[str] = mapped_column(sa.String(120), default="")
    last_at: Mapped[datetime]
    assignee_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))

    challenge: Mapped[Challenge] = refers()
    participant: Mapped[Participant] = refers(lazy="raise_on_sql")
    assignee: Mapped[Account | None] = refers(lazy="raise_on_sql")


class Message(Model):
    """One message, or a note of the team. `key` is the form's or the mail's: what was sent twice is one message.

    `in_mail` says that the writer took the text for harmless, so that it stands in the mail as well; `left_out` how
    many attachments of a mail were not taken; `mail_id` the Message-ID of a mail, which the answer follows.
    """

    __tablename__ = "line_message"
    __table_args__ = (
        sa.UniqueConstraint("conversation_id", "key"),
        sa.CheckConstraint("length(text) > 0", name="says_something"),
        sa.CheckConstraint("left_out >= 0", name="left_out"),
        sa.CheckConstraint("NOT in_mail OR author = 'team'", name="only_answers_in_mail"),
        sa.CheckConstraint("via = 'page' OR author = 'participant'", name="only_participants_by_mail"),
        sa.Index("ix_line_message_conversation", "conversation_id", "id"),
        sa.Index("ix_line_message_account", "account_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey(Conversation.id))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    author: Mapped[Author]
    via: Mapped[Via] = mapped_column(default=Via.PAGE)
    at: Mapped[datetime]
    subject: Mapped[str] = mapped_column(sa.String(120), default="")
    text: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[str] = mapped_column(sa.String(64))
    in_mail: Mapped[bool] = mapped_column(default=False)
    left_out: Mapped[int] = mapped_column(default=0)
    mail_id: Mapped[str | None] = mapped_column(sa.String(250))
    account: Mapped[Account] = refers(lazy="raise_on_sql")


class ReadMark(Model):
    """Up to which message a person has read a conversation."""

    __tablename__ = "line_read"

    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey(Conversation.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True, index=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey(Message.id))


class Silence(Model):
    """A member who wants no mails about new answers."""

    __tablename__ = "line_silence"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    since: Mapped[datetime]


class CannedAnswer(Model):
    """A text that the team need not write anew each time."""

    __tablename__ = "line_canned_answer"
    __table_args__ = (sa.UniqueConstraint("challenge_id", "title"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    title: Mapped[str] = mapped_column(sa.String(80))
    text: Mapped[str] = mapped_column(sa.Text)


class Pace(Model):
    """How soon a challenge's team means to answer, in business days; without a row the usual holds."""

    __tablename__ = "line_pace"
    __table_args__ = (
        sa.CheckConstraint("first_days BETWEEN 1 AND 30", name="first_days"),
        sa.CheckConstraint("next_days BETWEEN 1 AND 30", name="next_days"),
    )

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id), primary_key=True)
    first_days: Mapped[int]
    next_days: Mapped[int]


_OPEN = sa.text("outcome = 'other_sender' AND handled_at IS NULL")


class Incoming(Model):
    """One mail that came in, and what became of it; never its text.

    It is known by its place in the mailbox, and, where it is a participant's, by the hash of its Message-ID. `sender`
    is kept only while somebody of the team has to look at a mail from another address than the member's.
    """

    __tablename__ = "line_incoming"
    __table_args__ = (
        sa.UniqueConstraint("mailbox", "validity", "uid"),
        sa.CheckConstraint("sender IS NULL OR (outcome = 'other_sender' AND handled_at IS NULL)", name="sender_brief"),
        sa.CheckConstraint("(handled_at IS NULL) = (handled_by_id IS NULL)", name="handled_by_whom"),
        sa.CheckConstraint("outcome <> 'taken' OR message_id IS NOT NULL", name="taken_is_there"),
        sa.Index("ix_line_incoming_challenge", "challenge_id", "at"),
        sa.Index("ix_line_incoming_account", "account_id", "at"),
        sa.Index("ix_line_incoming_open", "challenge_id", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mailbox: Mapped[str] = mapped_column(sa.String(64))
    validity: Mapped[int] = mapped_column(sa.BigInteger)
    uid: Mapped[int] = mapped_column(sa.BigInteger)
    digest: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    at: Mapped[datetime]
    outcome: Mapped[Outcome]
    challenge_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Challenge.id))
    conversation_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Conversation.id))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Message.id))
    sender: Mapped[str | None] = mapped_column(sa.String(254))
    handled_at: Mapped[datetime | None]
    handled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))


explain(
    "uq_line_message_conversation_id_key",
    "This was sent already.",
    columns="line_message.conversation_id, line_message.key",
)
explain(
    "uq_line_canned_answer_challenge_id_title",
    "There is a canned answer of this title already.",
    columns="line_canned_answer.challenge_id, line_canned_answer.title",
)
