"""What is true of bounty rules, awards and payments."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.awards.states import AwardState, Entry, PaymentState, Quality, Reason
from portal.challenges.models import Challenge, Participant, Scenario
from portal.challenges.states import ScenarioKind
from portal.core.constraints import explain
from portal.core.db import Model, append_only, refers
from portal.core.moves import Moving
from portal.reports.models import Report, ReportLink
from portal.reports.states import Severity

_GRANTED = sa.text("state = 'approved'")
_PROPOSED = sa.text("state = 'proposed'")
_LIVE = sa.text("state IN ('due', 'sent', 'failed')")


class BountyRules(Model):
    """One version of the rules by which amounts are worked out. It never changes.

    Of the versions whose time had come when a report arrived, the newest is the one by which it is awarded.
    """

    __tablename__ = "bounty_rules"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "version"),
        sa.CheckConstraint("version > 0", name="version_positive"),
        sa.CheckConstraint("cap IS NULL OR cap > 0", name="cap_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    version: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3))
    # No report is given more than this, all its parts together.
    cap: Mapped[Decimal | None]
    # From when it holds; None where that is its publication.
    in_force_from: Mapped[datetime | None]
    # Why there is a new version.
    note: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    bases: Mapped[list["BountyBase"]] = relationship(lazy="selectin")
    uplifts: Mapped[list["BountyUplift"]] = relationship(lazy="selectin")
    fixed: Mapped[list["BountyFixed"]] = relationship(lazy="selectin")

    @property
    def holds_from(self) -> datetime:
        """From when it holds."""
        return self.in_force_from or self.published_at


class BountyBase(Model):
    """The amount for a severity and a quality."""

    __tablename__ = "bounty_base"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount_positive"),)

    rules_id: Mapped[int] = mapped_column(sa.ForeignKey(BountyRules.id), primary_key=True)
    severity: Mapped[Severity] = mapped_column(primary_key=True)
    quality: Mapped[Quality] = mapped_column(primary_key=True)
    amount: Mapped[Decimal]


class BountyUplift(Model):
    """Per cent on top for a severity, where a scenario of a kind was achieved."""

    __tablename__ = "bounty_uplift"
    __table_args__ = (sa.CheckConstraint("percent BETWEEN 1 AND 100", name="percent_range"),)

    rules_id: Mapped[int] = mapped_column(sa.ForeignKey(BountyRules.id), primary_key=True)
    kind: Mapped[ScenarioKind] = mapped_column(primary_key=True)
    severity: Mapped[Severity] = mapped_column(primary_key=True)
    percent: Mapped[int]


class BountyFixed(Model):
    """The amount for achieving one scenario, whatever the severity and quality."""

    __tablename__ = "bounty_fixed"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount_positive"),)

    rules_id: Mapped[int] = mapped_column(sa.ForeignKey(BountyRules.id), primary_key=True)
    scenario_id: Mapped[int] = mapped_column(sa.ForeignKey(Scenario.id), primary_key=True)
    amount: Mapped[Decimal]


class Award(Moving[AwardState], Model):
    """One entry: money for a report or a part of it, as it was worked out when it was proposed.

    What it was worked out from stands in the row. `amount` is what the part is given once the entry is approved,
    `change` how much that is more or less than before. The changes of the entries that were approved add up to the
    amount of the one that stands.
    """

    __tablename__ = "award_entry"
    __table_args__ = (
        sa.CheckConstraint("amount >= 0 AND base > 0", name="amount_positive"),
        sa.CheckConstraint("(amount = 0) = (kind = 'void')", name="void_is_nothing"),
        sa.CheckConstraint("uplift_percent BETWEEN 0 AND 100", name="uplift_range"),
        sa.CheckConstraint("(kind = 'award') = (corrects_id IS NULL)", name="first_corrects_nothing"),
        sa.CheckConstraint("kind <> 'award' OR change = amount", name="first_changes_all"),
        sa.CheckConstraint("kind <> 'raise' OR change > 0", name="raise_is_more"),
        sa.CheckConstraint("kind NOT IN ('lower', 'void') OR change < 0", name="lower_is_less"),
        sa.CheckConstraint("kind <> 'split' OR change = 0", name="split_changes_nothing"),
        sa.CheckConstraint("kind = 'award' OR length(because) > 0", name="correction_has_reason"),
        sa.CheckConstraint("approved_by_id <> proposed_by_id", name="second_person"),
        sa.CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approved_time"),
        sa.CheckConstraint(
            "(state IN ('approved', 'superseded')) = (approved_by_id IS NOT NULL)", name="approved_by_someone"
        ),
        sa.CheckConstraint("state NOT IN ('returned', 'rejected') OR outcome IS NOT NULL", name="no_has_reason"),
        sa.CheckConstraint("corrects_id <> id", name="corrects_another"),
        sa.CheckConstraint("link_id IS NULL OR part <> ''", name="link_is_part"),
        sa.Index("uq_award_granted", "report_id", "part", unique=True, sqlite_where=_GRANTED,
                 postgresql_where=_GRANTED),
        sa.Index("uq_award_proposed", "report_id", "part", unique=True, sqlite_where=_PROPOSED,
                 postgresql_where=_PROPOSED),
        sa.Index("ix_award_list", "challenge_id", "state", "state_since", "id"),
        sa.Index("ix_award_participant_id", "participant_id"),
        sa.Index("ix_award_thread", "report_id", "part", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    rules_id: Mapped[int] = mapped_column(sa.ForeignKey(BountyRules.id))
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("award_entry.id"))
    kind: Mapped[Entry] = mapped_column(default=Entry.AWARD)
    # Which link of a chain it is for; empty for the whole report. It is told in clear, so it is neutral.
    part: Mapped[str] = mapped_column(sa.String(60), default="")
    # The same as a row, where the chain of the report is written down; then the part is called as the link is.
    link_id: Mapped[int | None] = mapped_column(sa.ForeignKey(ReportLink.id))
    severity: Mapped[Severity]
    quality: Mapped[Quality]
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    base: Mapped[Decimal]
    uplift_percent: Mapped[int] = mapped_column(default=0)
    amount: Mapped[Decimal]
    change: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(sa.String(3))
    # The lines of the calculator, as they were shown to whoever proposed and approved it.
    working: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[Reason] = mapped_column(default=Reason.STANDARD)
    # Why it corrects what stood, in words for the researcher.
    because: Mapped[str] = mapped_column(sa.String(300), default="")
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    state: Mapped[AwardState] = mapped_column(default=AwardState.PROPOSED)
    state_since: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    proposed_at: Mapped[datetime]
    approved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    approved_at: Mapped[datetime | None]
    # Why it was sent back or rejected.
    outcome: Mapped[str | None] = mapped_column(sa.String(300))

    challenge: Mapped[Challenge] = refers()
    report: Mapped[Report] = refers()
    participant: Mapped[Participant] = refers()
    scenario: Mapped[Scenario | None] = refers()
    link: Mapped[ReportLink | None] = refers()
    rules: Mapped[BountyRules] = refers()
    corrects: Mapped["Award | None"] = refers(remote_side=[id])
    proposed_by: Mapped[Account] = refers(foreign_keys=[proposed_by_id])
    approved_by: Mapped[Account | None] = refers(foreign_keys=[approved_by_id])
    shares: Mapped[list["AwardShare"]] = relationship(order_by="AwardShare.account_id", lazy="selectin")

    @property
    def reference(self) -> str:
        """How people name it: A-7."""
        return f"A-{self.id}"

    @property
    def subject(self) -> str:
        """What it is for, as pages and files name it: R-0007, or R-0007, the kernel link."""
        return f"{self.report.ref}, {self.part}" if self.part else self.report.ref


class AwardShare(Model):
    """What a member is given of an award: `weight` parts of all that are given. The amounts add up to the award."""

    __tablename__ = "award_share"
    __table_args__ = (
        sa.CheckConstraint("weight BETWEEN 1 AND 10000", name="weight_range"),
        sa.CheckConstraint("amount >= 0", name="amount_range"),
    )

    award_id: Mapped[int] = mapped_column(sa.ForeignKey(Award.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True, index=True)
    weight: Mapped[int]
    amount: Mapped[Decimal]
    account: Mapped[Account] = refers()


class AwardConflict(Model):
    """Somebody of the team has said that they must not decide on a participant's awards."""

    __tablename__ = "award_conflict"

    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True, index=True)
    noted_at: Mapped[datetime]


class PaymentBatch(Model):
    """Payments that went into one file for the bank. `number` counts within the challenge."""

    __tablename__ = "payment_batch"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    number: Mapped[int]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    made_by: Mapped[Account] = refers()

    @property
    def reference(self) -> str:
        """How people name it: B-2."""
        return f"B-{self.number}"


class Payment(Moving[PaymentState], Model):
    """Money for one member. Where it goes to is not kept here: finance has that from the member.

    `award` is the entry that brought it about. A payment's amount never changes: a correction cancels what is still
    to be sent and puts another in its place.
    """

    __tablename__ = "award_payment"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("(state IN ('paid', 'donated')) = (reference IS NOT NULL)", name="paid_has_reference"),
        sa.CheckConstraint("(reference IS NULL) = (paid_at IS NULL)", name="paid_time"),
        sa.CheckConstraint("(state = 'donated') = (donated_to IS NOT NULL)", name="donated_to_whom"),
        sa.CheckConstraint("state NOT IN ('sent', 'paid') OR sent_at IS NOT NULL", name="sent_time"),
        sa.CheckConstraint("state <> 'due' OR batch_id IS NULL", name="due_in_no_batch"),
        sa.CheckConstraint("state NOT IN ('failed', 'refused') OR outcome IS NOT NULL", name="no_has_reason"),
        sa.Index("ix_award_payment_list", "challenge_id", "state", "state_since", "id"),
        sa.Index("ix_award_payment_live", "challenge_id", "state_since", sqlite_where=_LIVE, postgresql_where=_LIVE),
        sa.Index("ix_award_payment_award_id", "award_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    award_id: Mapped[int] = mapped_column(sa.ForeignKey(Award.id))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(sa.String(3))
    state: Mapped[PaymentState] = mapped_column(default=PaymentState.DUE)
    state_since: Mapped[datetime]
    due_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(sa.ForeignKey(PaymentBatch.id), index=True)
    sent_at: Mapped[datetime | None]
    # The bank's, or the receipt of what was donated.
    reference: Mapped[str | None] = mapped_column(sa.String(80))
    paid_at: Mapped[datetime | None]
    donated_to: Mapped[str | None] = mapped_column(sa.String(120))
    # Why it failed or was refused.
    outcome: Mapped[str | None] = mapped_column(sa.String(300))

    challenge: Mapped[Challenge] = refers()
    award: Mapped[Award] = refers()
    account: Mapped[Account] = refers()
    batch: Mapped[PaymentBatch | None] = refers()

    @property
    def name(self) -> str:
        """How people and files name it: P-12."""
        return f"P-{self.id}"


class BatchLine(Model):
    """What stood in the file of a batch. A payment that failed and is due again goes into another batch."""

    __tablename__ = "payment_batch_line"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount_positive"),)

    batch_id: Mapped[int] = mapped_column(sa.ForeignKey(PaymentBatch.id), primary_key=True)
    payment_id: Mapped[int] = mapped_column(sa.ForeignKey(Payment.id), primary_key=True, index=True)
    amount: Mapped[Decimal]
    payment: Mapped[Payment] = refers()


for _kind in (BountyRules, BountyBase, BountyUplift, BountyFixed, AwardShare, BatchLine):
    append_only(_kind.__table__)

explain(
    "uq_award_proposed",
    "Somebody has just proposed an award for this.",
    columns="award_entry.report_id, award_entry.part",
)
explain("uq_award_granted", "This has an award already.")
explain("ck_award_entry_second_person", "An award is approved by somebody other than the person who proposed it.")
explain(
    "uq_payment_batch_challenge_id_number",
    "Somebody has just exported payments. Look at their batch first.",
    columns="payment_batch.challenge_id, payment_batch.number",
)
explain(
    "uq_bounty_rules_challenge_id_version",
    "Somebody has just published rules. Look at them first.",
    columns="bounty_rules.challenge_id, bounty_rules.version",
)
