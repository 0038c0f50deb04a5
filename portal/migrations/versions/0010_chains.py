"""Links of chains, known issues, capabilities, and cases at other parties"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _known()
    _capabilities()
    _links()
    _upstream()
    _upstream_subjects()
    _reports()
    _awards()


def _reports() -> None:
    """A duplicate may be one of something that the team knew."""
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("capability_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("known_issue_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_report_capability_id"), "capability", ["capability_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_report_known_issue_id"), "known_issue", ["known_issue_id"], ["id"])
        batch_op.drop_constraint(op.f("ck_report_duplicate_of"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_report_duplicate_of"),
            "(state = 'duplicate') = (duplicate_of_id IS NOT NULL OR known_issue_id IS NOT NULL)",
        )
        batch_op.create_check_constraint(
            op.f("ck_report_duplicate_of_one"), "duplicate_of_id IS NULL OR known_issue_id IS NULL"
        )


def _awards() -> None:
    """What was awarded for a part keeps its name; a part that is a link points to it.

    Added in place, in words that both engines know: making the table anew is not needed.
    """
    op.execute(
        "ALTER TABLE award_entry ADD COLUMN link_id INTEGER CONSTRAINT fk_award_entry_link_id REFERENCES report_link (id) "
        "CONSTRAINT ck_award_entry_link_is_part CHECK (link_id IS NULL OR part <> '')"
    )


def _known() -> None:
    """Commitments, and to whom they were revealed."""
    op.create_table(
        "known_issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("committed_at", UtcDateTime(), nullable=False),
        sa.Column("committed_by_id", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=True),
        sa.Column("revealed_at", UtcDateTime(), nullable=True),
        sa.Column("public_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(text IS NULL) = (revealed_at IS NULL)", name=op.f("ck_known_issue_revealed_time")),
        sa.CheckConstraint("(text IS NULL) = (salt IS NULL)", name=op.f("ck_known_issue_text_has_salt")),
        sa.CheckConstraint("length(commitment) = 64 AND length(head) = 64", name=op.f("ck_known_issue_hashes_whole")),
        sa.CheckConstraint("number > 0", name=op.f("ck_known_issue_number_positive")),
        sa.CheckConstraint("public_at IS NULL OR text IS NOT NULL", name=op.f("ck_known_issue_public_has_text")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_known_issue_challenge_id")),
        sa.ForeignKeyConstraint(["committed_by_id"], ["account.id"], name=op.f("fk_known_issue_committed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_issue")),
        sa.UniqueConstraint("challenge_id", "commitment", name=op.f("uq_known_issue_challenge_id_commitment")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_known_issue_challenge_id_number")),
    )
    op.create_table(
        "known_issue_reveal",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_known_issue_reveal_by_id")),
        sa.ForeignKeyConstraint(["issue_id"], ["known_issue.id"], name=op.f("fk_known_issue_reveal_issue_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_known_issue_reveal_report_id")),
        sa.PrimaryKeyConstraint("issue_id", "report_id", name=op.f("pk_known_issue_reveal")),
    )
    op.create_index(op.f("ix_known_issue_reveal_report_id"), "known_issue_reveal", ["report_id"], unique=False)


def _capabilities() -> None:
    """What reports assume, and which of them go together."""
    op.create_table(
        "capability",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(code) > 0 AND length(words) > 0", name=op.f("ck_capability_has_words")),
        sa.ForeignKeyConstraint(["added_by_id"], ["account.id"], name=op.f("fk_capability_added_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_capability_challenge_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_capability_scenario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capability")),
        sa.UniqueConstraint("challenge_id", "code", name=op.f("uq_capability_challenge_id_code")),
    )
    op.create_table(
        "report_joined",
        sa.Column("giving_id", sa.Integer(), nullable=False),
        sa.Column("assuming_id", sa.Integer(), nullable=False),
        sa.Column("capability_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("giving_id <> assuming_id", name=op.f("ck_report_joined_two_reports")),
        sa.ForeignKeyConstraint(["assuming_id"], ["report.id"], name=op.f("fk_report_joined_assuming_id")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_report_joined_by_id")),
        sa.ForeignKeyConstraint(["capability_id"], ["capability.id"], name=op.f("fk_report_joined_capability_id")),
        sa.ForeignKeyConstraint(["giving_id"], ["report.id"], name=op.f("fk_report_joined_giving_id")),
        sa.PrimaryKeyConstraint("giving_id", "assuming_id", name=op.f("pk_report_joined")),
    )
    op.create_index(op.f("ix_report_joined_assuming_id"), "report_joined", ["assuming_id"], unique=False)


def _links() -> None:
    """Chains, and who may be a duplicate of a later report."""
    op.create_table(
        "report_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "entry",
                "elevation",
                "bypass",
                "persistence",
                "disclosure",
                "other",
                name="linkkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("assumes", sa.String(length=200), nullable=True),
        sa.Column("gives", sa.String(length=200), nullable=True),
        sa.Column("gives_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "confirmed",
                "fixed",
                "duplicate",
                "known",
                "by_design",
                "not_reproducible",
                "out_of_scope",
                name="linkstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("added_by_id", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
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
        sa.Column("mitigating_layer", sa.String(length=200), nullable=True),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=True),
        sa.Column("duplicate_link_id", sa.Integer(), nullable=True),
        sa.Column("known_issue_id", sa.Integer(), nullable=True),
        sa.Column("fixed_release", sa.String(length=40), nullable=True),
        sa.Column("fixed_on", sa.Date(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'by_design') = (mitigating_layer IS NOT NULL)", name=op.f("ck_report_link_by_design_layer")
        ),
        sa.CheckConstraint(
            "(state = 'duplicate') = (duplicate_of_id IS NOT NULL)", name=op.f("ck_report_link_duplicate_of")
        ),
        sa.CheckConstraint(
            "(state = 'fixed') = (fixed_release IS NOT NULL)", name=op.f("ck_report_link_fixed_release")
        ),
        sa.CheckConstraint("(state = 'known') = (known_issue_id IS NOT NULL)", name=op.f("ck_report_link_known_issue")),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_report_link_decided_time")),
        sa.CheckConstraint(
            "(state IN ('confirmed', 'fixed')) = (severity IS NOT NULL)", name=op.f("ck_report_link_confirmed_severity")
        ),
        sa.CheckConstraint(
            "achieved_scenario_id IS NULL OR state IN ('confirmed', 'fixed')",
            name=op.f("ck_report_link_achieved_is_confirmed"),
        ),
        sa.CheckConstraint("(fixed_release IS NULL) = (fixed_on IS NULL)", name=op.f("ck_report_link_fixed_day")),
        sa.CheckConstraint(
            "duplicate_link_id IS NULL OR duplicate_of_id IS NOT NULL", name=op.f("ck_report_link_duplicate_link_of")
        ),
        sa.CheckConstraint("duplicate_of_id <> report_id", name=op.f("ck_report_link_duplicate_of_another")),
        sa.CheckConstraint("length(title) > 0", name=op.f("ck_report_link_has_title")),
        sa.CheckConstraint("number > 0 AND position > 0", name=op.f("ck_report_link_counted_from_one")),
        sa.ForeignKeyConstraint(
            ["achieved_scenario_id"], ["scenario.id"], name=op.f("fk_report_link_achieved_scenario_id")
        ),
        sa.ForeignKeyConstraint(["added_by_id"], ["account.id"], name=op.f("fk_report_link_added_by_id")),
        sa.ForeignKeyConstraint(
            ["duplicate_link_id"], ["report_link.id"], name=op.f("fk_report_link_duplicate_link_id")
        ),
        sa.ForeignKeyConstraint(["duplicate_of_id"], ["report.id"], name=op.f("fk_report_link_duplicate_of_id")),
        sa.ForeignKeyConstraint(["gives_id"], ["capability.id"], name=op.f("fk_report_link_gives_id")),
        sa.ForeignKeyConstraint(["known_issue_id"], ["known_issue.id"], name=op.f("fk_report_link_known_issue_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_link_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_link")),
        sa.UniqueConstraint("report_id", "number", name=op.f("uq_report_link_report_id_number")),
    )
    op.create_index("ix_report_link_duplicate_of_id", "report_link", ["duplicate_of_id"], unique=False)
    op.create_index(op.f("ix_report_link_gives_id"), "report_link", ["gives_id"], unique=False)
    op.create_table(
        "report_duplicate_exception",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint("first_id <> report_id", name=op.f("ck_report_duplicate_exception_of_another")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_report_duplicate_exception_has_reason")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_report_duplicate_exception_by_id")),
        sa.ForeignKeyConstraint(["first_id"], ["report.id"], name=op.f("fk_report_duplicate_exception_first_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_duplicate_exception_report_id")),
        sa.PrimaryKeyConstraint("report_id", "first_id", name=op.f("pk_report_duplicate_exception")),
    )


def _upstream() -> None:
    """Parties and their cases."""
    op.create_table(
        "upstream_party",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("contact", sa.String(length=254), nullable=False),
        sa.Column("page", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "length(name) > 0 AND length(contact) > 0", name=op.f("ck_upstream_party_has_name_and_contact")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_party")),
        sa.UniqueConstraint("name", name=op.f("uq_upstream_party_name")),
    )
    op.create_table(
        "upstream_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "drafted",
                "reported",
                "acknowledged",
                "fixing",
                "fixed",
                "refused",
                name="upstreamstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("heard_at", UtcDateTime(), nullable=True),
        sa.Column("embargo_until", UtcDateTime(), nullable=True),
        sa.Column("embargo_zone", sa.String(length=64), nullable=True),
        sa.Column("their_reference", sa.String(length=80), nullable=False),
        sa.Column("cves", sa.JSON(), nullable=False),
        sa.Column("fixed_in", sa.String(length=120), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'drafted') = (reported_at IS NULL)", name=op.f("ck_upstream_case_reported_time")),
        sa.CheckConstraint("(state = 'fixed') = (fixed_in IS NOT NULL)", name=op.f("ck_upstream_case_fixed_in_what")),
        sa.CheckConstraint("NOT told OR state <> 'drafted'", name=op.f("ck_upstream_case_told_is_reported")),
        sa.CheckConstraint(
            "(embargo_until IS NULL) = (embargo_zone IS NULL)", name=op.f("ck_upstream_case_embargo_has_zone")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_upstream_case_number_positive")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_upstream_case_challenge_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_upstream_case_created_by_id")),
        sa.ForeignKeyConstraint(["party_id"], ["upstream_party.id"], name=op.f("fk_upstream_case_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_case")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_upstream_case_challenge_id_number")),
    )


def _upstream_subjects() -> None:
    """What cases are about, and what their researchers say."""
    op.create_table(
        "upstream_subject",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["upstream_case.id"], name=op.f("fk_upstream_subject_case_id")),
        sa.ForeignKeyConstraint(["link_id"], ["report_link.id"], name=op.f("fk_upstream_subject_link_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_upstream_subject_report_id")),
        sa.PrimaryKeyConstraint("case_id", "report_id", name=op.f("pk_upstream_subject")),
    )
    op.create_index(op.f("ix_upstream_subject_report_id"), "upstream_subject", ["report_id"], unique=False)
    op.create_table(
        "upstream_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["account.id"], name=op.f("fk_upstream_event_actor_id")),
        sa.ForeignKeyConstraint(["case_id"], ["upstream_case.id"], name=op.f("fk_upstream_event_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_event")),
    )
    op.create_index(op.f("ix_upstream_event_case_id"), "upstream_event", ["case_id"], unique=False)
    op.create_table(
        "report_passing_on",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("credit", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_report_passing_on_account_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_passing_on_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_report_passing_on")),
    )
    op.create_index(op.f("ix_report_passing_on_account_id"), "report_passing_on", ["account_id"], unique=False)


def downgrade() -> None:
    """Nothing leads back: chains and commitments would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
