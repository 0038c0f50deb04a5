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
    _policies()
    _lists()
    _holds()
    _addresses()


def _policies() -> None:
    op.create_table(
        "country_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=80), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("allow", "review", "blocked", name="verdict", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "ended_at IS NOT NULL OR ended_by_id IS NULL", name=op.f("ck_country_policy_ended_by_someone")
        ),
        sa.CheckConstraint("length(country) = 2", name=op.f("ck_country_policy_country_code")),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_country_policy_author_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_country_policy_challenge_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["account.id"], name=op.f("fk_country_policy_ended_by_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["country_policy.id"], name=op.f("fk_country_policy_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_country_policy")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_country_policy_replaces_id")),
    )
    with op.batch_alter_table("country_policy", schema=None) as batch_op:
        batch_op.create_index(
            "uq_country_policy_open",
            ["challenge_id", "country", "region"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def _lists() -> None:
    op.create_table(
        "screening_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("filename", sa.String(length=120), nullable=False),
        sa.Column("shape", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "loading",
                "live",
                "replaced",
                "retired",
                name="liststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("imported_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("threshold BETWEEN 60 AND 100", name=op.f("ck_screening_list_threshold_range")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_screening_list_challenge_id")),
        sa.ForeignKeyConstraint(["imported_by_id"], ["account.id"], name=op.f("fk_screening_list_imported_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_list")),
    )
    with op.batch_alter_table("screening_list", schema=None) as batch_op:
        batch_op.create_index(
            "uq_screening_list_live",
            ["challenge_id", "name"],
            unique=True,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )
    op.create_table(
        "screening_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["screening_list.id"], name=op.f("fk_screening_entry_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_entry")),
    )
    with op.batch_alter_table("screening_entry", schema=None) as batch_op:
        batch_op.create_index("ix_screening_entry_list", ["list_id", "digest"], unique=False)


def _holds() -> None:
    op.create_table(
        "shipment_hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "policy_blocked",
                "policy_review",
                "screening",
                "manual",
                name="holdkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("address_version", sa.Integer(), nullable=True),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("placed_at", UtcDateTime(), nullable=False),
        sa.Column("placed_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum("cleared", "confirmed", name="judgement", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("judged_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(kind = 'manual') = (ref = '')", name=op.f("ck_shipment_hold_manual_refers_to_nothing")),
        sa.CheckConstraint("verdict IS NULL OR note <> ''", name=op.f("ck_shipment_hold_judged_with_note")),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict <> 'cleared' OR lifted_at IS NOT NULL",
            name=op.f("ck_shipment_hold_cleared_is_lifted"),
        ),
        sa.CheckConstraint("(verdict IS NULL) = (judged_at IS NULL)", name=op.f("ck_shipment_hold_judged_time")),
        sa.ForeignKeyConstraint(["judged_by_id"], ["account.id"], name=op.f("fk_shipment_hold_judged_by_id")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["account.id"], name=op.f("fk_shipment_hold_lifted_by_id")),
        sa.ForeignKeyConstraint(["placed_by_id"], ["account.id"], name=op.f("fk_shipment_hold_placed_by_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_hold_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_hold")),
    )
    with op.batch_alter_table("shipment_hold", schema=None) as batch_op:
        batch_op.create_index("ix_shipment_hold_queue", ["lifted_at", "placed_at", "id"], unique=False)
        batch_op.create_index(
            "uq_shipment_hold_live",
            ["shipment_id", "kind", "ref"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )
    # What was held by hand before is held by hand still.
    op.execute(
        "INSERT INTO shipment_hold (shipment_id, kind, ref, reason, field, evidence, placed_at, note) "
        "SELECT id, 'manual', '', hold_reason, '', '{}', state_since, '' FROM shipment WHERE state = 'held'"
    )


def _addresses() -> None:
    op.create_table(
        "address_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "policy_blocked",
                "policy_review",
                "screening",
                "manual",
                name="holdkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_address_finding_participant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_finding")),
        sa.UniqueConstraint("participant_id", "kind", "ref", name=op.f("uq_address_finding_participant_id_kind_ref")),
    )
    with op.batch_alter_table("delivery_address", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed_with", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("judged_by", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_delivery_address_sealed_with", ["sealed_with", "participant_id"], unique=False)
        batch_op.create_check_constraint(
            op.f("ck_delivery_address_sealed_with_key"), "sealed_with IS NULL OR sealed IS NOT NULL"
        )
        batch_op.create_check_constraint(op.f("ck_delivery_address_version_positive"), "version > 0")


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
    op.create_table(
        "tracking_news",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("said", sa.String(length=120), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "address_requested",
                "address_confirmed",
                "held",
                "ready",
                "packed",
                "labelled",
                "handed_over",
                "in_transit",
                "exception",
                "customs_hold",
                "out_for_delivery",
                "available_for_pickup",
                "delivered",
                "received",
                "returning",
                "returned",
                "lost",
                "cancelled",
                name="shipmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("description", sa.String(length=120), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.Column("shipment_id", sa.Integer(), nullable=True),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "taken",
                "unmatched",
                "ignored",
                "failed",
                name="newsstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state <> 'taken' OR shipment_id IS NOT NULL", name=op.f("ck_tracking_news_taken_by_a_parcel")
        ),
        sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name=op.f("ck_tracking_news_failed_has_error")),
        sa.CheckConstraint("number <> '' OR state IN ('failed', 'ignored')", name=op.f("ck_tracking_news_numbered")),
        sa.CheckConstraint("NOT by_hand OR shipment_id IS NOT NULL", name=op.f("ck_tracking_news_matched_to_a_parcel")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_tracking_news_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_news")),
        sa.UniqueConstraint("provider", "event_key", name=op.f("uq_tracking_news_provider_event_key")),
    )
    op.create_index("ix_tracking_news_due", "tracking_news", ["state", "next_at"], unique=False)
    op.create_index("ix_tracking_news_number", "tracking_news", ["number"], unique=False)
    op.create_index("ix_tracking_news_shipment", "tracking_news", ["shipment_id"], unique=False)
    op.create_table(
        "tracking_poll",
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column("adapter", sa.String(length=20), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_tracking_poll_failures_counted")),
        sa.CheckConstraint("(failures = 0) = (last_error IS NULL)", name=op.f("ck_tracking_poll_failed_has_error")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_tracking_poll_shipment_id")),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_tracking_poll")),
    )
    op.create_index("ix_tracking_poll_due", "tracking_poll", ["adapter", "next_at"], unique=False)


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
        sa.Column("scanned_at", UtcDateTime(), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (answer IS NOT NULL)", name=op.f("ck_kit_return_cancelled_has_reason")
        ),
        sa.CheckConstraint(
            "(state IN ('arrived', 'inspected')) = (arrived_at IS NOT NULL)", name=op.f("ck_kit_return_arrived_time")
        ),
        sa.CheckConstraint(
            "delivered_at IS NULL OR scanned_at IS NOT NULL", name=op.f("ck_kit_return_delivered_is_scanned")
        ),
        sa.CheckConstraint("label IS NULL OR state = 'announced'", name=op.f("ck_kit_return_label_while_announced")),
        sa.CheckConstraint("scanned_at IS NULL OR sent_at IS NOT NULL", name=op.f("ck_kit_return_scanned_is_sent")),
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
