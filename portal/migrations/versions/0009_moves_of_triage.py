"""Moves of triage: appeals, clocks with pauses and business days, releases, builds"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.core.db import UtcDateTime

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATES = (
    "uploading", "received", "acknowledged", "reproducing", "needs_info", "confirmed", "fixing", "fixed", "closed",
    "appealed", "by_design", "duplicate", "not_reproducible", "out_of_scope", "unreadable", "withdrawn",
)  # fmt: skip
# After so much of a clock somebody is reminded; the days that the clocks had before there were settings.
WARN, DAYS = 0.8, {"received": 1, "acknowledged": 3, "reproducing": 14, "confirmed": 30, "fixing": 30}


def upgrade() -> None:
    _clocks()
    _releases()
    _builds()
    _events()
    _reports()
    _take_over()


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _clocks() -> None:
    op.create_table(
        "report_desk",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.Integer(), nullable=False),
        sa.Column("closes_at", sa.Integer(), nullable=False),
        sa.Column("workdays", sa.Integer(), nullable=False),
        sa.Column("assigns", sa.Boolean(), nullable=False),
        sa.Column("closes_after_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("0 <= opens_at AND opens_at < closes_at AND closes_at <= 24", name=op.f("ck_report_desk_hours")),
        sa.CheckConstraint("workdays BETWEEN 1 AND 127", name=op.f("ck_report_desk_some_workday")),
        sa.CheckConstraint("closes_after_days BETWEEN 1 AND 365", name=op.f("ck_report_desk_closes_some_time")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_report_desk_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_report_desk")),
    )  # fmt: skip
    op.create_table(
        "report_clock",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", _choice("clockname", "first_answer", "triage", "decision", "fix"), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("business", sa.Boolean(), nullable=False),
        sa.Column("warn_percent", sa.Integer(), nullable=False),
        sa.CheckConstraint("days BETWEEN 1 AND 365", name=op.f("ck_report_clock_days_in_range")),
        sa.CheckConstraint("warn_percent BETWEEN 1 AND 99", name=op.f("ck_report_clock_warned_before")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_report_clock_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", "name", name=op.f("pk_report_clock")),
    )
    op.create_table(
        "report_holiday",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_report_holiday_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", "day", name=op.f("pk_report_holiday")),
    )
    op.create_table(
        "report_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_report_pause_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_pause_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_pause")),
    )
    op.create_index("ix_report_pause_report", "report_pause", ["report_id", "since"], unique=False)
    op.create_index(
        "uq_report_pause_open", "report_pause", ["report_id"], unique=True,
        sqlite_where=sa.text("until IS NULL"), postgresql_where=sa.text("until IS NULL"),
    )  # fmt: skip


def _releases() -> None:
    op.create_table(
        "report_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("notes", sa.String(length=1000), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_report_release_name_there")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_report_release_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_release")),
        sa.UniqueConstraint("challenge_id", "id", name=op.f("uq_report_release_challenge_id_id")),
        sa.UniqueConstraint("challenge_id", "name", name=op.f("uq_report_release_challenge_id_name")),
    )


def _builds() -> None:
    op.create_table(
        "report_build",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("finding", _choice("finding", "affected", "not_affected", "fixed"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_report_build_build_id")),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_report_build_by_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_build_report_id")),
        sa.PrimaryKeyConstraint("report_id", "build_id", name=op.f("pk_report_build")),
    )
    op.create_index("ix_report_build_build", "report_build", ["build_id"], unique=False)


def _events() -> None:
    op.add_column("report_event", sa.Column("reason_code", sa.String(length=40), nullable=True))
    op.add_column("report_event", sa.Column("detail", sa.String(length=200), nullable=True))


def _reports() -> None:
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_report_state"), type_="check")
        for name in ("clock_since", "warn_at", "appealed_at", "disputed_at"):
            batch_op.add_column(sa.Column(name, UtcDateTime(), nullable=True))
        for name in ("decided_by_id", "release_id", "build_id", "reproduced_on_id", "replaces_id"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("cvss", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("told", sa.String(length=32), nullable=False, server_default="nothing"))
    listed = ", ".join(f"'{state}'" for state in STATES)
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.alter_column("told", server_default=None)
        batch_op.create_check_constraint(op.f("ck_report_state"), f"state IN ({listed})")
        batch_op.create_check_constraint(op.f("ck_report_told"), "told IN ('nothing', 'soon', 'late', 'leads')")
        batch_op.create_check_constraint(
            op.f("ck_report_appealed_time"), "state <> 'appealed' OR appealed_at IS NOT NULL"
        )
        batch_op.create_check_constraint(op.f("ck_report_replaces_another"), "replaces_id <> id")
        batch_op.create_foreign_key(op.f("fk_report_decided_by_id"), "account", ["decided_by_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_report_replaces_id"), "report", ["replaces_id"], ["id"])
        for column, table in (("build_id", "build"), ("reproduced_on_id", "build"), ("release_id", "report_release")):
            name = op.f(f"fk_report_challenge_id_{column}")
            batch_op.create_foreign_key(name, table, ["challenge_id", column], ["challenge_id", "id"])
        batch_op.create_unique_constraint(op.f("uq_report_replaces_id"), ["replaces_id"])
        batch_op.create_index("ix_report_warn", ["warn_at"], unique=False)
        batch_op.create_index("ix_report_release", ["release_id"], unique=False)


def _take_over() -> None:
    """What earlier versions knew in other words: builds by name, releases, pauses as events, who decided."""
    for statement in (
        "UPDATE report SET clock_since = received_at",
        "UPDATE report SET build_id = (SELECT build.id FROM build WHERE build.challenge_id = report.challenge_id "
        "AND build.name = report.build)",
        "INSERT INTO report_release (challenge_id, name, planned_on, released_on, notes, made_at) "
        "SELECT challenge_id, fixed_release, min(fixed_on), min(fixed_on), '', min(state_since) FROM report "
        "WHERE fixed_release IS NOT NULL AND fixed_release <> '' GROUP BY challenge_id, fixed_release",
        "UPDATE report SET release_id = (SELECT report_release.id FROM report_release WHERE "
        "report_release.challenge_id = report.challenge_id AND report_release.name = report.fixed_release)",
        "UPDATE report SET decided_by_id = (SELECT actor_id FROM report_event WHERE report_event.report_id = report.id "
        "AND what IN ('by-design', 'duplicate', 'not-reproducible', 'out-of-scope', 'unreadable') "
        "ORDER BY report_event.id DESC LIMIT 1) "
        "WHERE state IN ('by_design', 'duplicate', 'not_reproducible', 'out_of_scope', 'unreadable')",
    ):
        op.execute(statement)
    _warn()
    _pauses()


def _warn() -> None:
    table = sa.table(
        "report", sa.column("id", sa.Integer), sa.column("state", sa.String), sa.column("due_at", UtcDateTime()),
        sa.column("warn_at", UtcDateTime()),
    )  # fmt: skip
    connection = op.get_bind()
    for number, state, due in connection.execute(
        sa.select(table.c.id, table.c.state, table.c.due_at).where(table.c.due_at.is_not(None))
    ).all():
        warn = due - timedelta(days=DAYS.get(state, 1) * (1 - WARN))
        connection.execute(sa.update(table).where(table.c.id == number).values(warn_at=warn))


def _pauses() -> None:
    """A question of the team begins a pause, and whatever came next ended it."""
    events = sa.table(
        "report_event", sa.column("id", sa.Integer), sa.column("report_id", sa.Integer),
        sa.column("at", UtcDateTime()), sa.column("what", sa.String),
    )  # fmt: skip
    pauses = sa.table(
        "report_pause", sa.column("report_id", sa.Integer), sa.column("since", UtcDateTime()),
        sa.column("until", UtcDateTime()),
    )  # fmt: skip
    lines: dict[int, list[Any]] = defaultdict(list)
    for line in op.get_bind().execute(sa.select(events).order_by(events.c.id)):
        lines[line.report_id].append(line)
    found = []
    for number, told in lines.items():
        for line, after in zip(told, [*told[1:], None], strict=True):
            if line.what == "ask":
                found.append({"report_id": number, "since": line.at, "until": after.at if after else None})
    if found:
        op.bulk_insert(pauses, found)


def downgrade() -> None:
    """Nothing leads back: pauses, releases and appeals would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
