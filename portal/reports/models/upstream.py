"""Cases at other parties, what they are about, and whether the researcher lets the team pass a report on."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.reports.models.links import ReportLink
from portal.reports.models.reports import Report
from portal.reports.states import UpstreamState


class UpstreamParty(Model):
    """Somebody else whose product is concerned."""

    __tablename__ = "upstream_party"
    __table_args__ = (sa.CheckConstraint("length(name) > 0 AND length(contact) > 0", name="has_name_and_contact"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), unique=True)
    contact: Mapped[str] = mapped_column(sa.String(254))
    page: Mapped[str] = mapped_column(sa.String(300), default="")


class UpstreamCase(Moving[UpstreamState], Model):
    """One case at one party. `title` is in clear and neutral; `told` says whether its researchers see the case."""

    __tablename__ = "upstream_case"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("(state = 'drafted') = (reported_at IS NULL)", name="reported_time"),
        sa.CheckConstraint("(state = 'fixed') = (fixed_in IS NOT NULL)", name="fixed_in_what"),
        sa.CheckConstraint("(embargo_until IS NULL) = (embargo_zone IS NULL)", name="embargo_has_zone"),
        sa.CheckConstraint("public_page = '' OR public_page LIKE 'https://%'", name="public_page_https"),
        sa.CheckConstraint("NOT told OR state <> 'drafted'", name="told_is_reported"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    number: Mapped[int]
    party_id: Mapped[int] = mapped_column(sa.ForeignKey(UpstreamParty.id))
    title: Mapped[str] = mapped_column(sa.String(120))
    state: Mapped[UpstreamState] = mapped_column(default=UpstreamState.DRAFTED)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    reported_at: Mapped[datetime | None]
    # When they last said something.
    heard_at: Mapped[datetime | None]
    embargo_until: Mapped[datetime | None]
    embargo_zone: Mapped[str | None] = mapped_column(sa.String(64))
    their_reference: Mapped[str] = mapped_column(sa.String(80), default="")
    # Where everybody can read of it, once it is public.
    public_page: Mapped[str] = mapped_column(sa.String(300), default="")
    cves: Mapped[list[str]] = mapped_column(sa.JSON)
    fixed_in: Mapped[str | None] = mapped_column(sa.String(120))
    told: Mapped[bool] = mapped_column(default=False)
    challenge: Mapped[Challenge] = refers()
    party: Mapped[UpstreamParty] = refers()
    subjects: Mapped[list["UpstreamSubject"]] = relationship(order_by="UpstreamSubject.report_id")
    events: Mapped[list["UpstreamEvent"]] = relationship(order_by="UpstreamEvent.id")

    @property
    def reference(self) -> str:
        """How people name it: U-2."""
        return f"U-{self.number}"


class UpstreamSubject(Model):
    """A report that a case is about, or one link of it."""

    __tablename__ = "upstream_subject"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey(UpstreamCase.id), primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True, index=True)
    link_id: Mapped[int | None] = mapped_column(sa.ForeignKey(ReportLink.id))
    report: Mapped[Report] = refers()
    link: Mapped[ReportLink | None] = refers()


class UpstreamEvent(Model):
    """What happened with a case, or what somebody wrote about it. For the team."""

    __tablename__ = "upstream_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey(UpstreamCase.id), index=True)
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(sa.String(40))
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    text: Mapped[str] = mapped_column(sa.String(1000), default="")
    actor: Mapped[Account | None] = refers(lazy="raise_on_sql")


class PassingOn(Model):
    """What the researcher says about passing a report on. `credit` is under which name, empty for none."""

    __tablename__ = "report_passing_on"

    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    at: Mapped[datetime]
    allowed: Mapped[bool]
    credit: Mapped[str] = mapped_column(sa.String(120), default="")


explain(
    "uq_upstream_case_challenge_id_number",
    "Somebody has just begun another case. Try again.",
    columns="upstream_case.challenge_id, upstream_case.number",
)
explain("uq_upstream_party_name", "This party is on the list already: choose it there.", columns="upstream_party.name")
