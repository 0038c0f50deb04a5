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


def _resources() -> None:
    """Documents, downloads, builds and announcements."""
    op.create_table(
        "build",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "available",
                "pinned",
                "withdrawn",
                name="buildstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_build_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build")),
        sa.UniqueConstraint("challenge_id", "id", name=op.f("uq_build_challenge_id_id")),
        sa.UniqueConstraint("challenge_id", "name", name=op.f("uq_build_challenge_id_name")),
    )
    op.create_table(
        "resource_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("begun_by_id", sa.Integer(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("unnamed_since", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(completed_at IS NULL) = (sha256 IS NULL)", name=op.f("ck_resource_file_complete_has_hash")
        ),
        sa.CheckConstraint("(completed_at IS NULL) = (size IS NULL)", name=op.f("ck_resource_file_complete_has_size")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_resource_file_sha256_whole")),
        sa.CheckConstraint("size > 0", name=op.f("ck_resource_file_size_positive")),
        sa.ForeignKeyConstraint(["begun_by_id"], ["account.id"], name=op.f("fk_resource_file_begun_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_resource_file_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_file")),
        sa.UniqueConstraint("challenge_id", "id", name=op.f("uq_resource_file_challenge_id_id")),
        sa.UniqueConstraint("folder", name=op.f("uq_resource_file_folder")),
    )
    with op.batch_alter_table("resource_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_resource_file_unnamed_since"), ["unnamed_since"], unique=False)

    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("publish_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("published", "withdrawn", name="news", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("publish_at >= created_at", name=op.f("ck_announcement_never_backdated")),
        sa.ForeignKeyConstraint(
            ["challenge_id", "build_id"],
            ["build.challenge_id", "build.id"],
            name=op.f("fk_announcement_challenge_id_build_id"),
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_announcement_challenge_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_announcement_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
    )
    with op.batch_alter_table("announcement", schema=None) as batch_op:
        batch_op.create_index("ix_announcement_build", ["build_id"], unique=False)
        batch_op.create_index("ix_announcement_out", ["challenge_id", "publish_at", "id"], unique=False)

    op.create_table(
        "resource",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "document",
                "download",
                "link",
                name="resourcekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "published",
                "withdrawn",
                name="publication",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(kind = 'document') = (body IS NOT NULL)", name=op.f("ck_resource_document_has_body")),
        sa.CheckConstraint("(kind = 'link') = (url IS NOT NULL)", name=op.f("ck_resource_link_has_url")),
        sa.CheckConstraint(
            "kind <> 'download' OR state = 'draft' OR file_id IS NOT NULL", name=op.f("ck_resource_given_out_with_file")
        ),
        sa.CheckConstraint("kind = 'download' OR file_id IS NULL", name=op.f("ck_resource_download_has_file")),
        sa.ForeignKeyConstraint(
            ["challenge_id", "build_id"],
            ["build.challenge_id", "build.id"],
            name=op.f("fk_resource_challenge_id_build_id"),
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id", "file_id"],
            ["resource_file.challenge_id", "resource_file.id"],
            name=op.f("fk_resource_challenge_id_file_id"),
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_resource_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
    )
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.create_index("ix_resource_build", ["build_id"], unique=False)
        batch_op.create_index("ix_resource_file", ["file_id"], unique=False)
        batch_op.create_index("ix_resource_place", ["challenge_id", "position", "id"], unique=False)

    op.create_table(
        "resource_file_piece",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_resource_file_piece_sha256_whole")),
        sa.CheckConstraint("size > 0 AND size <= 8388608", name=op.f("ck_resource_file_piece_size_fits")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["resource_file.id"], name=op.f("fk_resource_file_piece_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "number", name=op.f("pk_resource_file_piece")),
    )
    op.create_table(
        "announcement_mail",
        sa.Column("announcement_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("posted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcement.id"], name=op.f("fk_announcement_mail_announcement_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_announcement_mail_member_id")),
        sa.PrimaryKeyConstraint("announcement_id", "member_id", name=op.f("pk_announcement_mail")),
    )
    with op.batch_alter_table("announcement_mail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_announcement_mail_member_id"), ["member_id"], unique=False)

    op.create_table(
        "announcement_read",
        sa.Column("announcement_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_announcement_read_account_id")),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcement.id"], name=op.f("fk_announcement_read_announcement_id")
        ),
        sa.PrimaryKeyConstraint("announcement_id", "account_id", name=op.f("pk_announcement_read")),
    )
    with op.batch_alter_table("announcement_read", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_announcement_read_account_id"), ["account_id"], unique=False)

    op.create_table(
        "news_choice",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "choice",
            sa.Enum("at once", "daily", "never", name="newsmail", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_news_choice_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_news_choice")),
    )


def downgrade() -> None:
    """Nothing leads back: conversations and notes would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
