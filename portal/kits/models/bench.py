"""The bench: who sends, who packs which parcel, and what was scanned."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.kits.models.shipments import Shipment, ShipmentUnit
from portal.kits.states.packing import GOOD, ScanResult


class Sender(Model):
    """Who sends a challenge's parcels, as customs and carriers want it. `packaging_g` is what an empty box weighs."""

    __tablename__ = "kit_sender"
    __table_args__ = (sa.CheckConstraint("packaging_g >= 0", name="packaging_weight"),)

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    company: Mapped[str] = mapped_column(sa.String(80), default="")
    street: Mapped[str] = mapped_column(sa.String(200))
    city: Mapped[str] = mapped_column(sa.String(80))
    region: Mapped[str] = mapped_column(sa.String(80), default="")
    postal_code: Mapped[str] = mapped_column(sa.String(20), default="")
    country: Mapped[str] = mapped_column(sa.String(2))
    phone: Mapped[str] = mapped_column(sa.String(30))
    tax_id: Mapped[str] = mapped_column(sa.String(40), default="")
    export_reason: Mapped[str] = mapped_column(sa.String(120))
    packaging_g: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))


class PackingStation(Model):
    """One person at the bench of a challenge, and the parcel that is open before them.

    `asked_id` is the parcel whose slip was answered with a question; scanning it again says yes.
    """

    __tablename__ = "packing_station"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "account_id"),
        sa.UniqueConstraint("shipment_id"),
        sa.CheckConstraint("(shipment_id IS NULL) = (since IS NULL)", name="open_since"),
        sa.CheckConstraint("(asked_id IS NULL) = (asked_at IS NULL)", name="asked_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    shipment_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Shipment.id))
    since: Mapped[datetime | None]
    asked_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Shipment.id))
    asked_at: Mapped[datetime | None]
    account: Mapped[Account] = refers()


class PackingScan(Model):
    """One scan at a station and what it came to. `key` makes a scan that is sent twice one scan.

    `place_id` is the unit's place that it checked or made, `replaced_id` the one that had to make room.
    """

    __tablename__ = "packing_scan"
    __table_args__ = (
        sa.UniqueConstraint("station_id", "key"),
        sa.Index("ix_packing_scan_station", "station_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey(PackingStation.id))
    key: Mapped[str] = mapped_column(sa.String(64))
    code: Mapped[str] = mapped_column(sa.String(120))
    result: Mapped[ScanResult]
    words: Mapped[str] = mapped_column(sa.String(1000))
    shipment_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Shipment.id))
    place_id: Mapped[int | None] = mapped_column(sa.ForeignKey(ShipmentUnit.id))
    replaced_id: Mapped[int | None] = mapped_column(sa.ForeignKey(ShipmentUnit.id))
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    place: Mapped[ShipmentUnit | None] = refers(foreign_keys=[place_id])
    replaced: Mapped[ShipmentUnit | None] = refers(foreign_keys=[replaced_id])

    @property
    def tone(self) -> str:
        """How it went: "good", "ask" or "wrong"."""
        if self.result is ScanResult.ASKED:
            return "ask"
        return "good" if self.result in GOOD else "wrong"


explain(
    "uq_packing_station_shipment_id",
    "Somebody else has just opened this parcel at the bench.",
    columns="packing_station.shipment_id",
)


explain(
    "uq_packing_scan_station_id_key",
    "This scan has been dealt with.",
    columns="packing_scan.station_id, packing_scan.key",
)
