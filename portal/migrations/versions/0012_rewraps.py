"""A session key that was wrapped wrongly can be said not to open, and makes room for another."""

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATES = "state IN ('standing', 'refuted')"


def upgrade() -> None:
    """What was wrapped before stands, since it was wrapped; one a key still, of those that stand."""
    with op.batch_alter_table("report_rewrap", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=32), nullable=False, server_default="standing"))
        batch_op.add_column(sa.Column("state_since", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("refuted_by_id", sa.Integer(), nullable=True))
        batch_op.drop_constraint(op.f("uq_report_rewrap_upload_id_key_id"), type_="unique")
    op.execute("UPDATE report_rewrap SET state_since = at")
    with op.batch_alter_table("report_rewrap", schema=None) as batch_op:
        batch_op.alter_column("state", server_default=None)
        batch_op.alter_column("state_since", nullable=False)
        batch_op.create_check_constraint(op.f("ck_report_rewrap_state"), STATES)
        batch_op.create_check_constraint(
            op.f("ck_report_rewrap_refuted_by"), "state = 'refuted' OR refuted_by_id IS NULL"
        )
        batch_op.create_foreign_key(op.f("fk_report_rewrap_refuted_by_id"), "account", ["refuted_by_id"], ["id"])
        batch_op.create_index(
            "uq_report_rewrap_standing",
            ["upload_id", "key_id"],
            unique=True,
            sqlite_where=sa.text("state = 'standing'"),
            postgresql_where=sa.text("state = 'standing'"),
        )
        batch_op.create_index(batch_op.f("ix_report_rewrap_refuted"), ["state", "state_since", "id"], unique=False)


def downgrade() -> None:
    """Nothing leads back: who said what of a wrapped key would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
