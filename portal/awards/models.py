"""What is true of bounty rules and awards."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.awards.states import GRANTED, AwardState, Quality, Reason
from portal.challenges.models import Challenge, Participant, Scenario
from portal.challenges.states import ScenarioKind
from portal.core.constraints import explain
from portal.core.db import Model, append_only
from portal.core.moves import Moving
from portal.reports.models import Report
from portal.reports.states import Severity

_GRANTED = sa.text(f"state IN ({', '.join(repr(str(state)) for state in sorted(GRANTED))})")
_PROPOSED = sa.text("state = 'proposed'")


class BountyRules(Model):
    """One version of the rules by which amounts are worked out. It never changes; the newest one holds."""

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
    # No award is more than this.
    cap: Mapped[Decimal | None]
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    bases: Mapped[list["BountyBase"]] = relationship(lazy="selectin")
    uplifts: Mapped[list["BountyUplift"]] = relationship(lazy="selectin")
    fixed: Mapped[list["BountyFixed"]] = relationship(lazy="selectin")


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
    """Money for a report, as it was worked out when it was proposed. What it was worked out from stands in the row."""

    __tablename__ = "award"
    __table_args__ = (
        sa.CheckConstraint("amount > 0 AND base > 0", name="amount_positive"),
        sa.CheckConstraint("uplift_percent BETWEEN 0 AND 100", name="uplift_range"),
        sa.CheckConstraint("approved_by_id <> proposed_by_id", name="second_person"),
        sa.CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approved_time"),
        sa.CheckConstraint(
            "(state IN ('proposed', 'rejected', 'withdrawn')) = (approved_by_id IS NULL)", name="approved_by_someone"
        ),
        sa.CheckConstraint(
            "state = 'superseded' OR (state IN ('paid', 'donated')) = (payment_reference IS NOT NULL)",
            name="paid_has_reference",
        ),
        sa.CheckConstraint("(payment_reference IS NULL) = (paid_at IS NULL)", name="paid_time"),
        sa.CheckConstraint("corrects_id <> id", name="corrects_another"),
        sa.Index("uq_award_granted", "report_id", unique=True, sqlite_where=_GRANTED, postgresql_where=_GRANTED),
        sa.Index("uq_award_proposed", "report_id", unique=True, sqlite_where=_PROPOSED, postgresql_where=_PROPOSED),
        sa.Index("ix_award_list", "challenge_id", "state", "state_since", "id"),
        sa.Index("ix_award_participant_id", "participant_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    rules_id: Mapped[int] = mapped_column(sa.ForeignKey(BountyRules.id))
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("award.id"))
    severity: Mapped[Severity]
    quality: Mapped[Quality]
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    base: Mapped[Decimal]
    uplift_percent: Mapped[int] = mapped_column(default=0)
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(sa.String(3))
    # The lines of the calculator, as they were shown to whoever proposed and approved it.
    working: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[Reason] = mapped_column(default=Reason.STANDARD)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    state: Mapped[AwardState] = mapped_column(default=AwardState.PROPOSED)
    state_since: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    proposed_at: Mapped[datetime]
    approved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    approved_at: Mapped[datetime | None]
    # Why it was rejected or refused, or why the payment failed.
    outcome: Mapped[str | None] = mapped_column(sa.String(300))
    payment_reference: Mapped[str | None] = mapped_column(sa.String(80))
    paid_at: Mapped[datetime | None]

    challenge: Mapped[Challenge] = relationship()
    report: Mapped[Report] = relationship()
    participant: Mapped[Participant] = relationship()
    scenario: Mapped[Scenario | None] = relationship()
    rules: Mapped[BountyRules] = relationship()
    corrects: Mapped["Award | None"] = relationship(remote_side=[id])
    proposed_by: Mapped[Account] = relationship(foreign_keys=[proposed_by_id])
    approved_by: Mapped[Account | None] = relationship(foreign_keys=[approved_by_id])

    @property
    def reference(self) -> str:
        """How people name it: A-7."""
        return f"A-{self.id}"


for _kind in (BountyRules, BountyBase, BountyUplift, BountyFixed):
    append_only(_kind.__table__)

explain("uq_award_proposed", "Somebody has just proposed an award for this report.", columns="award.report_id")
explain("uq_award_granted", "This report has an award already.")
explain("ck_award_second_person", "An award is approved by somebody other than the person who proposed it.")
explain(
    "uq_bounty_rules_challenge_id_version",
    "Somebody has just published rules. Look at them first.",
    columns="bounty_rules.challenge_id, bounty_rules.version",
)
