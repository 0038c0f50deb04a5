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
    op.create_table(
        "kit_sender",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("company", sa.String(length=80), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("region", sa.String(length=80), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("tax_id", sa.String(length=40), nullable=False),
        sa.Column("export_reason", sa.String(length=120), nullable=False),
        sa.Column("packaging_g", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("packaging_g >= 0", name=op.f("ck_kit_sender_packaging_weight")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_kit_sender_challenge_id")),
        sa.ForeignKeyConstraint(["changed_by_id"], ["account.id"], name=op.f("fk_kit_sender_changed_by_id")),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_kit_sender")),
    )
    op.create_table(
        "packing_station",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("asked_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(asked_id IS NULL) = (asked_at IS NULL)", name=op.f("ck_packing_station_asked_time")),
        sa.CheckConstraint("(shipment_id IS NULL) = (since IS NULL)", name=op.f("ck_packing_station_open_since")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_packing_station_account_id")),
        sa.ForeignKeyConstraint(["asked_id"], ["shipment.id"], name=op.f("fk_packing_station_asked_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_packing_station_challenge_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_packing_station_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packing_station")),
        sa.UniqueConstraint("challenge_id", "account_id", name=op.f("uq_packing_station_challenge_id_account_id")),
        sa.UniqueConstraint("shipment_id", name=op.f("uq_packing_station_shipment_id")),
    )
    op.create_table(
        "packing_scan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column(
            "result",
            sa.Enum(
                "opened",
                "checked",
                "added",
                "swapped",
                "packed",
                "undone",
                "left",
                "asked",
                "unknown",
                "foreign",
                "no_parcel",
                "elsewhere",
                "gone",
                "wrong_model",
                "too_many",
                "again",
                "not_ready",
                "incomplete",
                "nothing",
                name="scanresult",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("replaced_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["place_id"], ["shipment_unit.id"], name=op.f("fk_packing_scan_place_id")),
        sa.ForeignKeyConstraint(["replaced_id"], ["shipment_unit.id"], name=op.f("fk_packing_scan_replaced_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_packing_scan_shipment_id")),
        sa.ForeignKeyConstraint(["station_id"], ["packing_station.id"], name=op.f("fk_packing_scan_station_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packing_scan")),
        sa.UniqueConstraint("station_id", "key", name=op.f("uq_packing_scan_station_id_key")),
    )
    op.create_index("ix_packing_scan_station", "packing_scan", ["station_id", "id"], unique=False)
    with op.batch_alter_table("shipment_unit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scanned_at", UtcDateTime(), nullable=True))
    # So far a unit went into a parcel by its serial number, typed or scanned there.
    op.execute("UPDATE shipment_unit SET scanned_at = since")


def _carriers() -> None:
    """Files for carriers' programs."""


def _tracking() -> None:
    """News of carriers, and when they are asked."""


def _participants() -> None:
    """Returns, replacements that are asked for, and which mails somebody wants."""


def downgrade() -> None:
    """Nothing leads back: holds, reservations and returns would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
