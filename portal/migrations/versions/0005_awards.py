"""Awards as entries, with shares and payments"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.core.db import Money, UtcDateTime

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("award_share", "payment_batch_line")
# What an award that was corrected before reasons were asked for says.
BECAUSE = "Corrected before reasons were asked for."
DONATED = "not told"


def upgrade() -> None:
    _rules()
    _unname()
    _entries()
    _shares()
    _batches()
    _payments()
    _conflicts()
    _take_over()
    op.drop_table("award")
    _append_only()


def _rules() -> None:
    """From when a version holds, and why it is there. Added in place: making the table anew would lose its triggers."""
    op.add_column("bounty_rules", sa.Column("in_force_from", UtcDateTime(), nullable=True))
    op.add_column("bounty_rules", sa.Column("note", sa.String(length=300), server_default="", nullable=False))


def _unname() -> None:
    """Free the names of the old table's indexes."""
    for name in ("ix_award_list", "ix_award_participant_id", "uq_award_granted", "uq_award_proposed"):
        op.drop_index(name, table_name="award")


def _entries() -> None:
    """One entry for each proposal."""
    op.create_table(
        "award_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("rules_id", sa.Integer(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "award",
                "raise",
                "lower",
                "split",
                "void",
                name="entry",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("part", sa.String(length=60), nullable=False),
        sa.Column(
            "severity",
            sa.Enum(
                "critical",
                "important",
                "moderate",
                "low",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "quality",
            sa.Enum("high", "medium", "low", name="quality", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column("base", Money(), nullable=False),
        sa.Column("uplift_percent", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("change", Money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("working", sa.Text(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "standard",
                "chain",
                "partial",
                "exceptional",
                "correction",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("because", sa.String(length=300), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "returned",
                "approved",
                "rejected",
                "withdrawn",
                "superseded",
                name="awardstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(amount = 0) = (kind = 'void')", name=op.f("ck_award_entry_void_is_nothing")),
        sa.CheckConstraint(
            "(kind = 'award') = (corrects_id IS NULL)", name=op.f("ck_award_entry_first_corrects_nothing")
        ),
        sa.CheckConstraint(
            "(state IN ('approved', 'superseded')) = (approved_by_id IS NOT NULL)",
            name=op.f("ck_award_entry_approved_by_someone"),
        ),
        sa.CheckConstraint("kind <> 'award' OR change = amount", name=op.f("ck_award_entry_first_changes_all")),
        sa.CheckConstraint("kind <> 'raise' OR change > 0", name=op.f("ck_award_entry_raise_is_more")),
        sa.CheckConstraint("kind <> 'split' OR change = 0", name=op.f("ck_award_entry_split_changes_nothing")),
        sa.CheckConstraint("kind = 'award' OR length(because) > 0", name=op.f("ck_award_entry_correction_has_reason")),
        sa.CheckConstraint("kind NOT IN ('lower', 'void') OR change < 0", name=op.f("ck_award_entry_lower_is_less")),
        sa.CheckConstraint(
            "state NOT IN ('returned', 'rejected') OR outcome IS NOT NULL", name=op.f("ck_award_entry_no_has_reason")
        ),
        sa.CheckConstraint(
            "(approved_by_id IS NULL) = (approved_at IS NULL)", name=op.f("ck_award_entry_approved_time")
        ),
        sa.CheckConstraint("amount >= 0 AND base > 0", name=op.f("ck_award_entry_amount_positive")),
        sa.CheckConstraint("approved_by_id <> proposed_by_id", name=op.f("ck_award_entry_second_person")),
        sa.CheckConstraint("corrects_id <> id", name=op.f("ck_award_entry_corrects_another")),
        sa.CheckConstraint("uplift_percent BETWEEN 0 AND 100", name=op.f("ck_award_entry_uplift_range")),
        sa.ForeignKeyConstraint(["approved_by_id"], ["account.id"], name=op.f("fk_award_entry_approved_by_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_award_entry_challenge_id")),
        sa.ForeignKeyConstraint(["corrects_id"], ["award_entry.id"], name=op.f("fk_award_entry_corrects_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_award_entry_participant_id")),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["account.id"], name=op.f("fk_award_entry_proposed_by_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_award_entry_report_id")),
        sa.ForeignKeyConstraint(["rules_id"], ["bounty_rules.id"], name=op.f("fk_award_entry_rules_id")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_award_entry_scenario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_entry")),
    )
    op.create_index("ix_award_list", "award_entry", ["challenge_id", "state", "state_since", "id"], unique=False)
    op.create_index("ix_award_participant_id", "award_entry", ["participant_id"], unique=False)
    op.create_index("ix_award_thread", "award_entry", ["report_id", "part", "id"], unique=False)
    op.create_index(
        "uq_award_granted",
        "award_entry",
        ["report_id", "part"],
        unique=True,
        sqlite_where=sa.text("state = 'approved'"),
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.create_index(
        "uq_award_proposed",
        "award_entry",
        ["report_id", "part"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )


def _shares() -> None:
    """What each member is given of an entry."""
    op.create_table(
        "award_share",
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_award_share_amount_range")),
        sa.CheckConstraint("weight BETWEEN 1 AND 10000", name=op.f("ck_award_share_weight_range")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_award_share_account_id")),
        sa.ForeignKeyConstraint(["award_id"], ["award_entry.id"], name=op.f("fk_award_share_award_id")),
        sa.PrimaryKeyConstraint("award_id", "account_id", name=op.f("pk_award_share")),
    )
    op.create_index(op.f("ix_award_share_account_id"), "award_share", ["account_id"], unique=False)


def _batches() -> None:
    """Files for the bank."""
    op.create_table(
        "payment_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_payment_batch_number_positive")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_payment_batch_challenge_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_payment_batch_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_batch")),
        sa.UniqueConstraint("challenge_id", "number", name=op.f("uq_payment_batch_challenge_id_number")),
    )


def _payments() -> None:
    """The money, member by member."""
    op.create_table(
        "award_payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "due",
                "sent",
                "paid",
                "failed",
                "refused",
                "donated",
                "cancelled",
                name="paymentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("paid_at", UtcDateTime(), nullable=True),
        sa.Column("donated_to", sa.String(length=120), nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=True),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'donated') = (donated_to IS NOT NULL)", name=op.f("ck_award_payment_donated_to_whom")
        ),
        sa.CheckConstraint(
            "(state IN ('paid', 'donated')) = (reference IS NOT NULL)", name=op.f("ck_award_payment_paid_has_reference")
        ),
        sa.CheckConstraint("state <> 'due' OR batch_id IS NULL", name=op.f("ck_award_payment_due_in_no_batch")),
        sa.CheckConstraint(
            "state NOT IN ('failed', 'refused') OR outcome IS NOT NULL", name=op.f("ck_award_payment_no_has_reason")
        ),
        sa.CheckConstraint(
            "state NOT IN ('sent', 'paid') OR sent_at IS NOT NULL", name=op.f("ck_award_payment_sent_time")
        ),
        sa.CheckConstraint("(reference IS NULL) = (paid_at IS NULL)", name=op.f("ck_award_payment_paid_time")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_award_payment_amount_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_award_payment_account_id")),
        sa.ForeignKeyConstraint(["award_id"], ["award_entry.id"], name=op.f("fk_award_payment_award_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["payment_batch.id"], name=op.f("fk_award_payment_batch_id")),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"], name=op.f("fk_award_payment_challenge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_payment")),
    )
    op.create_index(op.f("ix_award_payment_account_id"), "award_payment", ["account_id"], unique=False)
    op.create_index("ix_award_payment_award_id", "award_payment", ["award_id"], unique=False)
    op.create_index(op.f("ix_award_payment_batch_id"), "award_payment", ["batch_id"], unique=False)
    op.create_index(
        "ix_award_payment_list", "award_payment", ["challenge_id", "state", "state_since", "id"], unique=False
    )
    op.create_index(
        "ix_award_payment_live",
        "award_payment",
        ["challenge_id", "state_since"],
        unique=False,
        sqlite_where=sa.text("state IN ('due', 'sent', 'failed')"),
        postgresql_where=sa.text("state IN ('due', 'sent', 'failed')"),
    )
    op.create_table(
        "payment_batch_line",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_batch_line_amount_positive")),
        sa.ForeignKeyConstraint(["batch_id"], ["payment_batch.id"], name=op.f("fk_payment_batch_line_batch_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["award_payment.id"], name=op.f("fk_payment_batch_line_payment_id")),
        sa.PrimaryKeyConstraint("batch_id", "payment_id", name=op.f("pk_payment_batch_line")),
    )
    op.create_index(op.f("ix_payment_batch_line_payment_id"), "payment_batch_line", ["payment_id"], unique=False)


def _conflicts() -> None:
    """Who does not decide on whose awards."""
    op.create_table(
        "award_conflict",
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_award_conflict_account_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_award_conflict_participant_id")),
        sa.PrimaryKeyConstraint("participant_id", "account_id", name=op.f("pk_award_conflict")),
    )
    op.create_index(op.f("ix_award_conflict_account_id"), "award_conflict", ["account_id"], unique=False)


ENTRIES = """
    INSERT INTO award_entry (id, challenge_id, report_id, participant_id, rules_id, corrects_id, kind, part, severity,
        quality, scenario_id, base, uplift_percent, amount, change, currency, working, reason, because, note, state,
        state_since, proposed_by_id, proposed_at, approved_by_id, approved_at, outcome)
    SELECT award.id, award.challenge_id, award.report_id, award.participant_id, award.rules_id, award.corrects_id,
        CASE WHEN old.id IS NULL THEN 'award' WHEN award.amount > old.amount THEN 'raise'
            WHEN award.amount < old.amount THEN 'lower' ELSE 'split' END,
        '', award.severity, award.quality, award.scenario_id, award.base, award.uplift_percent, award.amount,
        award.amount - COALESCE(old.amount, 0), award.currency, award.working, award.reason,
        CASE WHEN old.id IS NULL THEN '' ELSE '{because}' END, award.note,
        CASE WHEN award.state = 'refused' AND EXISTS (SELECT 1 FROM award AS other WHERE other.report_id = award.report_id
                AND (other.state IN ('approved', 'paid', 'failed', 'donated')
                    OR other.state = 'refused' AND other.id > award.id)) THEN 'superseded'
            WHEN award.state IN ('paid', 'failed', 'donated', 'refused') THEN 'approved' ELSE award.state END,
        award.state_since, award.proposed_by_id, award.proposed_at, award.approved_by_id, award.approved_at,
        CASE WHEN award.state = 'rejected' THEN COALESCE(award.outcome, '') END
    FROM award LEFT JOIN award AS old ON old.id = award.corrects_id
"""

_AWARD = sa.table(
    "award", sa.column("id"), sa.column("challenge_id"), sa.column("participant_id"), sa.column("corrects_id"),
    sa.column("amount", Money()), sa.column("currency"), sa.column("state"), sa.column("state_since", UtcDateTime()),
    sa.column("approved_at", UtcDateTime()), sa.column("outcome"), sa.column("payment_reference"),
    sa.column("paid_at", UtcDateTime()),
)  # fmt: skip
_SHARE = sa.table(
    "award_share", sa.column("award_id"), sa.column("account_id"), sa.column("weight"), sa.column("amount", Money())
)
_PAYMENT = sa.table(
    "award_payment", sa.column("challenge_id"), sa.column("award_id"), sa.column("account_id"),
    sa.column("amount", Money()), sa.column("currency"), sa.column("state"), sa.column("state_since", UtcDateTime()),
    sa.column("due_at", UtcDateTime()), sa.column("sent_at", UtcDateTime()), sa.column("reference"),
    sa.column("paid_at", UtcDateTime()), sa.column("donated_to"), sa.column("outcome"),
)  # fmt: skip


def _take_over() -> None:
    """Every award becomes an entry; its one payment is the lead member's, and what is still to be paid is divided."""
    bind = op.get_bind()
    op.execute(sa.text(ENTRIES.format(because=BECAUSE)))
    if bind.dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('award_entry', 'id'), MAX(id)) FROM award_entry HAVING MAX(id) > 0"
        )
    members: dict[int, list[int]] = defaultdict(list)
    for participant_id, account_id in bind.execute(
        sa.text("SELECT participant_id, account_id FROM member ORDER BY participant_id, role, id")
    ):
        members[participant_id].append(account_id)
    had: dict[int, dict[int, Any]] = {}
    stands = set(bind.execute(sa.text("SELECT id FROM award_entry WHERE state = 'approved'")).scalars())
    for award in bind.execute(sa.select(_AWARD).order_by(sa.column("id"))).mappings():
        _divide(award, members[award["participant_id"]], had, stands=award["id"] in stands)


def _divide(award: Any, people: list[int], had: dict[int, dict[int, Any]], *, stands: bool) -> None:
    """The shares of an award and what is paid or due of it; `had` is what was paid along its chain of corrections."""
    # "lead" is before "member" in the order of the roles: whoever was paid in the name of all.
    whole = award["state"] in ("paid", "failed", "donated", "refused") or award["payment_reference"]
    shares = _split(award["amount"], people[:1] if whole else people)
    op.bulk_insert(
        _SHARE,
        [{"award_id": award["id"], "account_id": who, "weight": 1, "amount": part} for who, part in shares.items()],
    )
    paid = dict(had.get(award["corrects_id"], {}))
    had[award["id"]] = paid
    state = award["state"]
    if state == "superseded" and award["payment_reference"]:
        state = "paid"
    if state == "approved":
        state = "due"
    if state not in ("due", "paid", "failed", "donated", "refused") or (state == "refused" and not stands):
        return
    rows = []
    for who, part in shares.items():
        left = part - paid.get(who, 0)
        if left > 0:
            rows.append(_payment(award, who, left, state))
            paid[who] = paid.get(who, 0) + (left if state in ("paid", "donated") else 0)
    op.bulk_insert(_PAYMENT, rows)


def _split(amount: Any, people: list[int]) -> dict[int, Any]:
    """In equal parts; the first ones get the odd cents."""
    each, odd = divmod(int(amount * 100), len(people))
    return {who: (amount * 0 + each + (1 if place < odd else 0)) / 100 for place, who in enumerate(people)}


def _payment(award: Any, who: int, amount: Any, state: str) -> dict[str, Any]:
    done = state in ("paid", "donated")
    return {
        "challenge_id": award["challenge_id"], "award_id": award["id"], "account_id": who, "amount": amount,
        "currency": award["currency"], "state": state,
        "state_since": award["paid_at"] if done else award["state_since"], "due_at": award["approved_at"],
        "sent_at": award["paid_at"] if state == "paid" else None,
        "reference": award["payment_reference"] if done else None, "paid_at": award["paid_at"] if done else None,
        "donated_to": DONATED if state == "donated" else None,
        "outcome": (award["outcome"] or "") if state in ("failed", "refused") else None,
    }  # fmt: skip


def _append_only() -> None:
    """What was divided, and what stood in a file, is never changed."""
    for name in APPEND_ONLY:
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
        else:
            for verb in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {name}_no_{verb} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
                )


def downgrade() -> None:
    """Nothing leads back: shares, corrections and payments would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
