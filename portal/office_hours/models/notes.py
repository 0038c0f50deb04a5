"""What stays of a session: notes, and what was promised."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.models.bookings import Booking
from portal.office_hours.states import NoteKind, PromiseState


class Note(Model):
    """Something noted of a booking. Notes are added, never changed; only erasing their author empties them."""

    __tablename__ = "office_note"
    __table_args__ = (sa.Index("ix_office_note_booking", "booking_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id))
    kind: Mapped[NoteKind]
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    written_at: Mapped[datetime]
    text: Mapped[str] = mapped_column(sa.Text)

    author: Mapped[Account] = refers(lazy="raise_on_sql")


class Promise(Moving[PromiseState], Model):
    """A commitment: what was promised, by whom and until which day. Without an owner it is the participant's."""

    __tablename__ = "office_promise"
    __table_args__ = (
        sa.CheckConstraint("(state = 'dropped') = (reason IS NOT NULL)", name="dropped_has_reason"),
        sa.Index("ix_office_promise_due", "state", "due_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id), index=True)
    text: Mapped[str] = mapped_column(sa.String(500))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id), index=True)
    due_on: Mapped[date]
    state: Mapped[PromiseState] = mapped_column(default=PromiseState.OPEN)
    state_since: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    made_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    made_at: Mapped[datetime]

    booking: Mapped[Booking] = refers(lazy="raise_on_sql")
    owner: Mapped[Account | None] = refers(lazy="raise_on_sql", foreign_keys=[owner_id])
