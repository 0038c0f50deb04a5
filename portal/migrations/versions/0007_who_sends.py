"""Which request sends the bytes of an upload"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("report_upload", sa.Column("holder", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("report_upload", "holder")
