"""Demand rounds: wishes for the seats of a session are gathered, then drawn."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Participant
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.sittings import Sitting, Slot
from portal.office_hours.states import RequestState, RoundState

_LIVE = sa.text("state <> 'cancelled'")


class Round(Moving[RoundState], Model):
    """A round for the seats of one session.

    `commitment` is the SHA-256 of `seed`, which nobody is shown before the draw. `protocol` is the draw: what went in
    and what came of it, with nobody's name.
    """

    __tablename__ = "office_round"
    __table_args__ = (
        sa.CheckConstraint("draws_at > opened_at", name="forward"),
        sa.CheckConstraint("length(commitment) = 64 AND length(seed) = 64", name="whole"),
        sa.CheckConstraint("(state = 'drawn') = (protocol IS NOT NULL)", name="drawn_is_told"),
        sa.Index(
            "uq_office_round_sitting", "sitting_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
        ),
        sa.Index("ix_office_round_due", "state", "draws_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey(Sitting.id), index=True)
    state: Mapped[RoundState] = mapped_column(default=RoundState.GATHERING)
    state_since: Mapped[datetime]
    opened_at: Mapped[datetime]
    draws_at: Mapped[datetime]
    commitment: Mapped[str] = mapped_column(sa.String(64))
    # Not even loaded by those who show a round, unless they ask for it.
    seed: Mapped[str] = mapped_column(sa.String(64), deferred=True, deferred_raiseload=True)
    protocol: Mapped[dict[str, Any] | None] = mapped_column(
        sa.JSON(none_as_null=True), deferred=True, deferred_raiseload=True
    )

    sitting: Mapped[Sitting] = refers(lazy="raise_on_sql")


class RoundRequest(Moving[RequestState], Model):
    """One participant's wish for a seat in a round, by its public id, which tells nothing of them.

    `anywhere` stands for every slot of the session. What was counted when it was drawn stays with it: seats that the
    hosts owed, seats recently and ever, strikes.
    """

    __tablename__ = "office_round_request"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "participant_id", name="uq_office_round_request_once"),
        sa.CheckConstraint("(state = 'seated') = (booking_id IS NOT NULL)", name="seated_is_booked"),
        sa.CheckConstraint("(state = 'ineligible') = (reason IS NOT NULL)", name="ineligible_has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey(Round.id))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    state: Mapped[RequestState] = mapped_column(default=RequestState.OPEN)
    state_since: Mapped[datetime]
    asked_at: Mapped[datetime]
    topic: Mapped[str] = mapped_column(sa.String(120))
    anywhere: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    owed: Mapped[int | None]
    total: Mapped[int | None]
    recent: Mapped[int | None]
    strikes: Mapped[int | None]
    booking_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Booking.id), index=True)

    round: Mapped[Round] = refers(lazy="raise_on_sql")
    account: Mapped[Account] = refers(lazy="raise_on_sql")
    booking: Mapped[Booking | None] = refers(lazy="raise_on_sql")
    wishes: Mapped[list["RoundWish"]] = relationship(
        lazy="raise_on_sql", order_by="RoundWish.rank", cascade="all, delete-orphan"
    )


class RoundWish(Model):
    """A slot that a request would take; the lower rank is the dearer."""

    __tablename__ = "office_round_wish"
    __table_args__ = (
        sa.UniqueConstraint("request_id", "slot_id", name="uq_office_round_wish_slot"),
        sa.CheckConstraint("rank > 0", name="rank"),
    )

    request_id: Mapped[int] = mapped_column(sa.ForeignKey(RoundRequest.id, ondelete="CASCADE"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id), index=True)


explain("uq_office_round_sitting", "There is a round for this session already.", columns="office_round.sitting_id")
explain(
    "uq_office_round_request_once",
    "Somebody of yours has just asked. Look at your request.",
    columns="office_round_request.round_id, office_round_request.participant_id",
)
explain(
    "uq_office_round_wish_slot",
    "A slot can be named only once.",
    columns="office_round_wish.request_id, office_round_wish.slot_id",
)
