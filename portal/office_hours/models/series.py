"""Weekly series and who holds them."""

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.states import (
    SeriesState,
)
from portal.office_hours.time import MAX_COUNT, MAX_INTERVAL, Weekly

MAX_STRIKE_DAYS = 366
# A whole day at least: then nobody's night is a disadvantage.
SHORTEST_ROUND, LONGEST_ROUND = 24, 72


class Series(Moving[SeriesState], Model):
    """A weekly rule in the hosts' zone, and what holds for every session that comes of it. Lengths are in minutes."""

    __tablename__ = "office_series"
    __table_args__ = (
        sa.CheckConstraint("(until_on IS NULL) <> (count IS NULL)", name="ends_somehow"),
        sa.CheckConstraint(f"count IS NULL OR count BETWEEN 1 AND {MAX_COUNT}", name="count_range"),
        sa.CheckConstraint(f"weeks BETWEEN 1 AND {MAX_INTERVAL}", name="weeks_range"),
        sa.CheckConstraint("slots > 0 AND slot_minutes > 0 AND seats > 0 AND weekly_quota > 0", name="positive"),
        sa.CheckConstraint(
            "buffer_before >= 0 AND buffer_after >= 0 AND notice_minutes >= 0 AND cutoff_minutes >= 0 "
            "AND advance_days > 0",
            name="lengths",
        ),
        sa.CheckConstraint("engineers BETWEEN 1 AND 2", name="engineers"),
        sa.CheckConstraint("rolling_cap IS NULL OR rolling_cap > 0", name="rolling_cap"),
        sa.CheckConstraint(
            f"(strike_limit IS NULL OR strike_limit > 0) AND strike_days BETWEEN 1 AND {MAX_STRIKE_DAYS} "
            "AND strike_hours > 0",
            name="strikes",
        ),
        sa.CheckConstraint(
            f"round_hours IS NULL OR round_hours BETWEEN {SHORTEST_ROUND} AND {LONGEST_ROUND}", name="round_hours"
        ),
        sa.CheckConstraint(
            "question_due_minutes > 0 AND question_due_minutes >= cutoff_minutes", name="question_before_cutoff"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id), index=True)
    title: Mapped[str] = mapped_column(sa.String(80))
    state: Mapped[SeriesState] = mapped_column(default=SeriesState.OPEN)
    state_since: Mapped[datetime]
    zone: Mapped[str] = mapped_column(sa.String(64))
    # A wall-clock time without a zone: what it means is decided for each occurrence.
    first_local: Mapped[datetime] = mapped_column(sa.DateTime(timezone=False))
    weeks: Mapped[int] = mapped_column(default=1)
    until_on: Mapped[date | None]
    count: Mapped[int | None]
    slots: Mapped[int]
    slot_minutes: Mapped[int]
    seats: Mapped[int] = mapped_column(default=1)
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=0)
    notice_minutes: Mapped[int] = mapped_column(default=120)
    cutoff_minutes: Mapped[int] = mapped_column(default=720)
    advance_days: Mapped[int] = mapped_column(default=28)
    weekly_quota: Mapped[int] = mapped_column(default=1)
    # At most so many seats in any four weeks; none is no cap.
    rolling_cap: Mapped[int | None]
    # So many live strikes let a participant book late only: what is still free `strike_hours` before. None is never.
    strike_limit: Mapped[int | None] = mapped_column(default=2)
    strike_days: Mapped[int] = mapped_column(default=28)
    strike_hours: Mapped[int] = mapped_column(default=48)
    # Whether cancelling after the cut-off makes a strike, as not coming does.
    late_strikes: Mapped[bool] = mapped_column(default=False)
    # How long before its slot a sealed question is due; without it, none is demanded.
    question_due_minutes: Mapped[int | None]
    # How many engineers hold a slot together.
    engineers: Mapped[int] = mapped_column(default=1)
    # For so long wishes are gathered before seats are drawn; without it, who comes first is served first.
    round_hours: Mapped[int | None]
    # Grows with every change: whoever changes the series says which version they have seen.
    version: Mapped[int] = mapped_column(default=1)

    challenge: Mapped[Challenge] = refers(lazy="raise_on_sql")
    hosts: Mapped[list["SeriesHost"]] = relationship(lazy="raise_on_sql", order_by="SeriesHost.account_id")

    @property
    def rule(self) -> Weekly:
        """When it recurs."""
        return Weekly(self.first_local, self.zone, self.weeks, self.until_on, self.count)

    @property
    def notice(self) -> timedelta:
        """How long before its beginning a slot can no longer be booked."""
        return timedelta(minutes=self.notice_minutes)

    @property
    def cutoff(self) -> timedelta:
        """How long before its beginning a booking can no longer be given back."""
        return timedelta(minutes=self.cutoff_minutes)


class SeriesHost(Model):
    """An engineer who takes slots of a series, in proportion to `weight`, at most `weekly_max` a week.

    `components` are the parts of the product that they know, in the words of the programme.
    """

    __tablename__ = "office_series_host"
    __table_args__ = (
        sa.CheckConstraint("weight > 0", name="weight"),
        sa.CheckConstraint("weekly_max IS NULL OR weekly_max > 0", name="weekly_max"),
    )

    series_id: Mapped[int] = mapped_column(sa.ForeignKey(Series.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True, index=True)
    weight: Mapped[int] = mapped_column(default=1)
    weekly_max: Mapped[int | None]
    components: Mapped[list[str]] = mapped_column(sa.JSON, default=list)

    account: Mapped[Account] = refers(lazy="raise_on_sql")
