"""The day itself: who has come, how late it is, and whose turn it is."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.db import Model, refers
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.sittings import Sitting, Slot

# Nobody waits longer than that for anybody.
LATEST = 240


class Arrival(Model):
    """What a participant's people say on the day: that they are here, or how late they will be.

    It belongs to the slot as well: a booking that moves begins anew.
    """

    __tablename__ = "office_arrival"
    __table_args__ = (
        sa.CheckConstraint("(here_at IS NULL) = (here_by_id IS NULL)", name="here_by_somebody"),
        sa.CheckConstraint("(late_minutes IS NULL) = (late_at IS NULL)", name="late_since"),
        sa.CheckConstraint("here_at IS NOT NULL OR late_at IS NOT NULL", name="says_something"),
        sa.CheckConstraint(f"late_minutes BETWEEN 1 AND {LATEST}", name="late_minutes"),
    )

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id), primary_key=True)
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id), primary_key=True, index=True)
    here_at: Mapped[datetime | None]
    here_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id), index=True)
    late_minutes: Mapped[int | None]
    late_at: Mapped[datetime | None]


class HostArrival(Model):
    """That a host is there for a session."""

    __tablename__ = "office_host_arrival"

    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey(Sitting.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True, index=True)
    here_at: Mapped[datetime]

    account: Mapped[Account] = refers(lazy="raise_on_sql")


class Course(Model):
    """How a session goes: whom its hosts have called in last, and by how much the rest is late.

    `version` grows with every change: of two hosts who press at once, one is told to look again.
    """

    __tablename__ = "office_course"
    __table_args__ = (
        sa.CheckConstraint("(slot_id IS NULL) = (called_at IS NULL)", name="called_has_time"),
        sa.CheckConstraint(f"late_minutes BETWEEN 0 AND {LATEST}", name="late_minutes"),
    )

    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey(Sitting.id), primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    slot_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Slot.id))
    called_at: Mapped[datetime | None]
    late_minutes: Mapped[int] = mapped_column(default=0)
    late_at: Mapped[datetime | None]
