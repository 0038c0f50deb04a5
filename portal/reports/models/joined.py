"""Chains across reports: one gives the capability that another assumes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.reports.models.capabilities import Capability
from portal.reports.models.reports import Report


class JoinedReports(Model):
    """A report that gives a capability goes before one that assumes it."""

    __tablename__ = "report_joined"
    __table_args__ = (sa.CheckConstraint("giving_id <> assuming_id", name="two_reports"),)

    giving_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    assuming_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True, index=True)
    capability_id: Mapped[int] = mapped_column(sa.ForeignKey(Capability.id))
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    giving: Mapped[Report] = refers(lazy="raise_on_sql", foreign_keys=[giving_id])
    assuming: Mapped[Report] = refers(lazy="raise_on_sql", foreign_keys=[assuming_id])
    capability: Mapped[Capability] = refers(lazy="raise_on_sql")


explain("ck_report_joined_two_reports", "A report is not joined to itself: draw up its own chain.")
