"""Sessions, their slots, and the seats of a slot."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.core.moves import Moving
from portal.office_hours.models.base import no_overlap
from portal.office_hours.models.series import Series
from portal.office_hours.states import (
    SittingState,
    SlotState,
    Wall,
)


class Sitting(Moving[SittingState], Model):
    """One session of a series. (It is not called Session here, because that is the database's.)

    `recurrence_local` is its key for ever, wherever it was moved to.
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

    series: Mapped[Series] = relationship(lazy="raise_on_sql")


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

    sitting: Mapped[Sitting] = relationship(lazy="raise_on_sql")
    host: Mapped[Account] = relationship(lazy="raise_on_sql")


class Seat(Model):
    """One chair of a slot: capacity as rows, so that no booking can take a chair that is not there."""

    __tablename__ = "office_seat"
    __table_args__ = (sa.CheckConstraint("seat_no > 0", name="seat_no"),)

    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id), primary_key=True)
    seat_no: Mapped[int] = mapped_column(primary_key=True)


no_overlap(Slot.__table__, "ex_office_slot_host", "host_id", "busy_from", "busy_until", "state = 'open'")


explain("ex_office_slot_host", "A host already has another slot at that time.")


explain(
    "uq_office_session_recurrence",
    "This session exists already.",
    columns="office_session.series_id, office_session.recurrence_local",
)
