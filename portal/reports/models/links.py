"""The links of a chain, each decided by itself, and who was first."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Scenario
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.reports.models.capabilities import Capability
from portal.reports.models.known import KnownIssue
from portal.reports.models.reports import Report
from portal.reports.states import LinkKind, LinkState, Severity


class ReportLink(Moving[LinkState], Model):
    """One link of the chain that a report tells of; a report without links is one whole.

    `number` is its name for good, `position` its place in the chain. `assumes` and `gives` are the capabilities it
    starts from and leads to, in general words. All of it is in clear.
    """

    __tablename__ = "report_link"
    __table_args__ = (
        sa.UniqueConstraint("report_id", "number"),
        sa.CheckConstraint("number > 0 AND position > 0", name="counted_from_one"),
        sa.CheckConstraint("length(title) > 0", name="has_title"),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_time"),
        sa.CheckConstraint("(state IN ('confirmed', 'fixed')) = (severity IS NOT NULL)", name="confirmed_severity"),
        sa.CheckConstraint(
            "achieved_scenario_id IS NULL OR state IN ('confirmed', 'fixed')", name="achieved_is_confirmed"
        ),
        sa.CheckConstraint("(state = 'by_design') = (mitigating_layer IS NOT NULL)", name="by_design_layer"),
        sa.CheckConstraint("(state = 'duplicate') = (duplicate_of_id IS NOT NULL)", name="duplicate_of"),
        sa.CheckConstraint("duplicate_of_id <> report_id", name="duplicate_of_another"),
        sa.CheckConstraint("duplicate_link_id IS NULL OR duplicate_of_id IS NOT NULL", name="duplicate_link_of"),
        sa.CheckConstraint("(state = 'known') = (known_issue_id IS NOT NULL)", name="known_issue"),
        sa.CheckConstraint("(state = 'fixed') = (fixed_release IS NOT NULL)", name="fixed_release"),
        sa.CheckConstraint("(fixed_release IS NULL) = (fixed_on IS NULL)", name="fixed_day"),
        sa.Index("ix_report_link_duplicate_of_id", "duplicate_of_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id))
    number: Mapped[int]
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[LinkKind] = mapped_column(default=LinkKind.OTHER)
    assumes: Mapped[str | None] = mapped_column(sa.String(200))
    gives: Mapped[str | None] = mapped_column(sa.String(200))
    # The capability from the challenge's list that it gives, as triage says.
    gives_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Capability.id), index=True)
    state: Mapped[LinkState] = mapped_column(default=LinkState.OPEN)
    state_since: Mapped[datetime]
    added_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    added_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    severity: Mapped[Severity | None]
    achieved_scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    mitigating_layer: Mapped[str | None] = mapped_column(sa.String(200))
    # The report that had it first, and which link of that, where it is not the whole.
    duplicate_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Report.id))
    duplicate_link_id: Mapped[int | None] = mapped_column(sa.ForeignKey("report_link.id"))
    known_issue_id: Mapped[int | None] = mapped_column(sa.ForeignKey(KnownIssue.id))
    fixed_release: Mapped[str | None] = mapped_column(sa.String(40))
    fixed_on: Mapped[date | None]

    report: Mapped[Report] = refers(lazy="raise_on_sql", foreign_keys=[report_id])
    achieved_scenario: Mapped[Scenario | None] = refers(lazy="raise_on_sql")
    duplicate_of: Mapped[Report | None] = refers(lazy="raise_on_sql", foreign_keys=[duplicate_of_id])
    duplicate_link: Mapped["ReportLink | None"] = refers(lazy="raise_on_sql", remote_side=[id])
    known_issue: Mapped[KnownIssue | None] = refers(lazy="raise_on_sql")

    @property
    def label(self) -> str:
        """How people name it, awards among them: link 2."""
        return f"link {self.number}"


class DuplicateException(Model):
    """A lead has said that a report may be called a duplicate of one that arrived later, and why."""

    __tablename__ = "report_duplicate_exception"
    __table_args__ = (
        sa.CheckConstraint("first_id <> report_id", name="of_another"),
        sa.CheckConstraint("length(reason) > 0", name="has_reason"),
    )

    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    first_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.String(300))


explain(
    "uq_report_link_report_id_number",
    "Somebody has just added a link. Look at the chain first.",
    columns="report_link.report_id, report_link.number",
)
explain("ck_report_link_duplicate_of_another", "A link cannot be a duplicate of a link of the same report.")
