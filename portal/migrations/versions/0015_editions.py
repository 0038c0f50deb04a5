"""Advisories' files have a version for each change, also where it is one of thanks or links."""

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "advisory_change",
        sa.Column("advisory_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_change_advisory_id")),
        sa.PrimaryKeyConstraint("advisory_id", "at", name=op.f("pk_advisory_change")),
    )
    _append_only("advisory_change")


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
    """Nothing leads back: histories would lose versions that are out. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
