"""Releases of the product, and what its builds turned out to be."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.reports.states import Finding


class Release(Model):
    """A release of the product in which fixes come out, planned for a day until `released_on` says that it is out."""

    __tablename__ = "report_release"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "name"),
        # What refers to a release names its challenge as well.
        sa.UniqueConstraint("challenge_id", "id"),
        sa.CheckConstraint("length(name) > 0", name="name_there"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    name: Mapped[str] = mapped_column(sa.String(40))
    planned_on: Mapped[date]
    released_on: Mapped[date | None]
    notes: Mapped[str] = mapped_column(sa.String(1000), default="")
    made_at: Mapped[datetime]


class BuildFinding(Model):
    """What triage found of one report on one build."""

    __tablename__ = "report_build"
    __table_args__ = (sa.Index("ix_report_build_build", "build_id"),)

    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id"), primary_key=True)
    build_id: Mapped[int] = mapped_column(sa.ForeignKey("build.id"), primary_key=True)
    finding: Mapped[Finding]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))


explain(
    "uq_report_release_challenge_id_name", "There is a release of this name already.",
    columns="report_release.challenge_id, report_release.name",
)  # fmt: skip
