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


def _tracking() -> None:
    """News of carriers, and when they are asked."""


def _participants() -> None:
    """Returns, replacements that are asked for, and which mails somebody wants."""
    op.create_table(
        "kit_mail_choice",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "topic",
            sa.Enum(
                "address",
                "reminders",
                "handed_over",
                "trouble",
                "out",
                "pickup",
                "delivered",
                "answers",
                "returns",
                name="topic",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("chosen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_kit_mail_choice_member_id")),
        sa.PrimaryKeyConstraint("member_id", "topic", name=op.f("pk_kit_mail_choice")),
    )
    op.create_table(
        "kit_reminder",
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("address", "return", name="reminder", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_kit_reminder_shipment_id")),
        sa.PrimaryKeyConstraint("shipment_id", "kind", "number", name=op.f("pk_kit_reminder")),
    )
    op.create_table(
        "kit_replacement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "planned",
                "refused",
                "withdrawn",
                name="replacementstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.Column("made_id", sa.Integer(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'planned') = (made_id IS NOT NULL)", name=op.f("ck_kit_replacement_planned_is_made")
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (answer IS NOT NULL)", name=op.f("ck_kit_replacement_refused_has_answer")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["account.id"], name=op.f("fk_kit_replacement_asked_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_kit_replacement_challenge_id")),
        sa.ForeignKeyConstraint(["made_id"], ["shipment.id"], name=op.f("fk_kit_replacement_made_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_kit_replacement_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_replacement")),
    )
    op.create_index("ix_kit_replacement_queue", "kit_replacement", ["challenge_id", "state", "asked_at"], unique=False)
    op.create_index("ix_kit_replacement_shipment_id", "kit_replacement", ["shipment_id"], unique=False)
    op.create_index(
        "uq_kit_replacement_asked",
        "kit_replacement",
        ["shipment_id"],
        unique=True,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "kit_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "announced",
                "arrived",
                "inspected",
                "cancelled",
                name="returnstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("carrier", sa.String(length=40), nullable=True),
        sa.Column("tracking_number", sa.String(length=60), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("instructions", sa.String(length=1000), nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (answer IS NOT NULL)", name=op.f("ck_kit_return_cancelled_has_reason")
        ),
        sa.CheckConstraint(
            "(state IN ('arrived', 'inspected')) = (arrived_at IS NOT NULL)", name=op.f("ck_kit_return_arrived_time")
        ),
        sa.CheckConstraint("label IS NULL OR state = 'announced'", name=op.f("ck_kit_return_label_while_announced")),
        sa.CheckConstraint(
            "state <> 'announced' OR expected_on IS NOT NULL", name=op.f("ck_kit_return_announced_has_day")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["account.id"], name=op.f("fk_kit_return_asked_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_kit_return_challenge_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_kit_return_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_return")),
    )
    op.create_index("ix_kit_return_board", "kit_return", ["challenge_id", "state", "expected_on", "id"], unique=False)
    op.create_index("ix_kit_return_shipment_id", "kit_return", ["shipment_id"], unique=False)
    op.create_index(
        "uq_kit_return_expected",
        "kit_return",
        ["shipment_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('asked', 'announced')"),
        postgresql_where=sa.text("state IN ('asked', 'announced')"),
    )
    op.create_table(
        "unit_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=True),
        sa.Column("came_back_at", UtcDateTime(), nullable=False),
        sa.Column("inspected_at", UtcDateTime(), nullable=True),
        sa.Column("inspected_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "condition",
            sa.Enum(
                "good",
                "worn",
                "damaged",
                "incomplete",
                name="condition",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("wiped", sa.Boolean(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.CheckConstraint("(inspected_at IS NULL) = (condition IS NULL)", name=op.f("ck_unit_return_inspected_whole")),
        sa.CheckConstraint("(inspected_at IS NULL) = (wiped IS NULL)", name=op.f("ck_unit_return_inspected_wiped")),
        sa.ForeignKeyConstraint(
            ["inspected_by_id"], ["account.id"], name=op.f("fk_unit_return_inspected_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["return_id"], ["kit_return.id"], name=op.f("fk_unit_return_return_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["kit_unit.id"], name=op.f("fk_unit_return_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_return")),
    )
    op.create_index("ix_unit_return_return_id", "unit_return", ["return_id"], unique=False)
    op.create_index("ix_unit_return_unit_id", "unit_return", ["unit_id", "id"], unique=False)
    op.create_index(
        "uq_unit_return_unseen",
        "unit_return",
        ["unit_id"],
        unique=True,
        sqlite_where=sa.text("inspected_at IS NULL"),
        postgresql_where=sa.text("inspected_at IS NULL"),
    )
    # What came back before inspections were known waits for one.
    op.execute(
        "INSERT INTO unit_return (unit_id, came_back_at, note) "
        "SELECT id, state_since, '' FROM kit_unit WHERE state = 'returned'"
    )


def downgrade() -> None:
    """Nothing leads back: holds, reservations and returns would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
