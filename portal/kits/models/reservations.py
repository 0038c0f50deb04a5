"""Units that are kept for somebody before a parcel is planned."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.challenges.models import Challenge, Participant
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.kits.models.stock import Unit

_LIVE = sa.text("ended_at IS NULL")


class Reservation(Model):
    """A unit that is kept for one place, until it goes into a parcel or back into the stock; it stays as a record.

    `holder` is whoever the place is offered to, in the words of the room that offers it ("application:12");
    `participant_id` is set as soon as they take part.
    """

    __tablename__ = "kit_reservation"
    __table_args__ = (
        sa.Index("uq_kit_reservation_live", "unit_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        sa.Index("ix_kit_reservation_challenge_id", "challenge_id", "ended_at", "id"),
        sa.Index("ix_kit_reservation_holder", "holder", "ended_at"),
        sa.Index("ix_kit_reservation_participant_id", "participant_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey(Unit.id))
    holder: Mapped[str] = mapped_column(sa.String(40))
    participant_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Participant.id))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    unit: Mapped[Unit] = refers()
    participant: Mapped[Participant | None] = refers()


explain(
    "uq_kit_reservation_live",
    "Somebody has just reserved one of these units. Try again.",
    columns="kit_reservation.unit_id",
)
