"""Kits"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _stock()
    _policy()
    _bench()
    _carriers()
    _tracking()
    _participants()


def _stock() -> None:
    """Reservations, and who needs a kit."""


def _policy() -> None:
    """Address keys, country policies, screening lists, holds."""


def _bench() -> None:
    """The sender, and what was scanned at the bench."""


def _carriers() -> None:
    """Files for carriers' programs."""
    op.create_table(
        "carrier_export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_carrier_export_count_positive")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_carrier_export_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_carrier_export_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_export")),
    )
    op.create_index("ix_carrier_export_challenge_id", "carrier_export", ["challenge_id", "id"], unique=False)


def _tracking() -> None:
    """News of carriers, and when they are asked."""


def _participants() -> None:
    """Returns, replacements that are asked for, and which mails somebody wants."""


def downgrade() -> None:
    """Nothing leads back: holds, reservations and returns would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
