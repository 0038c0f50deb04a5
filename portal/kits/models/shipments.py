"""Parcels, what is in them, and how they got where they are."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Participant
from portal.core.constraints import explain
from portal.core.db import Model, append_only, refers
from portal.core.moves import Moving
from portal.kits.models.stock import Unit
from portal.kits.states import BEFORE_HAND_OVER, BEFORE_LABEL, ShipmentState, Word


def _listed(states: tuple[ShipmentState, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


class Shipment(Moving[ShipmentState], Model):
    """One parcel to one participant; `number` is its place among theirs. A replacement names what it replaces.

    `tracked_at` is when that happened, by the carrier's clock, which brought it into its present state, or when a scan
    last told of that state again.
    """

    __tablename__ = "shipment"
    __table_args__ = (
        sa.UniqueConstraint("participant_id", "number"),
        sa.UniqueConstraint("carrier", "tracking_number"),
        sa.UniqueConstraint("replaces_id"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("replaces_id <> id", name="replaces_another"),
        sa.CheckConstraint(
            f"state = 'cancelled' OR (state IN ({_listed(BEFORE_LABEL)})) = (tracking_number IS NULL)",
            name="tracked_once_labelled",
        ),
        sa.CheckConstraint("(carrier IS NULL) = (tracking_number IS NULL)", name="tracked_by_someone"),
        sa.CheckConstraint(
            f"(state IN ({_listed(BEFORE_HAND_OVER)}, 'cancelled')) = (handed_over_at IS NULL)", name="handed_over_time"
        ),
        sa.CheckConstraint("(handed_over_at IS NULL) = (tracked_at IS NULL)", name="tracked_time"),
        sa.CheckConstraint("state <> 'delivered' OR delivered_at IS NOT NULL", name="delivered_time"),
        sa.CheckConstraint("delivered_at IS NULL OR handed_over_at IS NOT NULL", name="delivered_after_hand_over"),
        sa.CheckConstraint("state <> 'received' OR received_at IS NOT NULL", name="received_time"),
        sa.CheckConstraint("received_at IS NULL OR handed_over_at IS NOT NULL", name="received_after_hand_over"),
        sa.CheckConstraint("(state = 'held') = (hold_reason IS NOT NULL)", name="held_has_reason"),
        sa.CheckConstraint("(word IS NULL) = (word_at IS NULL)", name="word_time"),
        sa.CheckConstraint("settled_at IS NULL OR word IS NOT NULL", name="settled_word"),
        sa.Index("ix_shipment_board", "challenge_id", "state", "state_since", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    number: Mapped[int]
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shipment.id"))
    state: Mapped[ShipmentState] = mapped_column(default=ShipmentState.PLANNED)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    hold_reason: Mapped[str | None] = mapped_column(sa.String(300))
    carrier: Mapped[str | None] = mapped_column(sa.String(40))
    tracking_number: Mapped[str | None] = mapped_column(sa.String(60))
    handed_over_at: Mapped[datetime | None]
    tracked_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    # What the participant says, and when logistics has dealt with it where it was a complaint.
    word: Mapped[Word | None]
    word_note: Mapped[str | None] = mapped_column(sa.String(500))
    word_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    challenge: Mapped[Challenge] = refers()
    participant: Mapped[Participant] = refers()
    replaces: Mapped["Shipment | None"] = refers(remote_side=[id])
    places: Mapped[list["ShipmentUnit"]] = relationship(back_populates="shipment", order_by="ShipmentUnit.id")
    events: Mapped[list["ShipmentEvent"]] = relationship(
        lazy="raise_on_sql", order_by="(ShipmentEvent.occurred_at, ShipmentEvent.id)"
    )

    @property
    def reference(self) -> str:
        """How people name it: S-12."""
        return f"S-{self.id}"

    @property
    def units(self) -> list[Unit]:
        """What is in the box."""
        return [place.unit for place in self.places if place.live]

    @property
    def complained(self) -> bool:
        """Whether the participant has told of a trouble that nobody has dealt with."""
        return self.word not in (None, Word.RECEIVED) and self.settled_at is None


class ShipmentUnit(Model):
    """A unit's place in a parcel; `live` while it is bound there. It stays as a matter of record."""

    __tablename__ = "shipment_unit"
    __table_args__ = (
        sa.Index(
            "uq_shipment_unit_live", "unit_id", unique=True,
            sqlite_where=sa.text("live"), postgresql_where=sa.text("live"),
        ),
        sa.Index("ix_shipment_unit_shipment_id", "shipment_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey(Unit.id))
    live: Mapped[bool] = mapped_column(default=True)
    since: Mapped[datetime]
    # When this very serial number was seen at the bench.
    scanned_at: Mapped[datetime | None]
    shipment: Mapped[Shipment] = relationship(back_populates="places")
    unit: Mapped[Unit] = refers()


class ShipmentEvent(Model):
    """One line of a parcel's story, never changed. (provider, event_key) makes a line sent twice one line.

    `occurred_at` is the teller's time, `recorded_at` ours; `title` is what people read.
    """

    __tablename__ = "shipment_event"
    __table_args__ = (
        sa.UniqueConstraint("provider", "event_key"),
        sa.Index("ix_shipment_event_shipment", "shipment_id", "occurred_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id))
    provider: Mapped[str] = mapped_column(sa.String(20))
    event_key: Mapped[str] = mapped_column(sa.String(120))
    status: Mapped[ShipmentState | None]
    title: Mapped[str] = mapped_column(sa.String(120))
    detail: Mapped[str] = mapped_column(sa.String(500), default="")
    # Whether the participant sees it: a reason for holding is the team's.
    told: Mapped[bool] = mapped_column(default=True)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))


append_only(ShipmentEvent.__table__)


explain("uq_shipment_unit_live", "This unit is already in another parcel.", columns="shipment_unit.unit_id")


explain(
    "uq_shipment_participant_id_number",
    "Somebody has just planned this participant's parcel.",
    columns="shipment.participant_id, shipment.number",
)


explain(
    "uq_shipment_carrier_tracking_number",
    "Another parcel has this tracking number.",
    columns="shipment.carrier, shipment.tracking_number",
)


explain("uq_shipment_replaces_id", "This parcel has been replaced already.", columns="shipment.replaces_id")
