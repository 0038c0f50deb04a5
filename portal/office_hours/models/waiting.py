"""The waiting list of a session, and the seats that were offered to those on it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Participant, Scenario
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.sittings import Sitting, Slot
from portal.office_hours.states import WaiterState

_WAITING = sa.text("state = 'waiting'")


class Waiter(Moving[WaiterState], Model):
    """A participant's place on the waiting list of a session, for some of its slots or, where none is named, for any.

    The account joined; offers are for it, and what it wants to talk about is what the booking will be about.
    """

    __tablename__ = "office_waiter"
    __table_args__ = (
        sa.Index(
            "uq_office_waiter_live", "sitting_id", "participant_id", unique=True,
            sqlite_where=_WAITING, postgresql_where=_WAITING,
        ),
        sa.Index("ix_office_waiter_state", "state", "sitting_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey(Sitting.id))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    state: Mapped[WaiterState] = mapped_column(default=WaiterState.WAITING)
    state_since: Mapped[datetime]
    joined_at: Mapped[datetime]
    topic: Mapped[str] = mapped_column(sa.String(120))
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))

    sitting: Mapped[Sitting] = refers(lazy="raise_on_sql")
    participant: Mapped[Participant] = refers(lazy="raise_on_sql")
    account: Mapped[Account] = refers(lazy="raise_on_sql")
    slots: Mapped[list["WaiterSlot"]] = relationship(lazy="raise_on_sql", order_by="WaiterSlot.slot_id")


class WaiterSlot(Model):
    """One of the slots that somebody waits for."""

    __tablename__ = "office_waiter_slot"

    waiter_id: Mapped[int] = mapped_column(sa.ForeignKey(Waiter.id), primary_key=True)
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id), primary_key=True)


class SeatOffer(Model):
    """A seat kept for somebody on the list: a held booking, and how long it was meant to be held."""

    __tablename__ = "office_seat_offer"
    # Nobody is asked twice about the same slot while they wait.
    __table_args__ = (sa.UniqueConstraint("waiter_id", "slot_id", name="uq_office_seat_offer_once"),)

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id), primary_key=True)
    waiter_id: Mapped[int] = mapped_column(sa.ForeignKey(Waiter.id))
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id))
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    waiter: Mapped[Waiter] = refers(lazy="raise_on_sql")
    booking: Mapped[Booking] = refers(lazy="raise_on_sql")


explain(
    "uq_office_waiter_live",
    "You are on the waiting list of this session already.",
    columns="office_waiter.sitting_id, office_waiter.participant_id",
)


explain(
    "uq_office_seat_offer_once",
    "This slot has been offered to them already.",
    columns="office_seat_offer.waiter_id, office_seat_offer.slot_id",
)
