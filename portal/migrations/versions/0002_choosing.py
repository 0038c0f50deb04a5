"""Choosing"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# What only one of the two engines understands: full-text search and what keeps it.
SQLITE = (
    """CREATE VIRTUAL TABLE application_search USING fts5(name, handle, affiliation, links, canonical_email, experience, plan, kit_use, content='application', content_rowid='id', tokenize='unicode61 remove_diacritics 0')""",
    """CREATE TRIGGER application_search_insert AFTER INSERT ON application BEGIN INSERT INTO application_search (rowid, name, handle, affiliation, links, canonical_email, experience, plan, kit_use) VALUES (new.id, new.name, new.handle, new.affiliation, new.links, new.canonical_email, new.experience, new.plan, new.kit_use); END""",
    """CREATE TRIGGER application_search_delete AFTER DELETE ON application BEGIN INSERT INTO application_search (application_search, rowid, name, handle, affiliation, links, canonical_email, experience, plan, kit_use) VALUES ('delete', old.id, old.name, old.handle, old.affiliation, old.links, old.canonical_email, old.experience, old.plan, old.kit_use); END""",
    """CREATE TRIGGER application_search_update AFTER UPDATE OF name, handle, affiliation, links, canonical_email, experience, plan, kit_use ON application BEGIN INSERT INTO application_search (application_search, rowid, name, handle, affiliation, links, canonical_email, experience, plan, kit_use) VALUES ('delete', old.id, old.name, old.handle, old.affiliation, old.links, old.canonical_email, old.experience, old.plan, old.kit_use); INSERT INTO application_search (rowid, name, handle, affiliation, links, canonical_email, experience, plan, kit_use) VALUES (new.id, new.name, new.handle, new.affiliation, new.links, new.canonical_email, new.experience, new.plan, new.kit_use); END""",
)
POSTGRESQL = (
    """CREATE TABLE application_search (rowid integer NOT NULL CONSTRAINT pk_application_search PRIMARY KEY CONSTRAINT fk_application_search_rowid_application REFERENCES application (id) ON DELETE CASCADE, words tsvector NOT NULL)""",
    """CREATE INDEX ix_application_search_words ON application_search USING gin (words)""",
    """CREATE OR REPLACE FUNCTION application_search_learn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO application_search (rowid, words) VALUES (new.id, setweight(to_tsvector('simple', lower(regexp_replace(new.name::text || ' ' || new.handle::text || ' ' || new.affiliation::text || ' ' || new.links::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'A') || setweight(to_tsvector('simple', lower(regexp_replace(new.canonical_email::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'B') || setweight(to_tsvector('simple', lower(regexp_replace(new.experience::text || ' ' || new.plan::text || ' ' || new.kit_use::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'D') ) ON CONFLICT (rowid) DO UPDATE SET words = excluded.words; RETURN NULL; END $$""",
    """CREATE TRIGGER application_search_learn AFTER INSERT OR UPDATE OF name, handle, affiliation, links, canonical_email, experience, plan, kit_use ON application FOR EACH ROW EXECUTE FUNCTION application_search_learn()""",
)
FILL_SQLITE = "INSERT INTO application_search (application_search) VALUES ('rebuild')"
FILL_POSTGRESQL = """INSERT INTO application_search (rowid, words) SELECT id, setweight(to_tsvector('simple', lower(regexp_replace(application.name::text || ' ' || application.handle::text || ' ' || application.affiliation::text || ' ' || application.links::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'A') || setweight(to_tsvector('simple', lower(regexp_replace(application.canonical_email::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'B') || setweight(to_tsvector('simple', lower(regexp_replace(application.experience::text || ' ' || application.plan::text || ' ' || application.kit_use::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'D') FROM application"""


def upgrade() -> None:
    op.create_table(
        "application_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "checked",
                "running",
                "done",
                "discarded",
                name="importstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("filename", sa.String(length=120), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("fault_count", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('done', 'discarded') OR content IS NULL",
            name=op.f("ck_application_import_over_is_forgotten"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_application_import_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_application_import_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_import")),
    )
    op.create_index("ix_application_import_challenge_id", "application_import", ["challenge_id", "id"], unique=False)
    op.create_index("ix_application_import_state", "application_import", ["state", "state_since"], unique=False)

    op.create_table(
        "application_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "text", "choice", "number", name="questionkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("hint", sa.String(length=500), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_application_question_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_question")),
    )
    op.create_index(
        "ix_application_question_challenge_id", "application_question", ["challenge_id", "position"], unique=False
    )

    op.create_table(
        "bulk_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column(
            "verb",
            sa.Enum(
                "invite",
                "waitlist",
                "decline",
                "clear",
                "into-review",
                "out-of-review",
                "calibrate",
                "uncalibrate",
                "flag",
                "unflag",
                "triage",
                "disqualify",
                name="bulkverb",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                "stopped",
                name="bulkstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state <> 'done' OR done + skipped = asked", name=op.f("ck_bulk_move_done_whole")),
        sa.CheckConstraint("asked > 0", name=op.f("ck_bulk_move_asked_for_some")),
        sa.CheckConstraint("done >= 0 AND skipped >= 0 AND done + skipped <= asked", name=op.f("ck_bulk_move_counted")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_bulk_move_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_bulk_move_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_move")),
    )
    op.create_index("ix_bulk_move_challenge_id", "bulk_move", ["challenge_id", "id"], unique=False)
    op.create_index("ix_bulk_move_state", "bulk_move", ["state", "id"], unique=False)

    op.create_table(
        "criterion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("help", sa.String(length=300), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("weight BETWEEN 1 AND 10", name=op.f("ck_criterion_weight_in_range")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_criterion_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion")),
    )
    op.create_index("ix_criterion_challenge_id", "criterion", ["challenge_id", "position"], unique=False)

    op.create_table(
        "duplicate_scan",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("scanned_at", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("common", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_duplicate_scan_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_duplicate_scan")),
    )
    op.create_table(
        "reviewer",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("affiliation", sa.String(length=120), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("review_count", sa.Integer(), nullable=False),
        sa.Column("offset", sa.Double(), nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_reviewer_capacity_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_reviewer_account_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_reviewer_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", "account_id", name=op.f("pk_reviewer")),
    )
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(counted IS NULL) = (counted_at IS NULL)", name=op.f("ck_saved_view_counted_has_time")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_saved_view_challenge_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_saved_view_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("challenge_id", "owner_id", "name", name=op.f("uq_saved_view_challenge_id_owner_id_name")),
    )
    op.create_index(op.f("ix_saved_view_counted_at"), "saved_view", ["counted_at"], unique=False)
    op.create_index(op.f("ix_saved_view_owner_id"), "saved_view", ["owner_id"], unique=False)
    op.create_index(
        "uq_saved_view_first",
        "saved_view",
        ["challenge_id", "owner_id"],
        unique=True,
        sqlite_where=sa.text("is_first"),
        postgresql_where=sa.text("is_first"),
    )

    op.create_table(
        "selection_lottery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.Column("revealed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "length(seed) = 64 AND length(commitment) = 64", name=op.f("ck_selection_lottery_seed_whole")
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_selection_lottery_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection_lottery")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_selection_lottery_challenge_id_number")),
    )
    op.create_index(
        "uq_selection_lottery_open",
        "selection_lottery",
        ["challenge_id"],
        unique=True,
        sqlite_where=sa.text("revealed_at IS NULL"),
        postgresql_where=sa.text("revealed_at IS NULL"),
    )

    op.create_table(
        "selection_plan",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column(
            "pool",
            sa.Enum("all", "chosen", name="pool", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reviews_each", sa.Integer(), nullable=False),
        sa.Column("review_until", UtcDateTime(), nullable=True),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("fitted_at", UtcDateTime(), nullable=True),
        sa.Column("overall", sa.Double(), nullable=True),
        sa.Column("noise", sa.Double(), nullable=True),
        sa.Column("between_applications", sa.Double(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(fitted_at IS NULL) = (overall IS NULL) AND (overall IS NULL) = (noise IS NULL) AND (overall IS NULL) = (between_applications IS NULL)",
            name=op.f("ck_selection_plan_fitted_whole"),
        ),
        sa.CheckConstraint("looks BETWEEN 1 AND 3", name=op.f("ck_selection_plan_looks_in_range")),
        sa.CheckConstraint("reviews_each BETWEEN 1 AND 10", name=op.f("ck_selection_plan_reviews_each_in_range")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_selection_plan_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_selection_plan")),
    )
    op.create_index(op.f("ix_selection_plan_changed_at"), "selection_plan", ["changed_at"], unique=False)

    op.create_table(
        "selection_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "solving",
                "solved",
                "infeasible",
                "frozen",
                "discarded",
                name="draftstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("lottery_id", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("unscored", sa.Boolean(), nullable=False),
        sa.Column("kits_each", sa.Integer(), nullable=True),
        sa.Column("kits", sa.Integer(), nullable=True),
        sa.Column("unshippable", sa.JSON(), nullable=False),
        sa.Column("solved_at", UtcDateTime(), nullable=True),
        sa.Column("print", sa.String(length=64), nullable=True),
        sa.Column("pool_size", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=True),
        sa.Column("score_sum", sa.Integer(), nullable=True),
        sa.Column("clash", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("frozen_by_id", sa.Integer(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'frozen') = (frozen_at IS NOT NULL)", name=op.f("ck_selection_draft_frozen_has_time")
        ),
        sa.CheckConstraint(
            "(state = 'infeasible') = (clash IS NOT NULL)", name=op.f("ck_selection_draft_infeasible_has_clash")
        ),
        sa.CheckConstraint(
            "(state IN ('solved', 'infeasible', 'frozen')) = (solved_at IS NOT NULL)",
            name=op.f("ck_selection_draft_solved_has_time"),
        ),
        sa.CheckConstraint(
            "(frozen_by_id IS NULL) = (frozen_at IS NULL)", name=op.f("ck_selection_draft_frozen_whole")
        ),
        sa.CheckConstraint(
            "(solved_at IS NULL) = (print IS NULL) AND (solved_at IS NULL) = (pool_size IS NULL)",
            name=op.f("ck_selection_draft_solved_whole"),
        ),
        sa.CheckConstraint("kits_each IS NULL OR kits_each > 0", name=op.f("ck_selection_draft_kits_each_positive")),
        sa.CheckConstraint("places >= 0", name=op.f("ck_selection_draft_places_not_negative")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_selection_draft_challenge_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_selection_draft_created_by_id")),
        sa.ForeignKeyConstraint(["frozen_by_id"], ["account.id"], name=op.f("fk_selection_draft_frozen_by_id")),
        sa.ForeignKeyConstraint(["lottery_id"], ["selection_lottery.id"], name=op.f("fk_selection_draft_lottery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection_draft")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_selection_draft_challenge_id_number")),
    )
    op.create_table(
        "wave_letter",
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "invite", "waitlist", "decline", name="decision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=150), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_wave_letter_wave_id")),
        sa.PrimaryKeyConstraint("wave_id", "decision", name=op.f("pk_wave_letter")),
    )
    op.create_table(
        "bulk_item",
        sa.Column("bulk_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending", "done", "skipped", name="entrystate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=120), nullable=True),
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name=op.f("ck_bulk_item_skipped_has_reason")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_bulk_item_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_move.id"], name=op.f("fk_bulk_item_bulk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bulk_id", "application_id", name=op.f("pk_bulk_item")),
    )
    op.create_index("ix_bulk_item_application_id", "bulk_item", ["application_id"], unique=False)
    op.create_index("ix_bulk_item_due", "bulk_item", ["bulk_id", "state", "application_id"], unique=False)

    op.create_table(
        "draft_choice",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("lottery", sa.BigInteger(), nullable=False),
        sa.Column(
            "because",
            sa.Enum(
                "rank",
                "pulled in",
                "moved up",
                "pinned in",
                "below the cut",
                "lost the lottery",
                "blocked",
                "no place",
                "pinned out",
                "cannot ship",
                "no score",
                name="because",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("rival_id", sa.Integer(), nullable=True),
        sa.Column("gap", sa.Integer(), nullable=True),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "because <> 'no score' OR (score IS NULL AND NOT taken)", name=op.f("ck_draft_choice_unscored_has_none")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_draft_choice_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["selection_draft.id"], name=op.f("fk_draft_choice_draft_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["rival_id"], ["application.id"], name=op.f("fk_draft_choice_rival_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("draft_id", "application_id", name=op.f("pk_draft_choice")),
    )
    op.create_index(op.f("ix_draft_choice_application_id"), "draft_choice", ["application_id"], unique=False)
    op.create_index("ix_draft_choice_because", "draft_choice", ["draft_id", "because", "place"], unique=False)
    op.create_index("ix_draft_choice_place", "draft_choice", ["draft_id", "place"], unique=False)
    op.create_index("ix_draft_choice_taken", "draft_choice", ["draft_id", "taken", "place"], unique=False)

    op.create_table(
        "duplicate_pair",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("low_id", sa.Integer(), nullable=False),
        sa.Column("high_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "OpenPGP key",
                "e-mail address",
                "phone number",
                "link",
                "handle",
                "texts",
                name="evidence",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("dismissed_at", UtcDateTime(), nullable=True),
        sa.Column("dismissed_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "(dismissed_at IS NULL) = (dismissed_by_id IS NULL)", name=op.f("ck_duplicate_pair_dismissed_whole")
        ),
        sa.CheckConstraint("low_id < high_id", name=op.f("ck_duplicate_pair_ordered")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_duplicate_pair_challenge_id")),
        sa.ForeignKeyConstraint(["dismissed_by_id"], ["account.id"], name=op.f("fk_duplicate_pair_dismissed_by_id")),
        sa.ForeignKeyConstraint(
            ["high_id"], ["application.id"], name=op.f("fk_duplicate_pair_high_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["low_id"], ["application.id"], name=op.f("fk_duplicate_pair_low_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pair")),
        sa.UniqueConstraint("low_id", "high_id", "kind", name=op.f("uq_duplicate_pair_low_id_high_id_kind")),
    )
    op.create_index("ix_duplicate_pair_challenge_id", "duplicate_pair", ["challenge_id", "dismissed_at"], unique=False)
    op.create_index("ix_duplicate_pair_high_id", "duplicate_pair", ["high_id"], unique=False)

    op.create_table(
        "review_assignment",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("assigned_at", UtcDateTime(), nullable=False),
        sa.Column("assigned_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_review_assignment_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["account.id"], name=op.f("fk_review_assignment_assigned_by_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_review_assignment_reviewer_id")),
        sa.PrimaryKeyConstraint("application_id", "reviewer_id", name=op.f("pk_review_assignment")),
    )
    op.create_index(
        "ix_review_assignment_reviewer_id", "review_assignment", ["reviewer_id", "application_id"], unique=False
    )

    op.create_table(
        "review_conflict",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "declared",
                "affiliation",
                "team",
                name="conflictkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_review_conflict_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_review_conflict_reviewer_id")),
        sa.PrimaryKeyConstraint("application_id", "reviewer_id", name=op.f("pk_review_conflict")),
    )
    op.create_table(
        "selection_draft_limit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "country",
                "region",
                "scenario",
                "organisation",
                "kind",
                "first-timers",
                "each country",
                "each organisation",
                name="limitkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("value", sa.String(length=120), nullable=False),
        sa.Column("least", sa.Integer(), nullable=True),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind NOT IN ('each country', 'each organisation') OR least IS NULL",
            name=op.f("ck_selection_draft_limit_each_has_most"),
        ),
        sa.CheckConstraint(
            "least >= 0 AND most >= 0 AND least <= most", name=op.f("ck_selection_draft_limit_least_within_most")
        ),
        sa.CheckConstraint(
            "least IS NOT NULL OR most IS NOT NULL", name=op.f("ck_selection_draft_limit_limits_something")
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["selection_draft.id"], name=op.f("fk_selection_draft_limit_draft_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection_draft_limit")),
        sa.UniqueConstraint("draft_id", "kind", "value", name=op.f("uq_selection_draft_limit_draft_id_kind_value")),
    )
    op.create_table(
        "selection_draft_pin",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_selection_draft_pin_pin_has_reason")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_selection_draft_pin_application_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["selection_draft.id"], name=op.f("fk_selection_draft_pin_draft_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("draft_id", "application_id", name=op.f("pk_selection_draft_pin")),
    )
    op.create_index(
        op.f("ix_selection_draft_pin_application_id"), "selection_draft_pin", ["application_id"], unique=False
    )

    op.create_table(
        "triage_look",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_triage_look_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_triage_look_challenge_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_triage_look_reviewer_id")),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_triage_look")),
    )
    op.create_index("ix_triage_look_reviewer_id", "triage_look", ["challenge_id", "reviewer_id"], unique=False)

    op.create_table(
        "triage_verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
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
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.CheckConstraint("verdict <> 'conflict'", name=op.f("ck_triage_verdict_conflict_is_no_verdict")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_triage_verdict_seconds_not_negative")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_triage_verdict_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_triage_verdict_challenge_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_triage_verdict_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triage_verdict")),
        sa.UniqueConstraint("application_id", "reviewer_id", name=op.f("uq_triage_verdict_application_id_reviewer_id")),
    )
    op.create_index(
        "ix_triage_verdict_reviewer_id", "triage_verdict", ["challenge_id", "reviewer_id", "at"], unique=False
    )

    op.create_table(
        "review_endorsement",
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["review.id"], name=op.f("fk_review_endorsement_review_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_review_endorsement_reviewer_id")),
        sa.PrimaryKeyConstraint("review_id", "reviewer_id", name=op.f("pk_review_endorsement")),
    )
    op.create_table(
        "review_mark",
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.CheckConstraint("mark BETWEEN 0 AND 5", name=op.f("ck_review_mark_mark_in_range")),
        sa.ForeignKeyConstraint(["criterion_id"], ["criterion.id"], name=op.f("fk_review_mark_criterion_id")),
        sa.ForeignKeyConstraint(
            ["review_id"], ["review.id"], name=op.f("fk_review_mark_review_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("review_id", "criterion_id", name=op.f("pk_review_mark")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_application_score_has_reviews"), type_="check")
        batch_op.add_column(sa.Column("answers", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        batch_op.add_column(sa.Column("looks", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("in_review", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
        batch_op.add_column(sa.Column("calibration", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
        batch_op.add_column(sa.Column("score_adjusted", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("score_error", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("score_spread", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("rank_best", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("rank_worst", sa.Integer(), nullable=True))
        batch_op.drop_index(batch_op.f("ix_application_by_score"))
        batch_op.create_index(
            "ix_application_by_score", ["challenge_id", "state", "score_adjusted", "id"], unique=False
        )
        batch_op.create_index("ix_application_all_by_chance", ["challenge_id", "rnd", "id"], unique=False)
        batch_op.create_index("ix_application_all_by_name", ["challenge_id", "name", "id"], unique=False)
        batch_op.create_index("ix_application_all_by_raw", ["challenge_id", "score_mean", "id"], unique=False)
        batch_op.create_index("ix_application_all_by_reviews", ["challenge_id", "review_count", "id"], unique=False)
        batch_op.create_index("ix_application_all_by_score", ["challenge_id", "score_adjusted", "id"], unique=False)
        batch_op.create_index("ix_application_all_by_spread", ["challenge_id", "score_spread", "id"], unique=False)
        batch_op.create_index("ix_application_all_by_time", ["challenge_id", "submitted_at", "id"], unique=False)
        batch_op.create_index("ix_application_by_country", ["challenge_id", "country", "state"], unique=False)
        batch_op.create_index("ix_application_to_triage", ["challenge_id", "state", "looks", "rnd"], unique=False)

    op.execute("UPDATE application SET score_adjusted = score_mean")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_check_constraint(
            op.f("ck_application_score_has_reviews"),
            "(review_count = 0) = (score_mean IS NULL) AND (review_count = 0) = (score_adjusted IS NULL)",
        )
        batch_op.create_check_constraint(
            op.f("ck_application_spread_has_reviews"), "review_count > 1 OR score_spread IS NULL"
        )

    with op.batch_alter_table("outgoing_mail", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_outgoing_mail_state"), type_="check")
        batch_op.add_column(sa.Column("subject", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("scope", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("note", sa.String(length=500), nullable=True))
        batch_op.create_index(
            "ix_outgoing_mail_dead",
            ["scope", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'failed'"),
            postgresql_where=sa.text("state = 'failed'"),
        )
        batch_op.create_index(batch_op.f("ix_outgoing_mail_subject"), ["subject"], unique=False)
        batch_op.create_check_constraint(
            op.f("ck_outgoing_mail_settled_has_note"), "(state = 'settled') = (note IS NOT NULL)"
        )
        batch_op.create_check_constraint(
            op.f("ck_outgoing_mail_state"), "state IN ('queued', 'sending', 'sent', 'dropped', 'failed', 'settled')"
        )

    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.add_column(sa.Column("confidence", sa.Integer(), nullable=False, server_default=sa.text("2")))
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")))
        batch_op.alter_column("score", existing_type=sa.INTEGER(), type_=sa.Double(), existing_nullable=False)
        batch_op.create_check_constraint(op.f("ck_review_confidence_in_range"), "confidence BETWEEN 1 AND 3")

    with op.batch_alter_table("wave", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_wave_released_has_time"), type_="check")
        batch_op.drop_constraint(op.f("ck_wave_state"), type_="check")
        batch_op.add_column(sa.Column("rate", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("open_from", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("open_until", sa.Integer(), nullable=False, server_default=sa.text("24")))
        batch_op.add_column(sa.Column("weekdays", sa.Integer(), nullable=False, server_default=sa.text("127")))
        batch_op.add_column(sa.Column("paced_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("stopped_because", sa.String(length=200), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_wave_hours_in_order"), "open_from >= 0 AND open_from < open_until AND open_until <= 24"
        )
        batch_op.create_check_constraint(op.f("ck_wave_rate_in_range"), "rate BETWEEN 1 AND 6000")
        batch_op.create_check_constraint(
            op.f("ck_wave_released_has_time"), "(state IN ('draft', 'discarded')) = (released_at IS NULL)"
        )
        batch_op.create_check_constraint(
            op.f("ck_wave_state"), "state IN ('draft', 'releasing', 'paused', 'stopped', 'released', 'discarded')"
        )
        batch_op.create_check_constraint(
            op.f("ck_wave_stopped_has_reason"), "(state = 'stopped') = (stopped_because IS NOT NULL)"
        )
        batch_op.create_check_constraint(op.f("ck_wave_weekdays_in_range"), "weekdays BETWEEN 1 AND 127")

    # What is new says for itself what it is; only the rows that were there needed telling.
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.alter_column("answers", server_default=None)
        batch_op.alter_column("looks", server_default=None)
        batch_op.alter_column("in_review", server_default=None)
        batch_op.alter_column("calibration", server_default=None)
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.alter_column("confidence", server_default=None)
        batch_op.alter_column("note", server_default=None)
    with op.batch_alter_table("wave", schema=None) as batch_op:
        batch_op.alter_column("open_from", server_default=None)
        batch_op.alter_column("open_until", server_default=None)
        batch_op.alter_column("weekdays", server_default=None)
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
    op.execute(FILL_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else FILL_SQLITE)
    # What is known of scores is estimated soon after they were written; here that was long ago.
    op.execute(
        "INSERT INTO selection_plan (challenge_id, looks, pool, reviews_each, blind, changed_at) "
        "SELECT challenge_id, 1, 'all', 3, FALSE, max(updated_at) FROM review "
        "JOIN application ON application.id = application_id GROUP BY challenge_id"
    )


def downgrade() -> None:
    """Nothing leads back: what was said in reviews and drafts would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
