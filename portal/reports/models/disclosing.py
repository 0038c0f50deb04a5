"""Dates of disclosure as both sides proposed them, what was written about reports, and who is thanked for them."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.reports.models.reports import Report
from portal.reports.states import Answer, Credit, DisclosureState, PublicationKind, PublicationState, Side

_LIVE = sa.text("state IN ('requested', 'agreed', 'published')")
_OPEN = sa.text("answer = 'open'")


class Disclosure(Moving[DisclosureState], Model):
    """When a report may be spoken of: one live row a report. `embargo_until` is the instant on which both agreed.

    `zone` is that in which the instant was proposed; `without_fix` says that both knew that no fix would be out.
    """

    __tablename__ = "disclosure"
    __table_args__ = (
        sa.CheckConstraint("(state IN ('agreed', 'published')) = (embargo_until IS NOT NULL)", name="agreed_instant"),
        sa.CheckConstraint("(embargo_until IS NULL) = (agreed_at IS NULL)", name="agreed_time"),
        sa.Index("uq_disclosure_live", "report_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        sa.Index("ix_disclosure_due", "state", "embargo_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), index=True)
    state: Mapped[DisclosureState] = mapped_column(default=DisclosureState.REQUESTED)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    embargo_until: Mapped[datetime | None]
    zone: Mapped[str] = mapped_column(sa.String(64))
    agreed_at: Mapped[datetime | None]
    without_fix: Mapped[bool] = mapped_column(default=False)
    report: Mapped[Report] = refers(lazy="raise_on_sql")
    proposals: Mapped[list["DisclosureProposal"]] = relationship(
        lazy="raise_on_sql", order_by="DisclosureProposal.number", back_populates="disclosure"
    )

    @property
    def pending(self) -> "DisclosureProposal | None":
        """The date that waits for an answer."""
        return next((each for each in self.proposals if each.answer is Answer.OPEN), None)


class DisclosureProposal(Model):
    """One date that a side proposed. `message` and `reason` are in clear and neutral."""

    __tablename__ = "disclosure_proposal"
    __table_args__ = (
        sa.UniqueConstraint("disclosure_id", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("(answer = 'open') = (answered_at IS NULL)", name="answered_time"),
        sa.CheckConstraint("answer <> 'declined' OR reason IS NOT NULL", name="declined_reason"),
        sa.Index("uq_disclosure_proposal_open", "disclosure_id", unique=True, sqlite_where=_OPEN,
                 postgresql_where=_OPEN),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    disclosure_id: Mapped[int] = mapped_column(sa.ForeignKey(Disclosure.id))
    number: Mapped[int]
    side: Mapped[Side]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at: Mapped[datetime]
    instant: Mapped[datetime]
    zone: Mapped[str] = mapped_column(sa.String(64))
    without_fix: Mapped[bool] = mapped_column(default=False)
    message: Mapped[str | None] = mapped_column(sa.String(500))
    answer: Mapped[Answer] = mapped_column(default=Answer.OPEN)
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    disclosure: Mapped[Disclosure] = relationship(lazy="raise_on_sql", back_populates="proposals")


class Publication(Moving[PublicationState], Model):
    """Something on the web about the challenge or some of its reports. The portal links it and never fetches it."""

    __tablename__ = "publication"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "url"),
        sa.CheckConstraint("url LIKE 'https://%'", name="url_https"),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided_time"),
        sa.CheckConstraint("decided_by_id <> submitted_by_id", name="four_eyes"),
        sa.CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refused_reason"),
        sa.Index("ix_publication_list", "challenge_id", "state", "published_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    # Whose it is; None where the team itself has written.
    participant_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Participant.id), index=True)
    submitted_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    kind: Mapped[PublicationKind]
    title: Mapped[str] = mapped_column(sa.String(200))
    url: Mapped[str] = mapped_column(sa.String(500))
    published_on: Mapped[date]
    created_at: Mapped[datetime]
    state: Mapped[PublicationState] = mapped_column(default=PublicationState.PENDING)
    state_since: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    participant: Mapped[Participant | None] = refers(lazy="raise_on_sql")
    reports: Mapped[list[Report]] = relationship(
        secondary="publication_report", lazy="raise_on_sql", order_by=Report.number
    )


class PublicationReport(Model):
    """Which reports it is about: it is not listed before the embargo of each of them is over."""

    __tablename__ = "publication_report"

    publication_id: Mapped[int] = mapped_column(sa.ForeignKey(Publication.id), primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True, index=True)


class ReportCredit(Model):
    """A member's consent to be thanked for one report. It is withdrawn by deleting the row: nothing is kept of it."""

    __tablename__ = "report_credit"
    __table_args__ = (
        sa.CheckConstraint("(kind = 'anonymous') = (name IS NULL)", name="name_there"),
        sa.CheckConstraint("kind <> 'anonymous' OR url IS NULL", name="anonymous_no_link"),
    )

    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id, ondelete="CASCADE"), primary_key=True, index=True)
    kind: Mapped[Credit]
    name: Mapped[str | None] = mapped_column(sa.String(120))
    url: Mapped[str | None] = mapped_column(sa.String(500))
    given_at: Mapped[datetime]


explain(
    "uq_disclosure_live",
    "Somebody has just proposed a date for this report. Look at it first.",
    columns="disclosure.report_id",
)
explain(
    "uq_disclosure_proposal_open",
    "Somebody has just proposed another date. Look at it first.",
    columns="disclosure_proposal.disclosure_id",
)
explain(
    "uq_publication_challenge_id_url",
    "This address is there already.",
    columns="publication.challenge_id, publication.url",
)
