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

# Making the table of bookings anew, as SQLite does to change a column, loses its triggers.
BOOKINGS_SQLITE = (
    """CREATE TRIGGER ex_office_booking_participant_insert BEFORE INSERT ON office_booking FOR EACH ROW WHEN NEW.state IN ('held', 'confirmed') AND EXISTS (
    SELECT 1 FROM office_booking AS other WHERE other.participant_id = NEW.participant_id AND other.id IS NOT NEW.id AND other.state IN ('held', 'confirmed')
    AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
) BEGIN SELECT RAISE(ABORT, 'ex_office_booking_participant'); END""",
    """CREATE TRIGGER ex_office_booking_participant_update BEFORE UPDATE OF participant_id, starts_at, ends_at, state ON office_booking FOR EACH ROW WHEN NEW.state IN ('held', 'confirmed') AND EXISTS (
    SELECT 1 FROM office_booking AS other WHERE other.participant_id = NEW.participant_id AND other.id IS NOT NEW.id AND other.state IN ('held', 'confirmed')
    AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
) BEGIN SELECT RAISE(ABORT, 'ex_office_booking_participant'); END""",
)


# The full-text search of questions and answers.
ANSWERS_SQLITE = (
    """CREATE VIRTUAL TABLE office_answer_search USING fts5(title, question, answer, component, content='office_answer', content_rowid='id', tokenize='unicode61 remove_diacritics 0')""",
    """CREATE TRIGGER office_answer_search_insert AFTER INSERT ON office_answer BEGIN INSERT INTO office_answer_search (rowid, title, question, answer, component) VALUES (new.id, new.title, new.question, new.answer, new.component); END""",
    """CREATE TRIGGER office_answer_search_delete AFTER DELETE ON office_answer BEGIN INSERT INTO office_answer_search (office_answer_search, rowid, title, question, answer, component) VALUES ('delete', old.id, old.title, old.question, old.answer, old.component); END""",
    """CREATE TRIGGER office_answer_search_update AFTER UPDATE OF title, question, answer, component ON office_answer BEGIN INSERT INTO office_answer_search (office_answer_search, rowid, title, question, answer, component) VALUES ('delete', old.id, old.title, old.question, old.answer, old.component); INSERT INTO office_answer_search (rowid, title, question, answer, component) VALUES (new.id, new.title, new.question, new.answer, new.component); END""",
)
ANSWERS_POSTGRESQL = (
    """CREATE TABLE office_answer_search (rowid integer NOT NULL CONSTRAINT pk_office_answer_search PRIMARY KEY CONSTRAINT fk_office_answer_search_rowid_office_answer REFERENCES office_answer (id) ON DELETE CASCADE, words tsvector NOT NULL)""",
    """CREATE INDEX ix_office_answer_search_words ON office_answer_search USING gin (words)""",
    """CREATE OR REPLACE FUNCTION office_answer_search_learn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO office_answer_search (rowid, words) VALUES (new.id, setweight(to_tsvector('simple', lower(regexp_replace(new.title::text || ' ' || new.question::text || ' ' || new.answer::text || ' ' || new.component::text, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'))), 'A') ) ON CONFLICT (rowid) DO UPDATE SET words = excluded.words; RETURN NULL; END $$""",
    """CREATE TRIGGER office_answer_search_learn AFTER INSERT OR UPDATE OF title, question, answer, component ON office_answer FOR EACH ROW EXECUTE FUNCTION office_answer_search_learn()""",
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
    """Where bookings come from; strikes and caps."""
    with op.batch_alter_table("office_booking", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "source",
                sa.Enum(
                    "page",
                    "staff",
                    "api",
                    "import",
                    "round",
                    "waitlist",
                    "follow_up",
                    name="source",
                    native_enum=False,
                    create_constraint=True,
                    length=32,
                ),
                nullable=False,
                server_default=sa.text("'page'"),
            )
        )
        batch_op.add_column(sa.Column("component", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("booked_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_office_booking_booked_by_id"), "account", ["booked_by_id"], ["id"])
        batch_op.alter_column("quota_no", existing_type=sa.Integer(), nullable=True)
        # What was asked in clear until now is forgotten: from here on questions come sealed.
        batch_op.drop_column("question")
        batch_op.create_check_constraint(
            op.f("ck_office_booking_outside_quota"), "(quota_no IS NULL) = (source = 'follow_up')"
        )
    if op.get_bind().dialect.name == "sqlite":
        for statement in BOOKINGS_SQLITE:
            op.execute(statement)
    _strikes()
    _programs()


def _programs() -> None:
    """Tokens of programs that book."""
    op.create_table(
        "office_program_token",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_office_program_token_forward")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_office_program_token_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_office_program_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_office_program_token_token_hash")),
    )


def _strikes() -> None:
    """What a series says about strikes and caps; what was forgiven."""
    with op.batch_alter_table("office_series", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rolling_cap", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("strike_limit", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("strike_days", sa.Integer(), nullable=False, server_default=sa.text("28")))
        batch_op.add_column(sa.Column("strike_hours", sa.Integer(), nullable=False, server_default=sa.text("48")))
        batch_op.add_column(sa.Column("late_strikes", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
        batch_op.create_check_constraint(op.f("ck_office_series_rolling_cap"), "rolling_cap IS NULL OR rolling_cap > 0")
        batch_op.create_check_constraint(
            op.f("ck_office_series_strikes"),
            "(strike_limit IS NULL OR strike_limit > 0) AND strike_days BETWEEN 1 AND 366 AND strike_hours > 0",
        )
    op.create_table(
        "office_amnesty",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("sitting_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("forgiven_at", UtcDateTime(), nullable=False),
        sa.Column("forgiven_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(booking_id IS NULL) <> (sitting_id IS NULL)", name=op.f("ck_office_amnesty_of_one_thing")),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_amnesty_booking_id")),
        sa.ForeignKeyConstraint(["forgiven_by_id"], ["account.id"], name=op.f("fk_office_amnesty_forgiven_by_id")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_amnesty_sitting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_amnesty")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_office_amnesty_booking")),
        sa.UniqueConstraint("sitting_id", name=op.f("uq_office_amnesty_session")),
    )


def _fairness() -> None:
    """Demand rounds and the waiting list."""
    _rounds()
    _waiting()


def _waiting() -> None:
    """The waiting list, and what hosts owe."""
    op.create_table(
        "office_withdrawal",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_withdrawal_booking_id")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_office_withdrawal")),
    )
    op.create_table(
        "office_waiter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "served", "left", "missed", "over",
                name="waiterstate", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_waiter_account_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_office_waiter_participant_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_office_waiter_scenario_id")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_waiter_sitting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_waiter")),
    )  # fmt: skip
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "uq_office_waiter_live", "office_waiter", ["sitting_id", "participant_id"], unique=True,
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip
    op.create_index("ix_office_waiter_state", "office_waiter", ["state", "sitting_id"], unique=False)
    op.create_index(op.f("ix_office_waiter_participant_id"), "office_waiter", ["participant_id"], unique=False)
    op.create_index(op.f("ix_office_waiter_account_id"), "office_waiter", ["account_id"], unique=False)
    op.create_table(
        "office_waiter_slot",
        sa.Column("waiter_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_waiter_slot_slot_id")),
        sa.ForeignKeyConstraint(["waiter_id"], ["office_waiter.id"], name=op.f("fk_office_waiter_slot_waiter_id")),
        sa.PrimaryKeyConstraint("waiter_id", "slot_id", name=op.f("pk_office_waiter_slot")),
    )
    op.create_table(
        "office_seat_offer",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("waiter_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_seat_offer_booking_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_seat_offer_slot_id")),
        sa.ForeignKeyConstraint(["waiter_id"], ["office_waiter.id"], name=op.f("fk_office_seat_offer_waiter_id")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_office_seat_offer")),
        sa.UniqueConstraint("waiter_id", "slot_id", name="uq_office_seat_offer_once"),
    )


def _rounds() -> None:
    with op.batch_alter_table("office_series", schema=None) as batch_op:
        batch_op.add_column(sa.Column("round_hours", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_office_series_round_hours"), "round_hours IS NULL OR round_hours BETWEEN 24 AND 72"
        )
    op.create_table(
        "office_round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "gathering",
                "drawn",
                "cancelled",
                name="roundstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("draws_at", UtcDateTime(), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("draws_at > opened_at", name=op.f("ck_office_round_forward")),
        sa.CheckConstraint("length(commitment) = 64 AND length(seed) = 64", name=op.f("ck_office_round_whole")),
        sa.CheckConstraint("(state = 'drawn') = (protocol IS NOT NULL)", name=op.f("ck_office_round_drawn_is_told")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_round_sitting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_round")),
    )
    op.create_index(
        "uq_office_round_sitting",
        "office_round",
        ["sitting_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'cancelled'"),
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_index("ix_office_round_due", "office_round", ["state", "draws_at"], unique=False)
    op.create_index(op.f("ix_office_round_sitting_id"), "office_round", ["sitting_id"], unique=False)
    op.create_table(
        "office_round_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "seated",
                "unlucky",
                "withdrawn",
                "ineligible",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("anywhere", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("owed", sa.Integer(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("recent", sa.Integer(), nullable=True),
        sa.Column("strikes", sa.Integer(), nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state = 'seated') = (booking_id IS NOT NULL)", name=op.f("ck_office_round_request_seated_is_booked")
        ),
        sa.CheckConstraint(
            "(state = 'ineligible') = (reason IS NOT NULL)",
            name=op.f("ck_office_round_request_ineligible_has_reason"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_round_request_account_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_round_request_booking_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_office_round_request_participant_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["office_round.id"], name=op.f("fk_office_round_request_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_round_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_office_round_request_public_id")),
        sa.UniqueConstraint("round_id", "participant_id", name="uq_office_round_request_once"),
    )
    for column in ("account_id", "booking_id", "participant_id"):
        op.create_index(op.f(f"ix_office_round_request_{column}"), "office_round_request", [column], unique=False)
    op.create_table(
        "office_round_wish",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("rank > 0", name=op.f("ck_office_round_wish_rank")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["office_round_request.id"],
            name=op.f("fk_office_round_wish_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_round_wish_slot_id")),
        sa.PrimaryKeyConstraint("request_id", "rank", name=op.f("pk_office_round_wish")),
        sa.UniqueConstraint("request_id", "slot_id", name="uq_office_round_wish_slot"),
    )
    op.create_index(op.f("ix_office_round_wish_slot_id"), "office_round_wish", ["slot_id"], unique=False)


def _meetings() -> None:
    """Sealed questions, meeting links, the day itself, notes and what was promised."""
    _days()
    _questions()


def _days() -> None:
    """The day itself, notes, what was promised, and questions with answers for all."""
    op.create_table(
        "office_host_arrival",
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("here_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_host_arrival_account_id")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_host_arrival_sitting_id")),
        sa.PrimaryKeyConstraint("sitting_id", "account_id", name=op.f("pk_office_host_arrival")),
    )
    op.create_index(op.f("ix_office_host_arrival_account_id"), "office_host_arrival", ["account_id"], unique=False)

    op.create_table(
        "office_course",
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=True),
        sa.Column("called_at", UtcDateTime(), nullable=True),
        sa.Column("late_minutes", sa.Integer(), nullable=False),
        sa.Column("late_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(slot_id IS NULL) = (called_at IS NULL)", name=op.f("ck_office_course_called_has_time")),
        sa.CheckConstraint("late_minutes BETWEEN 0 AND 240", name=op.f("ck_office_course_late_minutes")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_course_sitting_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_course_slot_id")),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk_office_course")),
    )
    op.create_table(
        "office_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("component", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "reviewed",
                "published",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("edited_by_id", sa.Integer(), nullable=False),
        sa.Column("edited_at", UtcDateTime(), nullable=False),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column(
            "consent",
            sa.Enum(
                "not needed",
                "not asked",
                "asked",
                "given",
                "refused",
                name="consent",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("consent_at", UtcDateTime(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(booking_id IS NULL) = (consent = 'not needed')", name=op.f("ck_office_answer_consent_of_somebody")
        ),
        sa.CheckConstraint(
            "(state = 'draft') = (reviewed_by_id IS NULL)", name=op.f("ck_office_answer_reviewed_by_somebody")
        ),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (reason IS NOT NULL)", name=op.f("ck_office_answer_withdrawn_has_reason")
        ),
        sa.CheckConstraint(
            "state <> 'published' OR consent IN ('not needed', 'given')",
            name=op.f("ck_office_answer_published_with_consent"),
        ),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name=op.f("ck_office_answer_published_has_time")
        ),
        sa.CheckConstraint("reviewed_by_id <> edited_by_id", name=op.f("ck_office_answer_two_people")),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_answer_booking_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_office_answer_challenge_id")),
        sa.ForeignKeyConstraint(["edited_by_id"], ["account.id"], name=op.f("fk_office_answer_edited_by_id")),
        sa.ForeignKeyConstraint(["reviewed_by_id"], ["account.id"], name=op.f("fk_office_answer_reviewed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_answer")),
        sa.UniqueConstraint("key", name=op.f("uq_office_answer_key")),
    )
    op.create_index(op.f("ix_office_answer_booking_id"), "office_answer", ["booking_id"], unique=False)
    op.create_index(
        "ix_office_answer_published", "office_answer", ["challenge_id", "state", "published_at", "id"], unique=False
    )

    op.create_table(
        "office_arrival",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("here_at", UtcDateTime(), nullable=True),
        sa.Column("here_by_id", sa.Integer(), nullable=True),
        sa.Column("late_minutes", sa.Integer(), nullable=True),
        sa.Column("late_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(here_at IS NULL) = (here_by_id IS NULL)", name=op.f("ck_office_arrival_here_by_somebody")),
        sa.CheckConstraint("(late_minutes IS NULL) = (late_at IS NULL)", name=op.f("ck_office_arrival_late_since")),
        sa.CheckConstraint("here_at IS NOT NULL OR late_at IS NOT NULL", name=op.f("ck_office_arrival_says_something")),
        sa.CheckConstraint("late_minutes BETWEEN 1 AND 240", name=op.f("ck_office_arrival_late_minutes")),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_arrival_booking_id")),
        sa.ForeignKeyConstraint(["here_by_id"], ["account.id"], name=op.f("fk_office_arrival_here_by_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_arrival_slot_id")),
        sa.PrimaryKeyConstraint("booking_id", "slot_id", name=op.f("pk_office_arrival")),
    )
    op.create_index(op.f("ix_office_arrival_here_by_id"), "office_arrival", ["here_by_id"], unique=False)
    op.create_index(op.f("ix_office_arrival_slot_id"), "office_arrival", ["slot_id"], unique=False)

    op.create_table(
        "office_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("shared", "internal", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_office_note_author_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_note_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_note")),
    )
    op.create_index(op.f("ix_office_note_author_id"), "office_note", ["author_id"], unique=False)
    op.create_index("ix_office_note_booking", "office_note", ["booking_id", "id"], unique=False)

    op.create_table(
        "office_promise",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "done", "dropped", name="state", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'dropped') = (reason IS NOT NULL)", name=op.f("ck_office_promise_dropped_has_reason")
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_promise_booking_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_office_promise_made_by_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_office_promise_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_promise")),
    )
    op.create_index(op.f("ix_office_promise_booking_id"), "office_promise", ["booking_id"], unique=False)
    op.create_index("ix_office_promise_due", "office_promise", ["state", "due_on", "id"], unique=False)
    op.create_index(op.f("ix_office_promise_owner_id"), "office_promise", ["owner_id"], unique=False)
    for statement in ANSWERS_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else ANSWERS_SQLITE:
        op.execute(statement)


def _questions() -> None:
    """Hosts' certificates, sealed questions and answers, and the way into a meeting as a secret."""
    with op.batch_alter_table("office_series", schema=None) as batch_op:
        # A migration has no key to seal with: links are given anew, and what was kept in clear is forgotten.
        batch_op.drop_column("meeting_url")
        batch_op.add_column(sa.Column("question_due_minutes", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_office_series_question_before_cutoff"),
            "question_due_minutes > 0 AND question_due_minutes >= cutoff_minutes",
        )
    op.create_table(
        "office_host_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("key_ids", sa.JSON(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(fingerprint) = 40", name=op.f("ck_office_host_key_fingerprint_whole")),
        sa.CheckConstraint("retired_at >= given_at", name=op.f("ck_office_host_key_retired_after")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_host_key_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_host_key")),
    )
    op.create_index("ix_office_host_key_account", "office_host_key", ["account_id", "given_at"], unique=False)
    op.create_index(
        "uq_office_host_key_live",
        "office_host_key",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "office_question",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("sealed_by_id", sa.Integer(), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_office_question_sha256_whole")),
        sa.CheckConstraint("size > 0", name=op.f("ck_office_question_size_positive")),
        sa.ForeignKeyConstraint(["booking_id"], ["office_booking.id"], name=op.f("fk_office_question_booking_id")),
        sa.ForeignKeyConstraint(["sealed_by_id"], ["account.id"], name=op.f("fk_office_question_sealed_by_id")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_office_question")),
    )
    op.create_index(op.f("ix_office_question_sealed_by_id"), "office_question", ["sealed_by_id"], unique=False)
    op.create_table(
        "office_booking_report",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["office_booking.id"], name=op.f("fk_office_booking_report_booking_id")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_office_booking_report_report_id")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_office_booking_report")),
    )
    op.create_index(op.f("ix_office_booking_report_report_id"), "office_booking_report", ["report_id"], unique=False)
    op.create_table(
        "office_written_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "accepted",
                "declined",
                "taken_back",
                name="earlystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'taken_back') = (length(text) = 0)", name=op.f("ck_office_written_answer_taken_back_is_gone")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["office_booking.id"], name=op.f("fk_office_written_answer_booking_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_office_written_answer_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_written_answer")),
    )
    op.create_index("ix_office_written_answer_booking", "office_written_answer", ["booking_id", "id"], unique=False)
    op.create_index(op.f("ix_office_written_answer_by_id"), "office_written_answer", ["by_id"], unique=False)
    op.create_index(
        "uq_office_written_answer_offered",
        "office_written_answer",
        ["booking_id"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    _links()


def _links() -> None:
    """The way into a meeting."""
    op.create_table(
        "office_meeting_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=True),
        sa.Column("sitting_id", sa.Integer(), nullable=True),
        sa.Column("slot_id", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(length=4000), nullable=True),
        sa.Column("varying", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("turned_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN series_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN sitting_id IS NULL THEN 0 ELSE 1 END) "
            "+ (CASE WHEN slot_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_office_meeting_link_of_one_thing"),
        ),
        sa.CheckConstraint(
            "slot_id IS NOT NULL OR (turn = 0 AND turned_at IS NULL)", name=op.f("ck_office_meeting_link_slots_turn")
        ),
        sa.CheckConstraint("turn >= 0", name=op.f("ck_office_meeting_link_turn")),
        sa.ForeignKeyConstraint(["series_id"], ["office_series.id"], name=op.f("fk_office_meeting_link_series_id")),
        sa.ForeignKeyConstraint(["sitting_id"], ["office_session.id"], name=op.f("fk_office_meeting_link_sitting_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["office_slot.id"], name=op.f("fk_office_meeting_link_slot_id")),
        sa.ForeignKeyConstraint(["changed_by_id"], ["account.id"], name=op.f("fk_office_meeting_link_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_meeting_link")),
        sa.UniqueConstraint("series_id", name=op.f("uq_office_meeting_link_series_id")),
        sa.UniqueConstraint("sitting_id", name=op.f("uq_office_meeting_link_sitting_id")),
        sa.UniqueConstraint("slot_id", name=op.f("uq_office_meeting_link_slot_id")),
    )


def _calendars() -> None:
    """Feeds and reminders."""
    op.create_table(
        "office_reminder_choice",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Boolean(), nullable=False),
        sa.Column("hour", sa.Boolean(), nullable=False),
        sa.Column("quarter", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_office_reminder_choice_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_office_reminder_choice")),
    )
    with op.batch_alter_table("office_feed", schema=None) as batch_op:
        batch_op.add_column(sa.Column("challenge_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_office_feed_challenge_id"), "challenge", ["challenge_id"], ["id"])
        batch_op.drop_constraint(op.f("ck_office_feed_scope"), type_="check")
        batch_op.create_check_constraint(op.f("ck_office_feed_scope"), "scope IN ('mine', 'host', 'busy')")
        batch_op.create_check_constraint(
            op.f("ck_office_feed_busy_of_a_challenge"), "(scope = 'busy') = (challenge_id IS NOT NULL)"
        )
        batch_op.drop_index("uq_office_feed_live")
        batch_op.create_index(
            "uq_office_feed_live",
            ["account_id", "scope"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL AND challenge_id IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL AND challenge_id IS NULL"),
        )
        batch_op.create_index(
            "uq_office_feed_busy",
            ["challenge_id"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )


def _line() -> None:
    """Conversations with the team."""
    op.create_table(
        "line_canned_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_canned_answer_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_canned_answer")),
        sa.UniqueConstraint("challenge_id", "title", name=op.f("uq_line_canned_answer_challenge_id_title")),
    )
    op.create_table(
        "line_pace",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("first_days", sa.Integer(), nullable=False),
        sa.Column("next_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_days BETWEEN 1 AND 30", name=op.f("ck_line_pace_first_days")),
        sa.CheckConstraint("next_days BETWEEN 1 AND 30", name=op.f("ck_line_pace_next_days")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_pace_challenge_id")),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_line_pace")),
    )
    op.create_table(
        "line_conversation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "waiting_for_team",
                "waiting_for_participant",
                "settled",
                name="conversationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('open', 'waiting_for_team')) = (due_at IS NOT NULL)",
            name=op.f("ck_line_conversation_due_while_waiting"),
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["account.id"], name=op.f("fk_line_conversation_assignee_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_conversation_challenge_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_line_conversation_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_conversation")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_line_conversation_participant_id")),
    )
    op.create_index("ix_line_conversation_assignee", "line_conversation", ["assignee_id", "due_at", "id"], unique=False)
    op.create_index("ix_line_conversation_queue", "line_conversation", ["challenge_id", "due_at", "id"], unique=False)
    op.create_table(
        "line_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "author",
            sa.Enum("participant", "team", "note", name="author", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "via",
            sa.Enum("page", "mail", name="via", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("in_mail", sa.Boolean(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.String(length=250), nullable=True),
        sa.CheckConstraint("NOT in_mail OR author = 'team'", name=op.f("ck_line_message_only_answers_in_mail")),
        sa.CheckConstraint(
            "via = 'page' OR author = 'participant'", name=op.f("ck_line_message_only_participants_by_mail")
        ),
        sa.CheckConstraint("left_out >= 0", name=op.f("ck_line_message_left_out")),
        sa.CheckConstraint("length(text) > 0", name=op.f("ck_line_message_says_something")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_line_message_account_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["line_conversation.id"], name=op.f("fk_line_message_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_message")),
        sa.UniqueConstraint("conversation_id", "key", name=op.f("uq_line_message_conversation_id_key")),
    )
    op.create_index("ix_line_message_account", "line_message", ["account_id", "at"], unique=False)
    op.create_index("ix_line_message_conversation", "line_message", ["conversation_id", "id"], unique=False)
    op.create_table(
        "line_silence",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_line_silence_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_line_silence")),
    )
    op.create_table(
        "line_incoming",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox", sa.String(length=64), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "taken",
                "automatic",
                "returned",
                "repeated",
                "empty",
                "unaddressed",
                "forged",
                "other_sender",
                "no_place",
                "too_many",
                "too_large",
                "encrypted",
                "unreadable",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("challenge_id", sa.Integer(), nullable=True),
        sa.Column("conversation_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("sender", sa.String(length=254), nullable=True),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("handled_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "outcome <> 'taken' OR message_id IS NOT NULL", name=op.f("ck_line_incoming_taken_is_there")
        ),
        sa.CheckConstraint(
            "sender IS NULL OR (outcome = 'other_sender' AND handled_at IS NULL)",
            name=op.f("ck_line_incoming_sender_brief"),
        ),
        sa.CheckConstraint(
            "(handled_at IS NULL) = (handled_by_id IS NULL)", name=op.f("ck_line_incoming_handled_by_whom")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_line_incoming_account_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_line_incoming_challenge_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["line_conversation.id"], name=op.f("fk_line_incoming_conversation_id")
        ),
        sa.ForeignKeyConstraint(["handled_by_id"], ["account.id"], name=op.f("fk_line_incoming_handled_by_id")),
        sa.ForeignKeyConstraint(["message_id"], ["line_message.id"], name=op.f("fk_line_incoming_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_incoming")),
        sa.UniqueConstraint("digest", name=op.f("uq_line_incoming_digest")),
        sa.UniqueConstraint("mailbox", "validity", "uid", name=op.f("uq_line_incoming_mailbox_validity_uid")),
    )
    op.create_index("ix_line_incoming_account", "line_incoming", ["account_id", "at"], unique=False)
    op.create_index("ix_line_incoming_challenge", "line_incoming", ["challenge_id", "at"], unique=False)
    op.create_index(
        "ix_line_incoming_open",
        "line_incoming",
        ["challenge_id", "id"],
        unique=False,
        sqlite_where=sa.text("outcome = 'other_sender' AND handled_at IS NULL"),
        postgresql_where=sa.text("outcome = 'other_sender' AND handled_at IS NULL"),
    )
    op.create_table(
        "line_read",
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_line_read_account_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["line_conversation.id"], name=op.f("fk_line_read_conversation_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["line_message.id"], name=op.f("fk_line_read_message_id")),
        sa.PrimaryKeyConstraint("conversation_id", "account_id", name=op.f("pk_line_read")),
    )
    op.create_index(op.f("ix_line_read_account_id"), "line_read", ["account_id"], unique=False)
    op.add_column("outgoing_mail", sa.Column("reply_to", sa.String(length=254), nullable=True))
    op.add_column("outgoing_mail", sa.Column("thread", sa.String(length=600), nullable=True))


def _resources() -> None:
    """Documents, downloads, builds and announcements."""
    op.create_table(
        "build",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "available",
                "pinned",
                "withdrawn",
                name="buildstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_build_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build")),
        sa.UniqueConstraint("challenge_id", "id", name=op.f("uq_build_challenge_id_id")),
        sa.UniqueConstraint("challenge_id", "name", name=op.f("uq_build_challenge_id_name")),
    )
    op.create_table(
        "resource_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("begun_by_id", sa.Integer(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("unnamed_since", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(completed_at IS NULL) = (sha256 IS NULL)", name=op.f("ck_resource_file_complete_has_hash")
        ),
        sa.CheckConstraint("(completed_at IS NULL) = (size IS NULL)", name=op.f("ck_resource_file_complete_has_size")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_resource_file_sha256_whole")),
        sa.CheckConstraint("size > 0", name=op.f("ck_resource_file_size_positive")),
        sa.ForeignKeyConstraint(["begun_by_id"], ["account.id"], name=op.f("fk_resource_file_begun_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_resource_file_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_file")),
        sa.UniqueConstraint("challenge_id", "id", name=op.f("uq_resource_file_challenge_id_id")),
        sa.UniqueConstraint("folder", name=op.f("uq_resource_file_folder")),
    )
    with op.batch_alter_table("resource_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_resource_file_unnamed_since"), ["unnamed_since"], unique=False)

    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("publish_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("published", "withdrawn", name="news", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("publish_at >= created_at", name=op.f("ck_announcement_never_backdated")),
        sa.ForeignKeyConstraint(
            ["challenge_id", "build_id"],
            ["build.challenge_id", "build.id"],
            name=op.f("fk_announcement_challenge_id_build_id"),
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_announcement_challenge_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_announcement_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
    )
    with op.batch_alter_table("announcement", schema=None) as batch_op:
        batch_op.create_index("ix_announcement_build", ["build_id"], unique=False)
        batch_op.create_index("ix_announcement_out", ["challenge_id", "publish_at", "id"], unique=False)

    op.create_table(
        "resource",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "document",
                "download",
                "link",
                name="resourcekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "published",
                "withdrawn",
                name="publication",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(kind = 'document') = (body IS NOT NULL)", name=op.f("ck_resource_document_has_body")),
        sa.CheckConstraint("(kind = 'link') = (url IS NOT NULL)", name=op.f("ck_resource_link_has_url")),
        sa.CheckConstraint(
            "kind <> 'download' OR state = 'draft' OR file_id IS NOT NULL", name=op.f("ck_resource_given_out_with_file")
        ),
        sa.CheckConstraint("kind = 'download' OR file_id IS NULL", name=op.f("ck_resource_download_has_file")),
        sa.ForeignKeyConstraint(
            ["challenge_id", "build_id"],
            ["build.challenge_id", "build.id"],
            name=op.f("fk_resource_challenge_id_build_id"),
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id", "file_id"],
            ["resource_file.challenge_id", "resource_file.id"],
            name=op.f("fk_resource_challenge_id_file_id"),
        ),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_resource_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
    )
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.create_index("ix_resource_build", ["build_id"], unique=False)
        batch_op.create_index("ix_resource_file", ["file_id"], unique=False)
        batch_op.create_index("ix_resource_place", ["challenge_id", "position", "id"], unique=False)

    op.create_table(
        "resource_file_piece",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_resource_file_piece_sha256_whole")),
        sa.CheckConstraint("size > 0 AND size <= 8388608", name=op.f("ck_resource_file_piece_size_fits")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["resource_file.id"], name=op.f("fk_resource_file_piece_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "number", name=op.f("pk_resource_file_piece")),
    )
    op.create_table(
        "announcement_mail",
        sa.Column("announcement_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("posted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcement.id"], name=op.f("fk_announcement_mail_announcement_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_announcement_mail_member_id")),
        sa.PrimaryKeyConstraint("announcement_id", "member_id", name=op.f("pk_announcement_mail")),
    )
    with op.batch_alter_table("announcement_mail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_announcement_mail_member_id"), ["member_id"], unique=False)

    op.create_table(
        "announcement_read",
        sa.Column("announcement_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_announcement_read_account_id")),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcement.id"], name=op.f("fk_announcement_read_announcement_id")
        ),
        sa.PrimaryKeyConstraint("announcement_id", "account_id", name=op.f("pk_announcement_read")),
    )
    with op.batch_alter_table("announcement_read", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_announcement_read_account_id"), ["account_id"], unique=False)

    op.create_table(
        "news_choice",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "choice",
            sa.Enum("at once", "daily", "never", name="newsmail", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_news_choice_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_news_choice")),
    )


def downgrade() -> None:
    """Nothing leads back: conversations and notes would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
