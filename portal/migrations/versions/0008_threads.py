"""Sealed messages both ways, researchers' certificates, reply templates"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OF_REPORT = "state IN ('open', 'complete') AND message_id IS NULL"
OF_MESSAGE = "state IN ('open', 'complete') AND message_id IS NOT NULL"


def upgrade() -> None:
    _templates()
    _certificates()
    _messages()
    _readers()
    _readings()
    _opened_by()
    _uploads()


def _uploads() -> None:
    """A message's bytes are an upload. The column is added in place, so that nothing else of the table is made anew."""
    op.execute(
        "ALTER TABLE report_upload ADD COLUMN message_id INTEGER "
        "CONSTRAINT fk_report_upload_message_id REFERENCES report_message (id)"
    )
    op.drop_index("uq_report_upload_live", table_name="report_upload")
    for name, columns, where in (
        ("uq_report_upload_live", ["report_id", "number"], sa.text(OF_REPORT)),
        ("uq_report_upload_message", ["message_id"], sa.text(OF_MESSAGE)),
    ):
        op.create_index(name, "report_upload", columns, unique=True, sqlite_where=where, postgresql_where=where)


def _templates() -> None:
    """General words with a reason code."""
    op.create_table(
        "reply_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("move", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_reply_template_version_positive")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_reply_template_challenge_id")),
        sa.ForeignKeyConstraint(["changed_by_id"], ["account.id"], name=op.f("fk_reply_template_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_template")),
        sa.UniqueConstraint("challenge_id", "code", name=op.f("uq_reply_template_challenge_id_code")),
    )


def _certificates() -> None:
    """To what the team seals its replies."""
    op.create_table(
        "researcher_certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("key_ids", sa.JSON(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "live",
                "replaced",
                "removed",
                name="certificatestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("challenge", sa.Text(), nullable=True),
        sa.Column("proof_hash", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("proved_at", UtcDateTime(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'offered') = (challenge IS NOT NULL)",
            name=op.f("ck_researcher_certificate_offered_has_challenge"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('live', 'replaced') OR proved_at IS NOT NULL",
            name=op.f("ck_researcher_certificate_live_is_proved"),
        ),
        sa.CheckConstraint(
            "(challenge IS NULL) = (proof_hash IS NULL)", name=op.f("ck_researcher_certificate_challenge_has_proof")
        ),
        sa.CheckConstraint("length(fingerprint) = 40", name=op.f("ck_researcher_certificate_fingerprint_whole")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_researcher_certificate_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_researcher_certificate")),
    )
    op.create_index("ix_researcher_certificate_account", "researcher_certificate", ["account_id", "id"], unique=False)
    op.create_index(
        "uq_researcher_certificate_live",
        "researcher_certificate",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_index(
        "uq_researcher_certificate_offered",
        "researcher_certificate",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )


def _messages() -> None:
    """Sealed messages both ways."""
    op.create_table(
        "report_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("researcher", "team", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("uploading", "sent", name="messagestate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("reason_words", sa.String(length=120), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_report_message_sent_has_time")),
        sa.CheckConstraint("side = 'team' OR reason IS NULL", name=op.f("ck_report_message_reason_is_the_teams")),
        sa.CheckConstraint(
            "(reason IS NULL) = (reason_words IS NULL)", name=op.f("ck_report_message_reason_has_words")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_report_message_number_positive")),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_report_message_author_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_message_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_message")),
        sa.UniqueConstraint("report_id", "number", name=op.f("uq_report_message_report_id_number")),
    )
    op.create_index(
        "uq_report_message_draft",
        "report_message",
        ["report_id", "author_id"],
        unique=True,
        sqlite_where=sa.text("state = 'uploading'"),
        postgresql_where=sa.text("state = 'uploading'"),
    )


def _readers() -> None:
    """Who of a team reads beside the one who sent the report."""
    op.create_table(
        "report_reader",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_report_reader_account_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_reader_report_id")),
        sa.PrimaryKeyConstraint("report_id", "account_id", name=op.f("pk_report_reader")),
    )


def _readings() -> None:
    """How far somebody has read."""
    op.create_table(
        "report_reading",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_report_reading_account_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_reading_report_id")),
        sa.PrimaryKeyConstraint("report_id", "account_id", name=op.f("pk_report_reading")),
    )


def _opened_by() -> None:
    """The researchers' certificates that open a message."""
    op.create_table(
        "report_message_reader",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["researcher_certificate.id"], name=op.f("fk_report_message_reader_certificate_id")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["report_message.id"], name=op.f("fk_report_message_reader_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "certificate_id", name=op.f("pk_report_message_reader")),
    )
    op.create_index(
        op.f("ix_report_message_reader_certificate_id"), "report_message_reader", ["certificate_id"], unique=False
    )


def downgrade() -> None:
    """Nothing leads back: messages would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
