"""Tags: what a piece in the store is recognised by says how"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KNOWN = "tag LIKE 'gmac:%' OR tag LIKE 'sha256:%'"


def upgrade() -> None:
    with op.batch_alter_table("resource_file_piece", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_resource_file_piece_sha256_whole"), type_="check")
    for name in ("resource_file_piece", "report_chunk"):
        # A new column, because a renamed one would keep the name that its constraint has on PostgreSQL 18.
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.add_column(sa.Column("tag", sa.String(80)))
        rows = sa.table(name, sa.column("tag"), sa.column("sha256"))
        op.execute(sa.update(rows).values(tag=sa.literal("sha256:").concat(rows.c.sha256)))
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_column("sha256")
            batch_op.alter_column("tag", existing_type=sa.String(80), nullable=False)
            batch_op.create_check_constraint(op.f(f"ck_{name}_tag_known"), KNOWN)


def downgrade() -> None:
    """Nothing leads back: what has other tags could not be recognised. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
