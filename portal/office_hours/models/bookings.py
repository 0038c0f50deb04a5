"""A participant's seat in a slot."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Participant, Scenario
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.models.base import any_of, no_overlap, unique_where
from portal.office_hours.models.sittings import Slot
from portal.office_hours.states import (
    COUNTED,
    LIVE,
    BookingState,
    Source,
)


class Booking(Moving[BookingState], Model):
    """A participant's seat in a slot. Rescheduling changes the row: its uid stays, its sequence grows."""

    __tablename__ = "office_booking"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["slot_id", "starts_at", "ends_at"],
            ["office_slot.id", "office_slot.starts_at", "office_slot.ends_at"],
            name="fk_office_booking_slot",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["slot_id", "seat_no"], ["office_seat.slot_id", "office_seat.seat_no"], name="fk_office_booking_seat"
        ),
        sa.CheckConstraint("(state = 'held') = (hold_expires_at IS NOT NULL)", name="held_expires"),
        sa.CheckConstraint("quota_no > 0", name="quota_no"),
        sa.CheckConstraint("(quota_no IS NULL) = (source = 'follow_up')", name="outside_quota"),
        sa.CheckConstraint("sequence >= 0", name="sequence"),
        sa.UniqueConstraint("participant_id", "idempotency_key", name="uq_office_booking_request"),
        unique_where("uq_office_booking_seat", "slot_id", "seat_no", states=LIVE),
        unique_where("uq_office_booking_once", "slot_id", "participant_id", states=LIVE),
        unique_where("uq_office_booking_quota", "participant_id", "quota_period", "quota_no", states=COUNTED),
        sa.Index("ix_office_booking_due", "state", "starts_at"),
        sa.Index("ix_office_booking_participant", "participant_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(36), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    slot_id: Mapped[int]
    seat_no: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[BookingState] = mapped_column(default=BookingState.CONFIRMED)
    state_since: Mapped[datetime]
    hold_expires_at: Mapped[datetime | None]
    quota_period: Mapped[str] = mapped_column(sa.String(8))
    # Which of the participant's bookings of that week it is; none, where it is outside the quota.
    quota_no: Mapped[int | None]
    source: Mapped[Source] = mapped_column(default=Source.PAGE)
    idempotency_key: Mapped[str] = mapped_column(sa.String(64))
    booked_at: Mapped[datetime]
    # When it last changed in a way that a calendar shows.
    changed_at: Mapped[datetime]
    topic: Mapped[str] = mapped_column(sa.String(120))
    # The part of the product that it is about, in the words of the hosts who know it; empty is none in particular.
    component: Mapped[str] = mapped_column(sa.String(200), default="")
    # Which of the staff booked it, where that was not the account.
    booked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))

    participant: Mapped[Participant] = refers(lazy="raise_on_sql")
    account: Mapped[Account] = refers(lazy="raise_on_sql", foreign_keys=[account_id])
    booked_by: Mapped[Account | None] = refers(lazy="raise_on_sql", foreign_keys=[booked_by_id])
    scenario: Mapped[Scenario | None] = refers(lazy="raise_on_sql")
    slot: Mapped[Slot] = refers(
        primaryjoin="Booking.slot_id == Slot.id", foreign_keys="Booking.slot_id", lazy="raise_on_sql"
    )


no_overlap(
    Booking.__table__, "ex_office_booking_participant", "participant_id", "starts_at", "ends_at", str(any_of(LIVE))
)


explain("ex_office_booking_participant", "You already have a booking at that time.")


explain(
    "uq_office_booking_seat",
    "This seat has just been taken. Choose another slot.",
    columns="office_booking.slot_id, office_booking.seat_no",
)


explain(
    "uq_office_booking_once",
    "You already have a seat in this slot.",
    columns="office_booking.slot_id, office_booking.participant_id",
)


explain(
    "uq_office_booking_quota",
    "Your bookings of that week are used up.",
    columns="office_booking.participant_id, office_booking.quota_period, office_booking.quota_no",
)


explain(
    "uq_office_booking_request",
    "This request has been received already. Look at your bookings.",
    columns="office_booking.participant_id, office_booking.idempotency_key",
)
