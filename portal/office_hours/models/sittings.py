"""Sessions, their slots, and the seats of a slot."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.models.base import no_overlap, no_overlap_of_places
from portal.office_hours.models.calendars import BusySpan
from portal.office_hours.models.series import Series
from portal.office_hours.states import (
    SittingState,
    SlotState,
    Wall,
)


class Sitting(Moving[SittingState], Model):
    """One session of a series. (It is not called Session here, because that is the database's.)

    `recurrence_local` is its key, wherever it was moved to: `moved_local`, on the same clock, says where. One that was
    `added` belongs to no recurrence of the rule.
    """

    __tablename__ = "office_session"
    __table_args__ = (
        sa.UniqueConstraint("series_id", "recurrence_local", name="uq_office_session_recurrence"),
        sa.CheckConstraint("ends_at > starts_at", name="forward"),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled_has_reason"),
        sa.Index("ix_office_session_starts", "starts_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int] = mapped_column(sa.ForeignKey(Series.id))
    recurrence_local: Mapped[datetime] = mapped_column(sa.DateTime(timezone=False))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    wall: Mapped[Wall]
    zone_rules: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[SittingState] = mapped_column(default=SittingState.PLANNED)
    state_since: Mapped[datetime]
    cancel_reason: Mapped[str | None] = mapped_column(sa.String(300))
    moved_local: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=False))
    added: Mapped[bool] = mapped_column(default=False)

    series: Mapped[Series] = refers(lazy="raise_on_sql")

    @property
    def local(self) -> datetime:
        """When it is planned to begin on the clock of its series, naive."""
        return self.moved_local or self.recurrence_local


class Slot(Model):
    """One appointment with one host, for as many participants as it has seats. The host is busy from the buffers on."""

    __tablename__ = "office_slot"
    __table_args__ = (
        sa.UniqueConstraint("sitting_id", "position", name="uq_office_slot_position"),
        # Not redundant: bookings point at all three, so that their times follow the slot's.
        sa.UniqueConstraint("id", "starts_at", "ends_at", name="uq_office_slot_times"),
        sa.CheckConstraint("busy_from <= starts_at AND starts_at < ends_at AND ends_at <= busy_until", name="times"),
        sa.Index("ix_office_slot_host", "host_id", "busy_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey(Sitting.id))
    position: Mapped[int]
    host_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    state: Mapped[SlotState] = mapped_column(default=SlotState.OPEN)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    busy_from: Mapped[datetime]
    busy_until: Mapped[datetime]

    sitting: Mapped[Sitting] = refers(lazy="raise_on_sql")
    host: Mapped[Account] = refers(lazy="raise_on_sql")
    seconds: Mapped[list["SlotHost"]] = relationship(
        lazy="raise_on_sql", order_by="SlotHost.account_id", cascade="all, delete-orphan"
    )
    collides: ClassVar[Mapped[bool]]

    @property
    def names(self) -> str:
        """Who holds it, for people: one name, or two with "and" between them. The second engineers are loaded."""
        return " and ".join([self.host.name, *(second.account.name for second in self.seconds)])


class SlotHost(Model):
    """The second engineer of a slot. When they are busy, and whether at all, follows the slot (by trigger)."""

    __tablename__ = "office_slot_host"

    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id, ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    busy_from: Mapped[datetime]
    busy_until: Mapped[datetime]
    live: Mapped[bool] = mapped_column(default=True)

    account: Mapped[Account] = refers(lazy="raise_on_sql")

    __table_args__ = (sa.Index("ix_office_slot_host_busy", "account_id", "busy_from"),)


class Seat(Model):
    """One chair of a slot: capacity as rows, so that no booking can take a chair that is not there."""

    __tablename__ = "office_seat"
    __table_args__ = (sa.CheckConstraint("seat_no > 0", name="seat_no"),)

    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id), primary_key=True)
    seat_no: Mapped[int] = mapped_column(primary_key=True)


# Whether the calendar of its first or second engineer has something else at that time: then it is not offered.
Slot.collides = column_property(
    sa.exists().where(
        sa.or_(
            BusySpan.account_id == Slot.host_id,
            BusySpan.account_id.in_(sa.select(SlotHost.account_id).where(SlotHost.slot_id == Slot.id).correlate(Slot)),
        ),
        BusySpan.since < Slot.busy_until,
        BusySpan.until > Slot.busy_from,
    )
)


no_overlap(Slot.__table__, "ex_office_slot_host", "host_id", "busy_from", "busy_until", "state = 'open'")
no_overlap_of_places(SlotHost.__table__)


explain("ex_office_slot_host", "A host already has another slot at that time.")


explain("ex_office_second_host", "An engineer already has another slot at that time.")


explain(
    "uq_office_session_recurrence",
    "This session exists already.",
    columns="office_session.series_id, office_session.recurrence_local",
)
