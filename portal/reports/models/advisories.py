"""Advisories: what the team tells everybody about flaws that are fixed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Build, Challenge
from portal.core.constraints import explain
from portal.core.db import Model, append_only, refers
from portal.core.moves import Moving
from portal.reports.models.reports import Report
from portal.reports.states import AdvisoryState, Affected


class Advisory(Moving[AdvisoryState], Model):
    """The text as it is being written. What everybody reads are its revisions, which never change."""

    __tablename__ = "advisory"
    __table_args__ = (
        sa.UniqueConstraint("year", "number"),
        sa.UniqueConstraint("ident"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.Index("ix_advisory_list", "challenge_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    year: Mapped[int]
    number: Mapped[int]
    # Its name for ever: PORTAL-2020-0001.
    ident: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(200))
    summary: Mapped[str] = mapped_column(sa.String(1000))
    details: Mapped[str] = mapped_column(sa.Text)
    vendor: Mapped[str] = mapped_column(sa.String(120))
    product: Mapped[str] = mapped_column(sa.String(120))
    # What a new version changes, for its line of the history.
    change: Mapped[str] = mapped_column(sa.String(200), default="First publication.")
    state: Mapped[AdvisoryState] = mapped_column(default=AdvisoryState.DRAFT)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    # Who has said anything in it last: somebody else publishes.
    written_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    challenge: Mapped[Challenge] = refers(lazy="raise_on_sql")
    flaws: Mapped[list["AdvisoryFlaw"]] = relationship(lazy="raise_on_sql", order_by="AdvisoryFlaw.position")
    revisions: Mapped[list["AdvisoryRevision"]] = relationship(lazy="raise_on_sql", order_by="AdvisoryRevision.number")


class AdvisoryFlaw(Model):
    """One vulnerability in it, and the report that told of it."""

    __tablename__ = "advisory_flaw"
    __table_args__ = (
        sa.UniqueConstraint("advisory_id", "report_id"),
        sa.UniqueConstraint("advisory_id", "cve"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    advisory_id: Mapped[int] = mapped_column(sa.ForeignKey(Advisory.id))
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), index=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.String(2000))
    cve: Mapped[str | None] = mapped_column(sa.String(20))
    cwe: Mapped[str | None] = mapped_column(sa.String(10))
    cvss: Mapped[str | None] = mapped_column(sa.String(120))
    builds: Mapped[list["AdvisoryBuild"]] = relationship(lazy="raise_on_sql", order_by="AdvisoryBuild.build_id")
    report: Mapped[Report] = refers(lazy="raise_on_sql")


class AdvisoryBuild(Model):
    """Whether a build has a flaw or its fix."""

    __tablename__ = "advisory_build"

    flaw_id: Mapped[int] = mapped_column(sa.ForeignKey(AdvisoryFlaw.id), primary_key=True)
    build_id: Mapped[int] = mapped_column(sa.ForeignKey(Build.id), primary_key=True)
    status: Mapped[Affected]
    build: Mapped[Build] = refers(lazy="raise_on_sql")


class AdvisoryRevision(Model):
    """One published version: what it said, and from which instant everybody may read it."""

    __tablename__ = "advisory_revision"
    __table_args__ = (
        sa.UniqueConstraint("advisory_id", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("approved_by_id <> written_by_id", name="four_eyes"),
        sa.CheckConstraint("at >= approved_at", name="not_backdated"),
        sa.Index("ix_advisory_revision_at", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    advisory_id: Mapped[int] = mapped_column(sa.ForeignKey(Advisory.id))
    number: Mapped[int]
    at: Mapped[datetime]
    summary: Mapped[str] = mapped_column(sa.String(200))
    # As `rules.advisories.Text` has it. Names of people are not in it: they may be taken back.
    content: Mapped[dict[str, Any]]
    written_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    approved_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    approved_at: Mapped[datetime]


class AdvisoryChange(Model):
    """An instant at which the file of a published advisory changed though nobody wrote a version: thanks, links.

    What has changed is not in it: names may be taken back.
    """

    __tablename__ = "advisory_change"

    advisory_id: Mapped[int] = mapped_column(sa.ForeignKey(Advisory.id), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)


class AdvisoryPublisher(Model):
    """Who publishes advisories from an instant on, as the settings said then: what their files say of it."""

    __tablename__ = "advisory_publisher"
    __table_args__ = (sa.CheckConstraint("number > 0", name="number_positive"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    # As long as a setting may be.
    name: Mapped[str] = mapped_column(sa.Text)
    namespace: Mapped[str] = mapped_column(sa.Text)
    contact: Mapped[str] = mapped_column(sa.Text)
    # The public address of the portal, with which the links to a file begin.
    here: Mapped[str] = mapped_column(sa.Text)


explain("uq_advisory_year_number", "Somebody has just begun an advisory. Try again.",
        columns="advisory.year, advisory.number")  # fmt: skip
explain("uq_advisory_flaw_advisory_id_report_id", "The report is in this advisory already.",
        columns="advisory_flaw.advisory_id, advisory_flaw.report_id")  # fmt: skip
explain("uq_advisory_flaw_advisory_id_cve", "Another flaw of this advisory has this CVE id.",
        columns="advisory_flaw.advisory_id, advisory_flaw.cve")  # fmt: skip
explain("pk_advisory_publisher", "Somebody has just noted it.", columns="advisory_publisher.number")
explain("uq_advisory_revision_advisory_id_number", "Somebody has just published it.",
        columns="advisory_revision.advisory_id, advisory_revision.number")  # fmt: skip
append_only(AdvisoryRevision.__table__)
append_only(AdvisoryChange.__table__)
append_only(AdvisoryPublisher.__table__)
