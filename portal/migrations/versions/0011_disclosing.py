"""Dates of disclosure, publications, advisories, and results that get out at an hour"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "advisory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ident", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("vendor", sa.String(length=120), nullable=False),
        sa.Column("product", sa.String(length=120), nullable=False),
        sa.Column("change", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "ready",
                "published",
                name="advisorystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("written_by_id", sa.Integer(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_advisory_number_positive")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_advisory_challenge_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["account.id"], name=op.f("fk_advisory_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory")),
        sa.UniqueConstraint("ident", name=op.f("uq_advisory_ident")),
        sa.UniqueConstraint("year", "number", name=op.f("uq_advisory_year_number")),
    )
    with op.batch_alter_table("advisory", schema=None) as batch_op:
        batch_op.create_index("ix_advisory_list", ["challenge_id", "id"], unique=False)

    op.create_table(
        "results_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "confirmed",
                "cancelled",
                name="releasestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("release_at", UtcDateTime(), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_results_release_decided_time")),
        sa.CheckConstraint(
            "decided_by_id <> proposed_by_id OR state = 'cancelled'", name=op.f("ck_results_release_four_eyes")
        ),
        sa.CheckConstraint(
            "state <> 'confirmed' OR release_at IS NOT NULL", name=op.f("ck_results_release_confirmed_instant")
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_results_release_challenge_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_results_release_decided_by_id")),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["account.id"], name=op.f("fk_results_release_proposed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results_release")),
    )
    with op.batch_alter_table("results_release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_results_release_challenge_id"), ["challenge_id"], unique=False)
        batch_op.create_index(
            "uq_results_release_live",
            ["challenge_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('proposed', 'confirmed')"),
            postgresql_where=sa.text("state IN ('proposed', 'confirmed')"),
        )

    op.create_table(
        "advisory_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("advisory_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("summary", sa.String(length=200), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("written_by_id", sa.Integer(), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("approved_by_id <> written_by_id", name=op.f("ck_advisory_revision_four_eyes")),
        sa.CheckConstraint("at >= approved_at", name=op.f("ck_advisory_revision_not_backdated")),
        sa.CheckConstraint("number > 0", name=op.f("ck_advisory_revision_number_positive")),
        sa.ForeignKeyConstraint(["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_revision_advisory_id")),
        sa.ForeignKeyConstraint(["approved_by_id"], ["account.id"], name=op.f("fk_advisory_revision_approved_by_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["account.id"], name=op.f("fk_advisory_revision_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_revision")),
        sa.UniqueConstraint("advisory_id", "number", name=op.f("uq_advisory_revision_advisory_id_number")),
    )
    with op.batch_alter_table("advisory_revision", schema=None) as batch_op:
        batch_op.create_index("ix_advisory_revision_at", ["at"], unique=False)

    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=True),
        sa.Column("submitted_by_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "post",
                "talk",
                "video",
                "code",
                "paper",
                name="publicationkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "listed",
                "refused",
                name="publicationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name=op.f("ck_publication_decided_time")),
        sa.CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_publication_refused_reason")),
        sa.CheckConstraint("url LIKE 'https://%'", name=op.f("ck_publication_url_https")),
        sa.CheckConstraint("decided_by_id <> submitted_by_id", name=op.f("ck_publication_four_eyes")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_publication_challenge_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_publication_decided_by_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_publication_participant_id")),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["account.id"], name=op.f("fk_publication_submitted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sa.UniqueConstraint("challenge_id", "url", name=op.f("uq_publication_challenge_id_url")),
    )
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.create_index("ix_publication_list", ["challenge_id", "state", "published_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_publication_participant_id"), ["participant_id"], unique=False)

    op.create_table(
        "advisory_flaw",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("advisory_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("cve", sa.String(length=20), nullable=True),
        sa.Column("cwe", sa.String(length=10), nullable=True),
        sa.Column("cvss", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_flaw_advisory_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_advisory_flaw_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_flaw")),
        sa.UniqueConstraint("advisory_id", "cve", name=op.f("uq_advisory_flaw_advisory_id_cve")),
        sa.UniqueConstraint("advisory_id", "report_id", name=op.f("uq_advisory_flaw_advisory_id_report_id")),
    )
    with op.batch_alter_table("advisory_flaw", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_advisory_flaw_report_id"), ["report_id"], unique=False)

    op.create_table(
        "disclosure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "agreed",
                "published",
                "declined",
                "withdrawn",
                name="disclosurestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("embargo_until", UtcDateTime(), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("agreed_at", UtcDateTime(), nullable=True),
        sa.Column("without_fix", sa.Boolean(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('agreed', 'published')) = (embargo_until IS NOT NULL)",
            name=op.f("ck_disclosure_agreed_instant"),
        ),
        sa.CheckConstraint("(embargo_until IS NULL) = (agreed_at IS NULL)", name=op.f("ck_disclosure_agreed_time")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_disclosure_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    with op.batch_alter_table("disclosure", schema=None) as batch_op:
        batch_op.create_index("ix_disclosure_due", ["state", "embargo_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_disclosure_report_id"), ["report_id"], unique=False)
        batch_op.create_index(
            "uq_disclosure_live",
            ["report_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('requested', 'agreed', 'published')"),
            postgresql_where=sa.text("state IN ('requested', 'agreed', 'published')"),
        )

    op.create_table(
        "publication_report",
        sa.Column("publication_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=op.f("fk_publication_report_publication_id")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_publication_report_report_id")),
        sa.PrimaryKeyConstraint("publication_id", "report_id", name=op.f("pk_publication_report")),
    )
    with op.batch_alter_table("publication_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_publication_report_report_id"), ["report_id"], unique=False)

    op.create_table(
        "report_credit",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("named", "team", "anonymous", name="credit", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(kind = 'anonymous') = (name IS NULL)", name=op.f("ck_report_credit_name_there")),
        sa.CheckConstraint("kind <> 'anonymous' OR url IS NULL", name=op.f("ck_report_credit_anonymous_no_link")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_report_credit_member_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_credit_report_id")),
        sa.PrimaryKeyConstraint("report_id", "member_id", name=op.f("pk_report_credit")),
    )
    with op.batch_alter_table("report_credit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_credit_member_id"), ["member_id"], unique=False)

    op.create_table(
        "advisory_build",
        sa.Column("flaw_id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("known_affected", "fixed", name="affected", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_advisory_build_build_id")),
        sa.ForeignKeyConstraint(["flaw_id"], ["advisory_flaw.id"], name=op.f("fk_advisory_build_flaw_id")),
        sa.PrimaryKeyConstraint("flaw_id", "build_id", name=op.f("pk_advisory_build")),
    )
    op.create_table(
        "disclosure_proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("disclosure_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("researcher", "team", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("instant", UtcDateTime(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("without_fix", sa.Boolean(), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=True),
        sa.Column(
            "answer",
            sa.Enum(
                "open",
                "accepted",
                "countered",
                "declined",
                "withdrawn",
                name="answer",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "(answer = 'open') = (answered_at IS NULL)", name=op.f("ck_disclosure_proposal_answered_time")
        ),
        sa.CheckConstraint(
            "answer <> 'declined' OR reason IS NOT NULL", name=op.f("ck_disclosure_proposal_declined_reason")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_disclosure_proposal_number_positive")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["account.id"], name=op.f("fk_disclosure_proposal_answered_by_id")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_disclosure_proposal_by_id")),
        sa.ForeignKeyConstraint(
            ["disclosure_id"], ["disclosure.id"], name=op.f("fk_disclosure_proposal_disclosure_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_proposal")),
        sa.UniqueConstraint("disclosure_id", "number", name=op.f("uq_disclosure_proposal_disclosure_id_number")),
    )
    with op.batch_alter_table("disclosure_proposal", schema=None) as batch_op:
        batch_op.create_index(
            "uq_disclosure_proposal_open",
            ["disclosure_id"],
            unique=True,
            sqlite_where=sa.text("answer = 'open'"),
            postgresql_where=sa.text("answer = 'open'"),
        )

    with op.batch_alter_table("acknowledgement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("url", sa.String(length=500), nullable=True))

    _append_only()


def _append_only() -> None:
    """What was published of an advisory is never changed."""
    name = "advisory_revision"
    refusal = f"append-only: {name} is never changed"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE OR REPLACE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}_refuse()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER {name}_no_{verb} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )


def downgrade() -> None:
    """Nothing leads back: what was agreed and published would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
