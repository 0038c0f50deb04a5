"""Office hours and the line"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# No overlap of first and second engineers.
SERIES_SQLITE = (
    """CREATE TRIGGER ex_office_slot_host_second_insert BEFORE INSERT ON office_slot FOR EACH ROW WHEN EXISTS (SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.host_id AND other.live AND NEW.state = 'open' AND (other.slot_id = NEW.id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)) BEGIN SELECT RAISE(ABORT, 'ex_office_slot_host'); END""",
    """CREATE TRIGGER ex_office_slot_host_second_update BEFORE UPDATE OF host_id, busy_from, busy_until, state ON office_slot FOR EACH ROW WHEN EXISTS (SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.host_id AND other.live AND NEW.state = 'open' AND (other.slot_id = NEW.id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)) BEGIN SELECT RAISE(ABORT, 'ex_office_slot_host'); END""",
    """CREATE TRIGGER ex_office_second_host_insert BEFORE INSERT ON office_slot_host FOR EACH ROW WHEN EXISTS (SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.account_id AND other.live AND NEW.live AND other.slot_id <> NEW.slot_id AND other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from UNION ALL SELECT 1 FROM office_slot AS other WHERE other.host_id = NEW.account_id AND other.state = 'open' AND NEW.live AND (other.id = NEW.slot_id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)) BEGIN SELECT RAISE(ABORT, 'ex_office_second_host'); END""",
    """CREATE TRIGGER ex_office_second_host_update BEFORE UPDATE OF account_id, busy_from, busy_until, live ON office_slot_host FOR EACH ROW WHEN EXISTS (SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.account_id AND other.live AND NEW.live AND other.slot_id <> NEW.slot_id AND other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from UNION ALL SELECT 1 FROM office_slot AS other WHERE other.host_id = NEW.account_id AND other.state = 'open' AND NEW.live AND (other.id = NEW.slot_id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)) BEGIN SELECT RAISE(ABORT, 'ex_office_second_host'); END""",
    """CREATE TRIGGER office_slot_host_follows AFTER UPDATE OF busy_from, busy_until, state ON office_slot FOR EACH ROW BEGIN UPDATE office_slot_host SET busy_from = NEW.busy_from, busy_until = NEW.busy_until, live = (NEW.state = 'open') WHERE slot_id = NEW.id; END""",
)
SERIES_POSTGRESQL = (
    """ALTER TABLE office_slot_host ADD CONSTRAINT ex_office_second_host EXCLUDE USING gist (int8range(account_id, account_id, '[]') WITH &&, tstzrange(busy_from, busy_until) WITH &&) WHERE (live)""",
    """CREATE OR REPLACE FUNCTION office_slot_alone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM account WHERE id = NEW.host_id FOR NO KEY UPDATE; IF EXISTS (SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.host_id AND other.live AND NEW.state = 'open' AND (other.slot_id = NEW.id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)) THEN RAISE EXCEPTION 'ex_office_slot_host' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'ex_office_slot_host'; END IF; RETURN NEW; END $$""",
    """CREATE TRIGGER office_slot_alone BEFORE INSERT OR UPDATE OF host_id, busy_from, busy_until, state ON office_slot FOR EACH ROW EXECUTE FUNCTION office_slot_alone()""",
    """CREATE OR REPLACE FUNCTION office_slot_host_alone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM account WHERE id = NEW.account_id FOR NO KEY UPDATE; IF EXISTS (SELECT 1 FROM office_slot AS other WHERE other.host_id = NEW.account_id AND other.state = 'open' AND NEW.live AND (other.id = NEW.slot_id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)) THEN RAISE EXCEPTION 'ex_office_second_host' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'ex_office_second_host'; END IF; RETURN NEW; END $$""",
    """CREATE TRIGGER office_slot_host_alone BEFORE INSERT OR UPDATE OF account_id, busy_from, busy_until, live ON office_slot_host FOR EACH ROW EXECUTE FUNCTION office_slot_host_alone()""",
    """CREATE OR REPLACE FUNCTION office_slot_host_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE office_slot_host SET busy_from = NEW.busy_from, busy_until = NEW.busy_until, live = (NEW.state = 'open') WHERE slot_id = NEW.id; RETURN NULL; END $$""",
    """CREATE TRIGGER office_slot_host_follows AFTER UPDATE OF busy_from, busy_until, state ON office_slot FOR EACH ROW EXECUTE FUNCTION office_slot_host_follow()""",
)


def upgrade() -> None:
    _series()
    _bookings()
    _fairness()
    _meetings()
    _calendars()
    _line()
    _resources()


def _series() -> None:
    """Exceptions, hosts' rotation and calendars, second engineers."""
    with op.batch_alter_table("office_series", schema=None) as batch_op:
        batch_op.add_column(sa.Column("engineers", sa.Integer(), nullable=False, server_default=sa.text("1")))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")))
        batch_op.create_check_constraint(op.f("ck_office_series_engineers"), "engineers BETWEEN 1 AND 2")
    with op.batch_alter_table("office_series_host", schema=None) as batch_op:
        batch_op.add_column(sa.Column("components", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    with op.batch_alter_table("office_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("moved_local", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("added", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
    op.create_table(
        "office_slot_host",
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("busy_from", UtcDateTime(), nullable=False),
        sa.Column("busy_until", UtcDateTime(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_slot_host_account_id")),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["office_slot.id"], name=op.f("fk_office_slot_host_slot_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slot_id", "account_id", name=op.f("pk_office_slot_host")),
    )
    op.create_index("ix_office_slot_host_busy", "office_slot_host", ["account_id", "busy_from"], unique=False)
    op.create_table(
        "office_host_calendar",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("file", "address", name="kind", native_enum=False, length=32, create_constraint=True),
            nullable=False,
        ),
        sa.Column("sealed", sa.LargeBinary(length=4000), nullable=True),
        sa.Column("etag", sa.String(length=200), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("known_until", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "(kind = 'address') = (sealed IS NOT NULL)", name=op.f("ck_office_host_calendar_address_sealed")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_host_calendar_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_office_host_calendar")),
    )
    op.create_index("ix_office_host_calendar_due", "office_host_calendar", ["kind", "asked_at"], unique=False)
    op.create_table(
        "office_busy_span",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.CheckConstraint("since < until", name=op.f("ck_office_busy_span_forward")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_busy_span_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_busy_span")),
    )
    op.create_index("ix_office_busy_span_when", "office_busy_span", ["account_id", "since"], unique=False)
    for statement in SERIES_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SERIES_SQLITE:
        op.execute(statement)


def _bookings() -> None:
    """Strikes, caps, bookings by staff and by import."""


def _fairness() -> None:
    """Demand rounds and the waiting list."""


def _meetings() -> None:
    """Sealed questions, meeting links, the day itself, notes and what was promised."""


def _calendars() -> None:
    """Feeds and reminders."""


def _line() -> None:
    """Conversations with the team."""


def _resources() -> None:
    """Documents, downloads, builds and announcements."""


def downgrade() -> None:
    """Nothing leads back: conversations and notes would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
