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
    op.create_table(
        "office_reminder_choice",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Boolean(), nullable=False),
        sa.Column("hour", sa.Boolean(), nullable=False),
        sa.Column("quarter", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_reminder_choice_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_office_reminder_choice")),
    )
    with op.batch_alter_table("office_feed", schema=None) as batch_op:
        batch_op.add_column(sa.Column("challenge_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_office_feed_challenge_id"), "challenge", ["challenge_id"], ["id"])
        batch_op.drop_constraint(op.f("ck_office_feed_scope"), type_="check")
        batch_op.create_check_constraint(op.f("ck_office_feed_scope"), "scope IN ('mine', 'host', 'busy')")
        batch_op.create_check_constraint(
            op.f("ck_office_feed_busy_of_a_challenge"), "(scope = 'busy') = (challenge_id IS NOT NULL)"
        )
        batch_op.drop_index("uq_office_feed_live")
        batch_op.create_index(
            "uq_office_feed_live",
            ["account_id", "scope"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL AND challenge_id IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL AND challenge_id IS NULL"),
        )
        batch_op.create_index(
            "uq_office_feed_busy",
            ["challenge_id"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )


def _line() -> None:
    """Conversations with the team."""


def _resources() -> None:
    """Documents, downloads, builds and announcements."""


def downgrade() -> None:
    """Nothing leads back: conversations and notes would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
