"""Signed key sets, a signed security.txt, keys of receipts, and session keys wrapped anew"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What a later key set says that was published before signatures were verified.
BEFORE = "Published before the portal verified signatures."


def upgrade() -> None:
    _key_sets()
    _security_text()
    _receipt_keys()
    _rewraps()


def _key_sets() -> None:
    with op.batch_alter_table("key_set", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signed_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("restarted", sa.String(length=300), nullable=True))
    op.execute(sa.text("UPDATE key_set SET restarted = :said WHERE number > 1").bindparams(said=BEFORE))
    with op.batch_alter_table("key_set", schema=None) as batch_op:
        batch_op.create_check_constraint(op.f("ck_key_set_signed_time"), "signed_at IS NULL OR signature IS NOT NULL")
        batch_op.create_check_constraint(
            op.f("ck_key_set_vouched_for"), "number = 1 OR signed_at IS NOT NULL OR restarted IS NOT NULL"
        )


def _security_text() -> None:
    op.create_table(
        "security_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_set_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("length(fingerprint) = 40", name=op.f("ck_security_text_fingerprint_whole")),
        sa.ForeignKeyConstraint(["key_set_id"], ["key_set.id"], name=op.f("fk_security_text_key_set_id")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["account.id"], name=op.f("fk_security_text_published_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_text")),
    )
    op.create_index(op.f("ix_security_text_key_set_id"), "security_text", ["key_set_id"], unique=False)


def _receipt_keys() -> None:
    op.create_table(
        "receipt_key",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("public_pem", sa.Text(), nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_receipt_key")),
    )


def _rewraps() -> None:
    op.create_table(
        "report_rewrap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.String(length=36), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("packet", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(fingerprint) = 40", name=op.f("ck_report_rewrap_fingerprint_whole")),
        sa.CheckConstraint("length(key_id) = 16", name=op.f("ck_report_rewrap_key_id_whole")),
        sa.CheckConstraint("length(packet) BETWEEN 12 AND 4096", name=op.f("ck_report_rewrap_packet_small")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_report_rewrap_by_id")),
        sa.ForeignKeyConstraint(["upload_id"], ["report_upload.id"], name=op.f("fk_report_rewrap_upload_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_rewrap")),
        sa.UniqueConstraint("upload_id", "key_id", name=op.f("uq_report_rewrap_upload_id_key_id")),
    )


def downgrade() -> None:
    """Nothing leads back: wrapped keys and verified signatures would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
