"""What a challenge has promised about its reports: days, working hours, holidays; and when a clock stood still."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.constraints import explain
from portal.core.db import Model
from portal.reports.states import ClockName

_OPEN = sa.text("until IS NULL")


class ReportDesk(Model):
    """How the triagers of a challenge work; a challenge without a row has the usual hours.

    `workdays` has a bit for each day of the week, Monday's the lowest. Hours are the challenge's; 24 is midnight.
    """

    __tablename__ = "report_desk"
    __table_args__ = (
        sa.CheckConstraint("0 <= opens_at AND opens_at < closes_at AND closes_at <= 24", name="hours"),
        sa.CheckConstraint("workdays BETWEEN 1 AND 127", name="some_workday"),
        sa.CheckConstraint("closes_after_days BETWEEN 1 AND 365", name="closes_some_time"),
    )

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"), primary_key=True)
    opens_at: Mapped[int]
    closes_at: Mapped[int]
    workdays: Mapped[int]
    # Whether a report that arrives is given to whoever has the fewest.
    assigns: Mapped[bool]
    closes_after_days: Mapped[int]


class ReportClock(Model):
    """One clock of a challenge: so many days, and after how many percent of them somebody is reminded."""

    __tablename__ = "report_clock"
    __table_args__ = (
        sa.CheckConstraint("days BETWEEN 1 AND 365", name="days_in_range"),
        sa.CheckConstraint("warn_percent BETWEEN 1 AND 99", name="warned_before"),
    )

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"), primary_key=True)
    name: Mapped[ClockName] = mapped_column(primary_key=True)
    days: Mapped[int]
    business: Mapped[bool]
    warn_percent: Mapped[int]


class Holiday(Model):
    """A day of a challenge's zone on which nobody works."""

    __tablename__ = "report_holiday"

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))


class Pause(Model):
    """A time in which a report waited for its researcher; the present one has no end yet."""

    __tablename__ = "report_pause"
    __table_args__ = (
        sa.CheckConstraint("until IS NULL OR until >= since", name="ends_after_it_begins"),
        sa.Index("uq_report_pause_open", "report_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_report_pause_report", "report_id", "since"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id"))
    since: Mapped[datetime]
    until: Mapped[datetime | None]


explain("uq_report_pause_open", "This report waits for its researcher already.", columns="report_pause.report_id")
