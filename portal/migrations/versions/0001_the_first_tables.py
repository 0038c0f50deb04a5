"""The first tables"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import Money, UtcDateTime

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# What only one of the two engines understands: triggers, functions, exclusion constraints.
SQLITE = (
    """CREATE TRIGGER audit_entry_no_update BEFORE update ON audit_entry BEGIN SELECT RAISE(ABORT, 'append-only: audit_entry is never changed'); END""",
    """CREATE TRIGGER audit_entry_no_delete BEFORE delete ON audit_entry BEGIN SELECT RAISE(ABORT, 'append-only: audit_entry is never changed'); END""",
    """CREATE TRIGGER shipment_event_no_update BEFORE update ON shipment_event BEGIN SELECT RAISE(ABORT, 'append-only: shipment_event is never changed'); END""",
    """CREATE TRIGGER shipment_event_no_delete BEFORE delete ON shipment_event BEGIN SELECT RAISE(ABORT, 'append-only: shipment_event is never changed'); END""",
    """CREATE TRIGGER ex_office_slot_host_insert BEFORE INSERT ON office_slot FOR EACH ROW WHEN NEW.state = 'open' AND EXISTS (
    SELECT 1 FROM office_slot AS other WHERE other.host_id = NEW.host_id AND other.id IS NOT NEW.id AND other.state = 'open'
    AND other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from
) BEGIN SELECT RAISE(ABORT, 'ex_office_slot_host'); END""",
    """CREATE TRIGGER ex_office_slot_host_update BEFORE UPDATE OF host_id, busy_from, busy_until, state ON office_slot FOR EACH ROW WHEN NEW.state = 'open' AND EXISTS (
    SELECT 1 FROM office_slot AS other WHERE other.host_id = NEW.host_id AND other.id IS NOT NEW.id AND other.state = 'open'
    AND other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from
) BEGIN SELECT RAISE(ABORT, 'ex_office_slot_host'); END""",
    """CREATE TRIGGER ex_office_booking_participant_insert BEFORE INSERT ON office_booking FOR EACH ROW WHEN NEW.state IN ('held', 'confirmed') AND EXISTS (
    SELECT 1 FROM office_booking AS other WHERE other.participant_id = NEW.participant_id AND other.id IS NOT NEW.id AND other.state IN ('held', 'confirmed')
    AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
) BEGIN SELECT RAISE(ABORT, 'ex_office_booking_participant'); END""",
    """CREATE TRIGGER ex_office_booking_participant_update BEFORE UPDATE OF participant_id, starts_at, ends_at, state ON office_booking FOR EACH ROW WHEN NEW.state IN ('held', 'confirmed') AND EXISTS (
    SELECT 1 FROM office_booking AS other WHERE other.participant_id = NEW.participant_id AND other.id IS NOT NEW.id AND other.state IN ('held', 'confirmed')
    AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
) BEGIN SELECT RAISE(ABORT, 'ex_office_booking_participant'); END""",
    """CREATE TRIGGER bounty_rules_no_update BEFORE update ON bounty_rules BEGIN SELECT RAISE(ABORT, 'append-only: bounty_rules is never changed'); END""",
    """CREATE TRIGGER bounty_rules_no_delete BEFORE delete ON bounty_rules BEGIN SELECT RAISE(ABORT, 'append-only: bounty_rules is never changed'); END""",
    """CREATE TRIGGER bounty_base_no_update BEFORE update ON bounty_base BEGIN SELECT RAISE(ABORT, 'append-only: bounty_base is never changed'); END""",
    """CREATE TRIGGER bounty_base_no_delete BEFORE delete ON bounty_base BEGIN SELECT RAISE(ABORT, 'append-only: bounty_base is never changed'); END""",
    """CREATE TRIGGER bounty_uplift_no_update BEFORE update ON bounty_uplift BEGIN SELECT RAISE(ABORT, 'append-only: bounty_uplift is never changed'); END""",
    """CREATE TRIGGER bounty_uplift_no_delete BEFORE delete ON bounty_uplift BEGIN SELECT RAISE(ABORT, 'append-only: bounty_uplift is never changed'); END""",
    """CREATE TRIGGER bounty_fixed_no_update BEFORE update ON bounty_fixed BEGIN SELECT RAISE(ABORT, 'append-only: bounty_fixed is never changed'); END""",
    """CREATE TRIGGER bounty_fixed_no_delete BEFORE delete ON bounty_fixed BEGIN SELECT RAISE(ABORT, 'append-only: bounty_fixed is never changed'); END""",
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only: audit_entry is never changed'; END $$""",
    """CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()""",
    """CREATE OR REPLACE FUNCTION shipment_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only: shipment_event is never changed'; END $$""",
    """CREATE TRIGGER shipment_event_no_change BEFORE UPDATE OR DELETE ON shipment_event FOR EACH ROW EXECUTE FUNCTION shipment_event_refuse()""",
    """ALTER TABLE office_slot ADD CONSTRAINT ex_office_slot_host EXCLUDE USING gist (int8range(host_id, host_id, '[]') WITH &&, tstzrange(busy_from, busy_until) WITH &&) WHERE (state = 'open')""",
    """ALTER TABLE office_booking ADD CONSTRAINT ex_office_booking_participant EXCLUDE USING gist (int8range(participant_id, participant_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&) WHERE (state IN ('held', 'confirmed'))""",
    """CREATE OR REPLACE FUNCTION bounty_rules_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only: bounty_rules is never changed'; END $$""",
    """CREATE TRIGGER bounty_rules_no_change BEFORE UPDATE OR DELETE ON bounty_rules FOR EACH ROW EXECUTE FUNCTION bounty_rules_refuse()""",
    """CREATE OR REPLACE FUNCTION bounty_base_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only: bounty_base is never changed'; END $$""",
    """CREATE TRIGGER bounty_base_no_change BEFORE UPDATE OR DELETE ON bounty_base FOR EACH ROW EXECUTE FUNCTION bounty_base_refuse()""",
    """CREATE OR REPLACE FUNCTION bounty_uplift_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only: bounty_uplift is never changed'; END $$""",
    """CREATE TRIGGER bounty_uplift_no_change BEFORE UPDATE OR DELETE ON bounty_uplift FOR EACH ROW EXECUTE FUNCTION bounty_uplift_refuse()""",
    """CREATE OR REPLACE FUNCTION bounty_fixed_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only: bounty_fixed is never changed'; END $$""",
    """CREATE TRIGGER bounty_fixed_no_change BEFORE UPDATE OR DELETE ON bounty_fixed FOR EACH ROW EXECUTE FUNCTION bounty_fixed_refuse()""",
)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("canonical_email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("fs_webauthn_user_handle", sa.String(length=64), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("mf_recovery_codes", sa.UnicodeText(), nullable=True),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column("tf_last_counter", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(erased_at IS NULL) OR NOT active", name=op.f("ck_account_erased_is_inactive")),
        sa.CheckConstraint("length(name) <= 80", name=op.f("ck_account_name_short")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_account_fs_uniquifier")),
        sa.UniqueConstraint("fs_webauthn_user_handle", name=op.f("uq_account_fs_webauthn_user_handle")),
    )
    op.create_index(op.f("ix_account_canonical_email"), "account", ["canonical_email"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=True),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_entry_hash")),
    )
    op.create_index("ix_audit_entry_scope", "audit_entry", ["scope", "id"], unique=False)
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "id"], unique=False)

    op.create_table(
        "challenge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("apply_from", UtcDateTime(), nullable=False),
        sa.Column("apply_until", UtcDateTime(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("results_released_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("apply_from < apply_until", name=op.f("ck_challenge_apply_ordered")),
        sa.CheckConstraint("places > 0", name=op.f("ck_challenge_places_positive")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_challenge_course_ordered")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge")),
        sa.UniqueConstraint("slug", name=op.f("uq_challenge_slug")),
    )
    op.create_table(
        "job_run",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_run")),
    )
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.Column("template", sa.String(length=80), nullable=False),
        sa.Column("to", sa.String(length=254), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("calendar_method", sa.String(length=10), nullable=True),
        sa.Column("calendar_text", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "sent",
                "dropped",
                "failed",
                name="mailstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'sending') = (lease IS NOT NULL)", name=op.f("ck_outgoing_mail_sending_has_lease")
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_outgoing_mail_sent_has_time")),
        sa.CheckConstraint(
            "(calendar_method IS NULL) = (calendar_text IS NULL)", name=op.f("ck_outgoing_mail_calendar_whole")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outgoing_mail_dedupe_key")),
    )
    op.create_index("ix_outgoing_mail_due", "outgoing_mail", ["state", "not_before"], unique=False)
    op.create_index(op.f("ix_outgoing_mail_to"), "outgoing_mail", ["to"], unique=False)

    op.create_table(
        "security_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("permissions", sa.UnicodeText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_role")),
        sa.UniqueConstraint("name", name=op.f("uq_security_role_name")),
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_agreement_sha256_whole")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_agreement_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("challenge_id", "version", "locale", name=op.f("uq_agreement_challenge_id_version_locale")),
    )
    op.create_table(
        "bounty_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cap", Money(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("cap IS NULL OR cap > 0", name=op.f("ck_bounty_rules_cap_positive")),
        sa.CheckConstraint("version > 0", name=op.f("ck_bounty_rules_version_positive")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_bounty_rules_challenge_id")),
        sa.ForeignKeyConstraint(["published_by_id"], ["account.id"], name=op.f("fk_bounty_rules_published_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounty_rules")),
        sa.UniqueConstraint("challenge_id", "version", name=op.f("uq_bounty_rules_challenge_id_version")),
    )
    op.create_table(
        "key_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_key_set_number_positive")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["account.id"], name=op.f("fk_key_set_published_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_set")),
        sa.UniqueConstraint("number", name=op.f("uq_key_set_number")),
    )
    op.create_table(
        "kit_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.String(length=40), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("hs_code", sa.String(length=14), nullable=False),
        sa.Column("eccn", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=2), nullable=False),
        sa.Column("declared_value", Money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.CheckConstraint("declared_value > 0", name=op.f("ck_kit_model_value_positive")),
        sa.CheckConstraint("weight_g > 0", name=op.f("ck_kit_model_weight_positive")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_kit_model_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_model")),
        sa.UniqueConstraint("challenge_id", "name", "revision", name=op.f("uq_kit_model_challenge_id_name_revision")),
    )
    op.create_table(
        "office_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum("mine", "host", name="feedscope", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_feed_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_office_feed_token_hash")),
    )
    op.create_index(
        "uq_office_feed_live",
        "office_feed",
        ["account_id", "scope"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )

    op.create_table(
        "office_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "closed", name="seriesstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("first_local", sa.DateTime(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("buffer_before", sa.Integer(), nullable=False),
        sa.Column("buffer_after", sa.Integer(), nullable=False),
        sa.Column("notice_minutes", sa.Integer(), nullable=False),
        sa.Column("cutoff_minutes", sa.Integer(), nullable=False),
        sa.Column("advance_days", sa.Integer(), nullable=False),
        sa.Column("weekly_quota", sa.Integer(), nullable=False),
        sa.Column("meeting_url", sa.String(length=300), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(until_on IS NULL) <> (count IS NULL)", name=op.f("ck_office_series_ends_somehow")),
        sa.CheckConstraint(
            "buffer_before >= 0 AND buffer_after >= 0 AND notice_minutes >= 0 AND cutoff_minutes >= 0 AND advance_days > 0",
            name=op.f("ck_office_series_lengths"),
        ),
        sa.CheckConstraint("count IS NULL OR count BETWEEN 1 AND 104", name=op.f("ck_office_series_count_range")),
        sa.CheckConstraint(
            "slots > 0 AND slot_minutes > 0 AND seats > 0 AND weekly_quota > 0", name=op.f("ck_office_series_positive")
        ),
        sa.CheckConstraint("weeks BETWEEN 1 AND 4", name=op.f("ck_office_series_weeks_range")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_office_series_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_series")),
    )
    op.create_index(op.f("ix_office_series_challenge_id"), "office_series", ["challenge_id"], unique=False)

    op.create_table(
        "participant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("researcher", "team", name="participantkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("active", "removed", name="participantstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'removed') = (removed_at IS NOT NULL)", name=op.f("ck_participant_removed_has_time")
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_participant_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
    )
    op.create_index("ix_participant_challenge_id_state", "participant", ["challenge_id", "state", "id"], unique=False)

    op.create_table(
        "role_grant",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "reviewer",
                "lead",
                "logistics",
                "host",
                "triager",
                "finance",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.Column("granted_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_role_grant_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["granted_by_id"], ["account.id"], name=op.f("fk_role_grant_granted_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("account_id", "role", "scope", name=op.f("pk_role_grant")),
    )
    op.create_table(
        "scenario",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("high", "general", name="scenariokind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reward", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_scenario_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
        sa.UniqueConstraint("challenge_id", "code", name=op.f("uq_scenario_challenge_id_code")),
        sa.UniqueConstraint("challenge_id", "position", name=op.f("uq_scenario_challenge_id_position")),
    )
    op.create_table(
        "upload_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_upload_token_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_upload_token_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_upload_token_token_hash")),
    )
    op.create_index(op.f("ix_upload_token_account_id"), "upload_token", ["account_id"], unique=False)

    op.create_table(
        "wave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "releasing",
                "released",
                "discarded",
                name="wavestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answer_by", UtcDateTime(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("released_by_id", sa.Integer(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('releasing', 'released')) = (released_at IS NOT NULL)", name=op.f("ck_wave_released_has_time")
        ),
        sa.CheckConstraint("(released_by_id IS NULL) = (released_at IS NULL)", name=op.f("ck_wave_released_whole")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_wave_challenge_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_wave_created_by_id")),
        sa.ForeignKeyConstraint(["released_by_id"], ["account.id"], name=op.f("fk_wave_released_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_wave_challenge_id_number")),
    )
    op.create_table(
        "webauthn",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1024), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", sa.UnicodeText(), nullable=True),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.String(length=64), nullable=False),
        sa.Column("extensions", sa.String(length=255), nullable=True),
        sa.Column("create_datetime", UtcDateTime(), nullable=False),
        sa.Column("lastuse_datetime", UtcDateTime(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("usage", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_webauthn_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webauthn")),
    )
    op.create_index(op.f("ix_webauthn_account_id"), "webauthn", ["account_id"], unique=False)
    op.create_index(op.f("ix_webauthn_credential_id"), "webauthn", ["credential_id"], unique=True)

    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("canonical_email", sa.String(length=254), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "waitlisted",
                "invited",
                "declined",
                "accepted",
                "refused",
                "expired",
                "rescinded",
                "withdrawn",
                "disqualified",
                "removed",
                "erased",
                name="applicationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("handle", sa.String(length=80), nullable=False),
        sa.Column("affiliation", sa.String(length=120), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("single", "team", name="applicantkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("team", sa.JSON(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("experience", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("kit_use", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("adult", sa.Boolean(), nullable=False),
        sa.Column("permitted", sa.Boolean(), nullable=False),
        sa.Column("independent", sa.Boolean(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=True),
        sa.Column(
            "triage",
            sa.Enum(
                "yes",
                "maybe",
                "no",
                "conflict",
                "spam",
                name="triage",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("screening", sa.JSON(), nullable=False),
        sa.Column("cluster_id", sa.Integer(), nullable=True),
        sa.Column("rnd", sa.Integer(), nullable=False),
        sa.Column("review_count", sa.Integer(), nullable=False),
        sa.Column("score_mean", sa.Double(), nullable=True),
        sa.Column(
            "pending_decision",
            sa.Enum(
                "invite", "waitlist", "decline", name="decision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("pending_at", UtcDateTime(), nullable=True),
        sa.Column("wave_id", sa.Integer(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("answer_by", UtcDateTime(), nullable=True),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column(
            "disqualified",
            sa.Enum(
                "duplicate",
                "not eligible",
                "spam",
                "conduct",
                name="disqualified",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("disqualified_reason", sa.String(length=500), nullable=True),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(coalesce(disqualified, '') = 'duplicate') = (duplicate_of_id IS NOT NULL)",
            name=op.f("ck_application_duplicate_has_original"),
        ),
        sa.CheckConstraint(
            "(state = 'disqualified') = (disqualified IS NOT NULL)", name=op.f("ck_application_disqualified_has_kind")
        ),
        sa.CheckConstraint(
            "state <> 'invited' OR answer_by IS NOT NULL", name=op.f("ck_application_invited_has_deadline")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'erased') OR submitted_at IS NOT NULL", name=op.f("ck_application_submitted_has_time")
        ),
        sa.CheckConstraint(
            "state NOT IN ('draft', 'submitted') OR decided_at IS NULL", name=op.f("ck_application_open_is_undecided")
        ),
        sa.CheckConstraint(
            "state NOT IN ('waitlisted', 'invited', 'declined', 'accepted', 'refused', 'expired', 'rescinded', 'removed') OR decided_at IS NOT NULL",
            name=op.f("ck_application_decided_has_decider"),
        ),
        sa.CheckConstraint("(decided_by_id IS NULL) = (decided_at IS NULL)", name=op.f("ck_application_decided_whole")),
        sa.CheckConstraint(
            "(disqualified IS NULL) = (disqualified_reason IS NULL)",
            name=op.f("ck_application_disqualified_has_reason"),
        ),
        sa.CheckConstraint(
            "(pending_decision IS NULL) = (pending_at IS NULL)", name=op.f("ck_application_pending_has_time")
        ),
        sa.CheckConstraint("(review_count = 0) = (score_mean IS NULL)", name=op.f("ck_application_score_has_reviews")),
        sa.CheckConstraint("duplicate_of_id <> id", name=op.f("ck_application_duplicate_of_another")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_application_account_id")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.id"], name=op.f("fk_application_agreement_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_application_challenge_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_application_decided_by_id")),
        sa.ForeignKeyConstraint(["duplicate_of_id"], ["application.id"], name=op.f("fk_application_duplicate_of_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
    )
    op.create_index(op.f("ix_application_account_id"), "application", ["account_id"], unique=False)
    op.create_index("ix_application_answer", "application", ["state", "answer_by"], unique=False)
    op.create_index(
        "ix_application_by_score", "application", ["challenge_id", "state", "score_mean", "id"], unique=False
    )
    op.create_index(
        "ix_application_by_time", "application", ["challenge_id", "state", "submitted_at", "id"], unique=False
    )
    op.create_index(
        "ix_application_pending", "application", ["challenge_id", "pending_decision", "wave_id"], unique=False
    )
    op.create_index(
        "ix_application_to_review", "application", ["challenge_id", "state", "review_count", "rnd"], unique=False
    )
    op.create_index(op.f("ix_application_wave_id"), "application", ["wave_id"], unique=False)
    op.create_index(
        "uq_application_account",
        "application",
        ["challenge_id", "account_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'erased'"),
        postgresql_where=sa.text("state <> 'erased'"),
    )
    op.create_index(
        "uq_application_live",
        "application",
        ["challenge_id", "canonical_email"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('withdrawn', 'erased')"),
        postgresql_where=sa.text("state NOT IN ('withdrawn', 'erased')"),
    )

    op.create_table(
        "bounty_base",
        sa.Column("rules_id", sa.Integer(), nullable=False),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "important",
                "moderate",
                "low",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "quality",
            sa.Enum("high", "medium", "low", name="quality", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("amount", Money(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bounty_base_amount_positive")),
        sa.ForeignKeyConstraint(["rules_id"], ["bounty_rules.id"], name=op.f("fk_bounty_base_rules_id")),
        sa.PrimaryKeyConstraint("rules_id", "severity", "quality", name=op.f("pk_bounty_base")),
    )
    op.create_table(
        "bounty_fixed",
        sa.Column("rules_id", sa.Integer(), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bounty_fixed_amount_positive")),
        sa.ForeignKeyConstraint(["rules_id"], ["bounty_rules.id"], name=op.f("fk_bounty_fixed_rules_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_bounty_fixed_scenario_id")),
        sa.PrimaryKeyConstraint("rules_id", "scenario_id", name=op.f("pk_bounty_fixed")),
    )
    op.create_table(
        "bounty_uplift",
        sa.Column("rules_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("high", "general", name="scenariokind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "important",
                "moderate",
                "low",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_bounty_uplift_percent_range")),
        sa.ForeignKeyConstraint(["rules_id"], ["bounty_rules.id"], name=op.f("fk_bounty_uplift_rules_id")),
        sa.PrimaryKeyConstraint("rules_id", "kind", "severity", name=op.f("pk_bounty_uplift")),
    )
    op.create_table(
        "delivery_address",
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=True),
        sa.Column("purged_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(sealed IS NULL) = (purged_at IS NOT NULL)", name=op.f("ck_delivery_address_purged_is_gone")
        ),
        sa.ForeignKeyConstraint(
            ["given_by_id"], ["account.id"], name=op.f("fk_delivery_address_given_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_delivery_address_participant_id")
        ),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_delivery_address")),
    )
    op.create_table(
        "key_set_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_set_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("triager", "recovery", name="keyrole", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("key_ids", sa.JSON(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "role = 'triager' OR account_id IS NULL", name=op.f("ck_key_set_member_recovery_is_nobodys")
        ),
        sa.CheckConstraint("length(fingerprint) = 40", name=op.f("ck_key_set_member_fingerprint_whole")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_key_set_member_account_id")),
        sa.ForeignKeyConstraint(["key_set_id"], ["key_set.id"], name=op.f("fk_key_set_member_key_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_set_member")),
        sa.UniqueConstraint("key_set_id", "fingerprint", name=op.f("uq_key_set_member_key_set_id_fingerprint")),
    )
    op.create_index(
        "uq_key_set_member_recovery",
        "key_set_member",
        ["key_set_id"],
        unique=True,
        sqlite_where=sa.text("role = 'recovery'"),
        postgresql_where=sa.text("role = 'recovery'"),
    )

    op.create_table(
        "kit_unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "in_stock",
                "reserved",
                "shipped",
                "with_participant",
                "returned",
                "kept",
                "lost",
                "faulty",
                "retired",
                name="unitstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("location", sa.String(length=80), nullable=False),
        sa.Column("firmware", sa.String(length=60), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_kit_unit_challenge_id")),
        sa.ForeignKeyConstraint(["model_id"], ["kit_model.id"], name=op.f("fk_kit_unit_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_unit")),
        sa.UniqueConstraint("challenge_id", "serial", name=op.f("uq_kit_unit_challenge_id_serial")),
    )
    op.create_index(op.f("ix_kit_unit_model_id"), "kit_unit", ["model_id"], unique=False)
    op.create_index("ix_kit_unit_state", "kit_unit", ["challenge_id", "state", "serial"], unique=False)

    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("lead", "member", name="memberrole", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_member_account_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_member_challenge_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_member_participant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("challenge_id", "account_id", name=op.f("uq_member_challenge_id_account_id")),
        sa.UniqueConstraint("participant_id", "account_id", name=op.f("uq_member_participant_id_account_id")),
    )
    op.create_index(op.f("ix_member_account_id"), "member", ["account_id"], unique=False)
    op.create_index(
        "uq_member_lead",
        "member",
        ["participant_id"],
        unique=True,
        sqlite_where=sa.text("role = 'lead'"),
        postgresql_where=sa.text("role = 'lead'"),
    )

    op.create_table(
        "member_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["invited_by_id"], ["account.id"], name=op.f("fk_member_invitation_invited_by_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_member_invitation_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_invitation")),
        sa.UniqueConstraint("participant_id", "email", name=op.f("uq_member_invitation_participant_id_email")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_member_invitation_token_hash")),
    )
    op.create_table(
        "office_series_host",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("weekly_max", sa.Integer(), nullable=True),
        sa.CheckConstraint("weekly_max IS NULL OR weekly_max > 0", name=op.f("ck_office_series_host_weekly_max")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_office_series_host_weight")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_series_host_account_id")),
        sa.ForeignKeyConstraint(["series_id"], ["office_series.id"], name=op.f("fk_office_series_host_series_id")),
        sa.PrimaryKeyConstraint("series_id", "account_id", name=op.f("pk_office_series_host")),
    )
    op.create_index(op.f("ix_office_series_host_account_id"), "office_series_host", ["account_id"], unique=False)

    op.create_table(
        "office_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("recurrence_local", sa.DateTime(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column(
            "wall",
            sa.Enum("once", "gap", "fold", name="wall", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("zone_rules", sa.String(length=20), nullable=False),
        sa.Column(
            "state",
            sa.Enum("planned", "cancelled", name="sittingstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("cancel_reason", sa.String(length=300), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason IS NOT NULL)", name=op.f("ck_office_session_cancelled_has_reason")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_office_session_forward")),
        sa.ForeignKeyConstraint(["series_id"], ["office_series.id"], name=op.f("fk_office_session_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_session")),
        sa.UniqueConstraint("series_id", "recurrence_local", name="uq_office_session_recurrence"),
    )
    op.create_index("ix_office_session_starts", "office_session", ["starts_at", "id"], unique=False)

    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=16), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("submitted_by_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("full", "assuming", name="reportkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("capability", sa.String(length=200), nullable=True),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column(
            "claimed",
            sa.Enum(
                "critical",
                "important",
                "moderate",
                "low",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("build", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "uploading",
                "received",
                "acknowledged",
                "reproducing",
                "needs_info",
                "confirmed",
                "fixing",
                "fixed",
                "closed",
                "by_design",
                "duplicate",
                "not_reproducible",
                "out_of_scope",
                "unreadable",
                "withdrawn",
                name="reportstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column("key_set_id", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("triaged_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("paused_seconds", sa.Integer(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "important",
                "moderate",
                "low",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("achieved_scenario_id", sa.Integer(), nullable=True),
        sa.Column("led_to_improvement", sa.Boolean(), nullable=False),
        sa.Column("mitigating_layer", sa.String(length=200), nullable=True),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=True),
        sa.Column("fixed_release", sa.String(length=40), nullable=True),
        sa.Column("fixed_on", sa.Date(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'assuming') = (capability IS NOT NULL)", name=op.f("ck_report_assuming_names_capability")
        ),
        sa.CheckConstraint(
            "(state = 'by_design') = (mitigating_layer IS NOT NULL)", name=op.f("ck_report_by_design_layer")
        ),
        sa.CheckConstraint(
            "(state = 'duplicate') = (duplicate_of_id IS NOT NULL)", name=op.f("ck_report_duplicate_of")
        ),
        sa.CheckConstraint(
            "(state IN ('fixed', 'closed')) = (fixed_release IS NOT NULL)", name=op.f("ck_report_fixed_release")
        ),
        sa.CheckConstraint(
            "(state IN ('uploading', 'received') AND acknowledged_at IS NULL) OR state IN ('unreadable', 'withdrawn') OR (state NOT IN ('uploading', 'received') AND acknowledged_at IS NOT NULL)",
            name=op.f("ck_report_acknowledged_time"),
        ),
        sa.CheckConstraint(
            "state = 'withdrawn' OR (state = 'uploading') = (received_at IS NULL)", name=op.f("ck_report_received_time")
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'fixing', 'fixed', 'closed') OR severity IS NOT NULL",
            name=op.f("ck_report_confirmed_severity"),
        ),
        sa.CheckConstraint("(fixed_release IS NULL) = (fixed_on IS NULL)", name=op.f("ck_report_fixed_day")),
        sa.CheckConstraint("(received_at IS NULL) = (key_set_id IS NULL)", name=op.f("ck_report_received_key_set")),
        sa.CheckConstraint("duplicate_of_id <> id", name=op.f("ck_report_duplicate_of_another")),
        sa.CheckConstraint("paused_seconds >= 0", name=op.f("ck_report_paused")),
        sa.ForeignKeyConstraint(["achieved_scenario_id"], ["scenario.id"], name=op.f("fk_report_achieved_scenario_id")),
        sa.ForeignKeyConstraint(["assignee_id"], ["account.id"], name=op.f("fk_report_assignee_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_report_challenge_id")),
        sa.ForeignKeyConstraint(["duplicate_of_id"], ["report.id"], name=op.f("fk_report_duplicate_of_id")),
        sa.ForeignKeyConstraint(["key_set_id"], ["key_set.id"], name=op.f("fk_report_key_set_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_report_participant_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_report_scenario_id")),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["account.id"], name=op.f("fk_report_submitted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_report_challenge_id_number")),
        sa.UniqueConstraint("challenge_id", "ref", name=op.f("uq_report_challenge_id_ref")),
    )
    op.create_index("ix_report_participant", "report", ["participant_id", "number"], unique=False)
    op.create_index("ix_report_queue", "report", ["challenge_id", "state", "due_at", "id"], unique=False)

    op.create_table(
        "shipment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
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
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("hold_reason", sa.String(length=300), nullable=True),
        sa.Column("carrier", sa.String(length=40), nullable=True),
        sa.Column("tracking_number", sa.String(length=60), nullable=True),
        sa.Column("handed_over_at", UtcDateTime(), nullable=True),
        sa.Column("tracked_at", UtcDateTime(), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column(
            "word",
            sa.Enum(
                "received",
                "damaged",
                "duty",
                "nothing",
                name="word",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("word_note", sa.String(length=500), nullable=True),
        sa.Column("word_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'held') = (hold_reason IS NOT NULL)", name=op.f("ck_shipment_held_has_reason")),
        sa.CheckConstraint(
            "(state IN ('planned', 'address_requested', 'address_confirmed', 'held', 'ready', 'packed', 'labelled', 'cancelled')) = (handed_over_at IS NULL)",
            name=op.f("ck_shipment_handed_over_time"),
        ),
        sa.CheckConstraint("state <> 'delivered' OR delivered_at IS NOT NULL", name=op.f("ck_shipment_delivered_time")),
        sa.CheckConstraint("state <> 'received' OR received_at IS NOT NULL", name=op.f("ck_shipment_received_time")),
        sa.CheckConstraint(
            "state = 'cancelled' OR (state IN ('planned', 'address_requested', 'address_confirmed', 'held', 'ready', 'packed')) = (tracking_number IS NULL)",
            name=op.f("ck_shipment_tracked_once_labelled"),
        ),
        sa.CheckConstraint(
            "(carrier IS NULL) = (tracking_number IS NULL)", name=op.f("ck_shipment_tracked_by_someone")
        ),
        sa.CheckConstraint("(handed_over_at IS NULL) = (tracked_at IS NULL)", name=op.f("ck_shipment_tracked_time")),
        sa.CheckConstraint("(word IS NULL) = (word_at IS NULL)", name=op.f("ck_shipment_word_time")),
        sa.CheckConstraint(
            "delivered_at IS NULL OR handed_over_at IS NOT NULL", name=op.f("ck_shipment_delivered_after_hand_over")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_shipment_number_positive")),
        sa.CheckConstraint(
            "received_at IS NULL OR handed_over_at IS NOT NULL", name=op.f("ck_shipment_received_after_hand_over")
        ),
        sa.CheckConstraint("replaces_id <> id", name=op.f("ck_shipment_replaces_another")),
        sa.CheckConstraint("settled_at IS NULL OR word IS NOT NULL", name=op.f("ck_shipment_settled_word")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_shipment_challenge_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_shipment_participant_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["shipment.id"], name=op.f("fk_shipment_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
        sa.UniqueConstraint("carrier", "tracking_number", name=op.f("uq_shipment_carrier_tracking_number")),
        sa.UniqueConstraint("participant_id", "number", name=op.f("uq_shipment_participant_id_number")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_shipment_replaces_id")),
    )
    op.create_index("ix_shipment_board", "shipment", ["challenge_id", "state", "state_since", "id"], unique=False)

    op.create_table(
        "signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("typed_name", sa.String(length=120), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=True),
        sa.Column(
            "method",
            sa.Enum("typed name", "imported", name="signing", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_signature_account_id")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.id"], name=op.f("fk_signature_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("agreement_id", "account_id", name=op.f("uq_signature_agreement_id_account_id")),
    )
    op.create_index(op.f("ix_signature_account_id"), "signature", ["account_id"], unique=False)

    op.create_table(
        "acknowledgement",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_acknowledgement_name_there")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_acknowledgement_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_acknowledgement")),
    )
    op.create_table(
        "application_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_revision_application_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_revision")),
        sa.UniqueConstraint("application_id", "number", name=op.f("uq_application_revision_application_id_number")),
    )
    op.create_table(
        "application_scenario",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_scenario_application_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_application_scenario_scenario_id")),
        sa.PrimaryKeyConstraint("application_id", "scenario_id", name=op.f("pk_application_scenario")),
    )
    op.create_index(op.f("ix_application_scenario_scenario_id"), "application_scenario", ["scenario_id"], unique=False)

    op.create_table(
        "application_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "waitlisted",
                "invited",
                "declined",
                "accepted",
                "refused",
                "expired",
                "rescinded",
                "withdrawn",
                "disqualified",
                "removed",
                "erased",
                name="applicationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_step_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_application_step_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_step")),
    )
    op.create_index("ix_application_step_application_id", "application_step", ["application_id", "id"], unique=False)

    op.create_table(
        "award",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("rules_id", sa.Integer(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "important",
                "moderate",
                "low",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "quality",
            sa.Enum("high", "medium", "low", name="quality", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column("base", Money(), nullable=False),
        sa.Column("uplift_percent", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("working", sa.Text(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "standard",
                "chain",
                "partial",
                "exceptional",
                "correction",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "approved",
                "paid",
                "failed",
                "donated",
                "refused",
                "rejected",
                "withdrawn",
                "superseded",
                name="awardstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=True),
        sa.Column("payment_reference", sa.String(length=80), nullable=True),
        sa.Column("paid_at", UtcDateTime(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('proposed', 'rejected', 'withdrawn')) = (approved_by_id IS NULL)",
            name=op.f("ck_award_approved_by_someone"),
        ),
        sa.CheckConstraint(
            "state = 'superseded' OR (state IN ('paid', 'donated')) = (payment_reference IS NOT NULL)",
            name=op.f("ck_award_paid_has_reference"),
        ),
        sa.CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name=op.f("ck_award_approved_time")),
        sa.CheckConstraint("(payment_reference IS NULL) = (paid_at IS NULL)", name=op.f("ck_award_paid_time")),
        sa.CheckConstraint("amount > 0 AND base > 0", name=op.f("ck_award_amount_positive")),
        sa.CheckConstraint("approved_by_id <> proposed_by_id", name=op.f("ck_award_second_person")),
        sa.CheckConstraint("corrects_id <> id", name=op.f("ck_award_corrects_another")),
        sa.CheckConstraint("uplift_percent BETWEEN 0 AND 100", name=op.f("ck_award_uplift_range")),
        sa.ForeignKeyConstraint(["approved_by_id"], ["account.id"], name=op.f("fk_award_approved_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_award_challenge_id")),
        sa.ForeignKeyConstraint(["corrects_id"], ["award.id"], name=op.f("fk_award_corrects_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_award_participant_id")),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["account.id"], name=op.f("fk_award_proposed_by_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_award_report_id")),
        sa.ForeignKeyConstraint(["rules_id"], ["bounty_rules.id"], name=op.f("fk_award_rules_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_award_scenario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award")),
    )
    op.create_index("ix_award_list", "award", ["challenge_id", "state", "state_since", "id"], unique=False)
    op.create_index("ix_award_participant_id", "award", ["participant_id"], unique=False)
    op.create_index(
        "uq_award_granted",
        "award",
        ["report_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('approved', 'donated', 'failed', 'paid')"),
        postgresql_where=sa.text("state IN ('approved', 'donated', 'failed', 'paid')"),
    )
    op.create_index(
        "uq_award_proposed",
        "award",
        ["report_id"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )

    op.create_table(
        "office_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "cancelled", name="slotstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("busy_from", UtcDateTime(), nullable=False),
        sa.Column("busy_until", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "busy_from <= starts_at AND starts_at < ends_at AND ends_at <= busy_until",
            name=op.f("ck_office_slot_times"),
        ),
        sa.ForeignKeyConstraint(["host_id"], ["account.id"], name=op.f("fk_office_slot_host_id")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_slot_sitting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_slot")),
        sa.UniqueConstraint("id", "starts_at", "ends_at", name="uq_office_slot_times"),
        sa.UniqueConstraint("sitting_id", "position", name="uq_office_slot_position"),
    )
    op.create_index("ix_office_slot_host", "office_slot", ["host_id", "busy_from"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_receipt_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_receipt")),
    )
    op.create_table(
        "report_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(length=1000), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["account.id"], name=op.f("fk_report_event_actor_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_event_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_event")),
    )
    op.create_index("ix_report_event_report", "report_event", ["report_id", "id"], unique=False)

    op.create_table(
        "report_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_report_note_account_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_note_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_note")),
    )
    op.create_index(op.f("ix_report_note_report_id"), "report_note", ["report_id"], unique=False)

    op.create_table(
        "report_upload",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "complete",
                "refused",
                "removed",
                "expired",
                name="uploadstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("key_set_id", sa.Integer(), nullable=True),
        sa.Column("walker", sa.JSON(), nullable=True),
        sa.Column("refusal", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("swept", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(state = 'complete') = (key_set_id IS NOT NULL)", name=op.f("ck_report_upload_complete_has_key_set")
        ),
        sa.CheckConstraint(
            "(state = 'complete') = (sha256 IS NOT NULL) AND (state <> 'complete' OR position = length)",
            name=op.f("ck_report_upload_complete_is_whole"),
        ),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_report_upload_ended_time")),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal IS NOT NULL)", name=op.f("ck_report_upload_refused_says_why")
        ),
        sa.CheckConstraint(
            "length IS NULL OR (length >= 0 AND position <= length)", name=op.f("ck_report_upload_position_within")
        ),
        sa.CheckConstraint("position >= 0 AND number >= 0", name=op.f("ck_report_upload_not_negative")),
        sa.ForeignKeyConstraint(["key_set_id"], ["key_set.id"], name=op.f("fk_report_upload_key_set_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_report_upload_owner_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_upload_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_upload")),
    )
    op.create_index("ix_report_upload_due", "report_upload", ["state", "expires_at"], unique=False)
    op.create_index(op.f("ix_report_upload_report_id"), "report_upload", ["report_id"], unique=False)
    op.create_index("ix_report_upload_unswept", "report_upload", ["swept", "ended_at"], unique=False)
    op.create_index(
        "uq_report_upload_live",
        "report_upload",
        ["report_id", "number"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'complete')"),
        postgresql_where=sa.text("state IN ('open', 'complete')"),
    )

    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 5", name=op.f("ck_review_score_in_range")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_review_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_review_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("application_id", "reviewer_id", name=op.f("uq_review_application_id_reviewer_id")),
    )
    op.create_index("ix_review_reviewer_id", "review", ["reviewer_id", "application_id"], unique=False)

    op.create_table(
        "shipment_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("event_key", sa.String(length=120), nullable=False),
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
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_shipment_event_account_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_event_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_event")),
        sa.UniqueConstraint("provider", "event_key", name=op.f("uq_shipment_event_provider_event_key")),
    )
    op.create_index("ix_shipment_event_shipment", "shipment_event", ["shipment_id", "occurred_at", "id"], unique=False)

    op.create_table(
        "shipment_unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_unit_shipment_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["kit_unit.id"], name=op.f("fk_shipment_unit_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_unit")),
    )
    op.create_index("ix_shipment_unit_shipment_id", "shipment_unit", ["shipment_id"], unique=False)
    op.create_index(
        "uq_shipment_unit_live",
        "shipment_unit",
        ["unit_id"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )

    op.create_table(
        "wave_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "invite", "waitlist", "decline", name="decision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "pending", "done", "skipped", name="entrystate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=120), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(state = 'pending') = (done_at IS NULL)", name=op.f("ck_wave_entry_done_has_time")),
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name=op.f("ck_wave_entry_skipped_has_reason")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_wave_entry_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_wave_entry_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave_entry")),
        sa.UniqueConstraint("wave_id", "application_id", name=op.f("uq_wave_entry_wave_id_application_id")),
    )
    op.create_index(op.f("ix_wave_entry_application_id"), "wave_entry", ["application_id"], unique=False)
    op.create_index("ix_wave_entry_due", "wave_entry", ["wave_id", "state", "id"], unique=False)

    op.create_table(
        "office_seat",
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("seat_no", sa.Integer(), nullable=False),
        sa.CheckConstraint("seat_no > 0", name=op.f("ck_office_seat_seat_no")),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_seat_slot_id")),
        sa.PrimaryKeyConstraint("slot_id", "seat_no", name=op.f("pk_office_seat")),
    )
    op.create_table(
        "report_chunk",
        sa.Column("upload_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_report_chunk_size_positive")),
        sa.ForeignKeyConstraint(["upload_id"], ["report_upload.id"], name=op.f("fk_report_chunk_upload_id")),
        sa.PrimaryKeyConstraint("upload_id", "position", name=op.f("pk_report_chunk")),
        sa.UniqueConstraint("key", name=op.f("uq_report_chunk_key")),
        sa.UniqueConstraint("upload_id", "offset", name=op.f("uq_report_chunk_upload_id_offset")),
    )
    op.create_table(
        "office_booking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("seat_no", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "confirmed",
                "attended",
                "no_show",
                "cancelled",
                "late_cancelled",
                "expired",
                name="bookingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("hold_expires_at", UtcDateTime(), nullable=True),
        sa.Column("quota_period", sa.String(length=8), nullable=False),
        sa.Column("quota_no", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("booked_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'held') = (hold_expires_at IS NOT NULL)", name=op.f("ck_office_booking_held_expires")
        ),
        sa.CheckConstraint("quota_no > 0", name=op.f("ck_office_booking_quota_no")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_office_booking_sequence")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_booking_account_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_office_booking_participant_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_office_booking_scenario_id")),
        sa.ForeignKeyConstraint(
            ["slot_id", "seat_no"], ["office_seat.slot_id", "office_seat.seat_no"], name="fk_office_booking_seat"
        ),
        sa.ForeignKeyConstraint(
            ["slot_id", "starts_at", "ends_at"],
            ["office_slot.id", "office_slot.starts_at", "office_slot.ends_at"],
            name="fk_office_booking_slot",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_booking")),
        sa.UniqueConstraint("participant_id", "idempotency_key", name="uq_office_booking_request"),
        sa.UniqueConstraint("uid", name=op.f("uq_office_booking_uid")),
    )
    op.create_index(op.f("ix_office_booking_account_id"), "office_booking", ["account_id"], unique=False)
    op.create_index("ix_office_booking_due", "office_booking", ["state", "starts_at"], unique=False)
    op.create_index("ix_office_booking_participant", "office_booking", ["participant_id", "starts_at"], unique=False)
    op.create_index(
        "uq_office_booking_once",
        "office_booking",
        ["slot_id", "participant_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('held', 'confirmed')"),
        postgresql_where=sa.text("state IN ('held', 'confirmed')"),
    )
    op.create_index(
        "uq_office_booking_quota",
        "office_booking",
        ["participant_id", "quota_period", "quota_no"],
        unique=True,
        sqlite_where=sa.text("state IN ('held', 'confirmed', 'attended', 'no_show', 'late_cancelled')"),
        postgresql_where=sa.text("state IN ('held', 'confirmed', 'attended', 'no_show', 'late_cancelled')"),
    )
    op.create_index(
        "uq_office_booking_seat",
        "office_booking",
        ["slot_id", "seat_no"],
        unique=True,
        sqlite_where=sa.text("state IN ('held', 'confirmed')"),
        postgresql_where=sa.text("state IN ('held', 'confirmed')"),
    )
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """There is nothing before the first tables: remove the database instead."""
