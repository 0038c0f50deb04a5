"""Kits"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Columns are added as both engines can without making the table anew, which on SQLite would lose its triggers.
STOCK = (
    "ALTER TABLE application ADD COLUMN needs_kit BOOLEAN DEFAULT TRUE NOT NULL",
    "ALTER TABLE application ADD COLUMN no_kit_because VARCHAR(300) "
    "CONSTRAINT ck_application_no_kit_has_reason CHECK (needs_kit = (no_kit_because IS NULL))",
    "ALTER TABLE participant ADD COLUMN needs_kit BOOLEAN DEFAULT TRUE NOT NULL",
    "ALTER TABLE kit_model ADD COLUMN per_place INTEGER DEFAULT 1 NOT NULL "
    "CONSTRAINT ck_kit_model_per_place_in_range CHECK (per_place BETWEEN 0 AND 20)",
    "ALTER TABLE kit_unit ADD COLUMN sitting VARCHAR(16)",
)


def upgrade() -> None:
    _stock()
    _policy()
    _bench()
    _carriers()
    _tracking()
    _participants()


def _stock() -> None:
    """Reservations, and who needs a kit."""
    for statement in STOCK:
        op.execute(statement)
    op.create_index("ix_kit_unit_sitting", "kit_unit", ["sitting", "id"])
    op.create_table(
        "kit_reservation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_kit_reservation_challenge_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["kit_unit.id"], name=op.f("fk_kit_reservation_unit_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_kit_reservation_participant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_reservation")),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_kit_reservation_live", "kit_reservation", ["unit_id"], unique=True, sqlite_where=live, postgresql_where=live
    )
    for name, columns in (
        ("challenge_id", ["challenge_id", "ended_at", "id"]),
        ("holder", ["holder", "ended_at"]),
        ("participant_id", ["participant_id", "ended_at"]),
    ):
        op.create_index(f"ix_kit_reservation_{name}", "kit_reservation", columns)


def _policy() -> None:
    """Address keys, country policies, screening lists, holds."""


def _bench() -> None:
    """The sender, and what was scanned at the bench."""


def _carriers() -> None:
    """Files for carriers' programs."""


def _tracking() -> None:
    """News of carriers, and when they are asked."""


def _participants() -> None:
    """Returns, replacements that are asked for, and which mails somebody wants."""


def downgrade() -> None:
    """Nothing leads back: holds, reservations and returns would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
