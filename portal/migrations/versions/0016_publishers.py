"""Who publishes advisories is noted when the settings change, so that files change under a new number alone."""

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "advisory_publisher",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("here", sa.Text(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_advisory_publisher_number_positive")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_advisory_publisher")),
    )
    _append_only("advisory_publisher")


def _append_only(name: str) -> None:
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
    """Nothing leads back: files that are out would say something else. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
