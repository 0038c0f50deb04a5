"""Releasing: hours that are void, signatures of advisories, public pages of cases at other parties"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _releases()
    _signatures()
    _cases()


def _releases() -> None:
    checks = {
        "state": "state IN ('proposed', 'confirmed', 'cancelled', 'void')",
        "four_eyes": "decided_by_id <> proposed_by_id OR state IN ('cancelled', 'void')",
        "confirmed_instant": "state NOT IN ('confirmed', 'void') OR release_at IS NOT NULL",
    }
    with op.batch_alter_table("results_release", schema=None) as batch_op:
        for name in checks:
            batch_op.drop_constraint(op.f(f"ck_results_release_{name}"), type_="check")
    with op.batch_alter_table("results_release", schema=None) as batch_op:
        for name, holds in checks.items():
            batch_op.create_check_constraint(op.f(f"ck_results_release_{name}"), holds)


def _signatures() -> None:
    op.create_table(
        "advisory_signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("advisory_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "length(sha256) = 64 AND length(fingerprint) = 40", name=op.f("ck_advisory_signature_hashes_whole")
        ),
        sa.CheckConstraint("length(signature) > 0", name=op.f("ck_advisory_signature_signature_there")),
        sa.ForeignKeyConstraint(["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_signature_advisory_id")),
        sa.ForeignKeyConstraint(
            ["given_by_id"], ["account.id"], name=op.f("fk_advisory_signature_given_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_signature")),
        sa.UniqueConstraint(
            "advisory_id", "sha256", "fingerprint", name=op.f("uq_advisory_signature_advisory_id_sha256_fingerprint")
        ),
    )


def _cases() -> None:
    with op.batch_alter_table("upstream_case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("public_page", sa.String(length=300), nullable=False, server_default=""))
        batch_op.create_check_constraint(
            op.f("ck_upstream_case_public_page_https"), "public_page = '' OR public_page LIKE 'https://%'"
        )
    with op.batch_alter_table("upstream_case", schema=None) as batch_op:
        batch_op.alter_column("public_page", existing_type=sa.String(length=300), server_default=None)


def downgrade() -> None:
    """Nothing leads back: what was signed would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
