"""Office hours and the line"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _series()
    _bookings()
    _fairness()
    _meetings()
    _calendars()
    _line()
    _resources()


def _series() -> None:
    """Exceptions, hosts' rotation and calendars, second engineers."""


def _bookings() -> None:
    """Strikes, caps, bookings by staff and by import."""


def _fairness() -> None:
    """Demand rounds and the waiting list."""


def _meetings() -> None:
    """Sealed questions, meeting links, the day itself, notes and what was promised."""


def _calendars() -> None:
    """Feeds and reminders."""


def _line() -> None:
    """Conversations with the team."""
    op.create_table(
        "line_canned_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_canned_answer_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_canned_answer")),
        sa.UniqueConstraint("challenge_id", "title", name=op.f("uq_line_canned_answer_challenge_id_title")),
    )
    op.create_table(
        "line_pace",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("first_days", sa.Integer(), nullable=False),
        sa.Column("next_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_days BETWEEN 1 AND 30", name=op.f("ck_line_pace_first_days")),
        sa.CheckConstraint("next_days BETWEEN 1 AND 30", name=op.f("ck_line_pace_next_days")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_pace_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_line_pace")),
    )
    op.create_table(
        "line_conversation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "waiting_for_team",
                "waiting_for_participant",
                "settled",
                name="conversationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('open', 'waiting_for_team')) = (due_at IS NOT NULL)",
            name=op.f("ck_line_conversation_due_while_waiting"),
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["account.id"], name=op.f("fk_line_conversation_assignee_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_conversation_challenge_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_line_conversation_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_conversation")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_line_conversation_participant_id")),
    )
    op.create_index("ix_line_conversation_assignee", "line_conversation", ["assignee_id", "due_at", "id"], unique=False)
    op.create_index("ix_line_conversation_queue", "line_conversation", ["challenge_id", "due_at", "id"], unique=False)
    op.create_table(
        "line_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "author",
            sa.Enum("participant", "team", "note", name="author", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "via",
            sa.Enum("page", "mail", name="via", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("in_mail", sa.Boolean(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.String(length=250), nullable=True),
        sa.CheckConstraint("NOT in_mail OR author = 'team'", name=op.f("ck_line_message_only_answers_in_mail")),
        sa.CheckConstraint(
            "via = 'page' OR author = 'participant'", name=op.f("ck_line_message_only_participants_by_mail")
        ),
        sa.CheckConstraint("left_out >= 0", name=op.f("ck_line_message_left_out")),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_line_message_says_something")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_line_message_account_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["line_conversation.id"], name=op.f("fk_line_message_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_message")),
        sa.UniqueConstraint("conversation_id", "key", name=op.f("uq_line_message_conversation_id_key")),
    )
    op.create_index("ix_line_message_account", "line_message", ["account_id", "at"], unique=False)
    op.create_index("ix_line_message_conversation", "line_message", ["conversation_id", "id"], unique=False)
    op.create_table(
        "line_silence",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_line_silence_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_line_silence")),
    )
    op.create_table(
        "line_incoming",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox", sa.String(length=64), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "taken",
                "automatic",
                "returned",
                "repeated",
                "empty",
                "unaddressed",
                "forged",
                "other_sender",
                "no_place",
                "too_many",
                "too_large",
                "encrypted",
                "unreadable",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("challenge_id", sa.Integer(), nullable=True),
        sa.Column("conversation_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("sender", sa.String(length=254), nullable=True),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("handled_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "outcome <> 'taken' OR message_id IS NOT NULL", name=op.f("ck_line_incoming_taken_is_there")
        ),
        sa.CheckConstraint(
            "sender IS NULL OR (outcome = 'other_sender' AND handled_at IS NULL)",
            name=op.f("ck_line_incoming_sender_brief"),
        ),
        sa.CheckConstraint(
            "(handled_at IS NULL) = (handled_by_id IS NULL)", name=op.f("ck_line_incoming_handled_by_whom")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_line_incoming_account_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_incoming_challenge_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["line_conversation.id"], name=op.f("fk_line_incoming_conversation_id")
        ),
        sa.ForeignKeyConstraint(["handled_by_id"], ["account.id"], name=op.f("fk_line_incoming_handled_by_id")),
        sa.ForeignKeyConstraint(["message_id"], ["line_message.id"], name=op.f("fk_line_incoming_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_incoming")),
        sa.UniqueConstraint("digest", name=op.f("uq_line_incoming_digest")),
        sa.UniqueConstraint("mailbox", "validity", "uid", name=op.f("uq_line_incoming_mailbox_validity_uid")),
    )
    op.create_index("ix_line_incoming_account", "line_incoming", ["account_id", "at"], unique=False)
    op.create_index("ix_line_incoming_challenge", "line_incoming", ["challenge_id", "at"], unique=False)
    op.create_index(
        "ix_line_incoming_open",
        "line_incoming",
        ["challenge_id", "id"],
        unique=False,
        sqlite_where=sa.text("outcome = 'other_sender' AND handled_at IS NULL"),
        postgresql_where=sa.text("outcome = 'other_sender' AND handled_at IS NULL"),
    )
    op.create_table(
        "line_read",
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_line_read_account_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["line_conversation.id"], name=op.f("fk_line_read_conversation_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["line_message.id"], name=op.f("fk_line_read_message_id")),
        sa.PrimaryKeyConstraint("conversation_id", "account_id", name=op.f("pk_line_read")),
    )
    op.create_index(op.f("ix_line_read_account_id"), "line_read", ["account_id"], unique=False)
    op.add_column("outgoing_mail", sa.Column("reply_to", sa.String(length=254), nullable=True))
    op.add_column("outgoing_mail", sa.Column("thread", sa.String(length=600), nullable=True))


def _resources() -> None:
    """Documents, downloads, builds and announcements."""


def downgrade() -> None:
    """Nothing leads back: conversations and notes would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
