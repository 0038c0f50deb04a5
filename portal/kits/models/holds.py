"""Why parcels are held, and what people have said of it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.kits.models.shipments import Shipment
from portal.kits.states.holds import HoldKind, Judgement

_LIVE = sa.text("lifted_at IS NULL")


class ShipmentHold(Model):
    """One reason why a parcel does not go on; a parcel is held exactly while it has live ones.

    `ref` tells what holds it: the number of a policy, the digest of a list's entry, nothing for a hold by hand.
    A verdict is a person's: "cleared" lifts the hold, "confirmed" leaves it until the parcel is cancelled or the
    address changes. `evidence` are the entry's own words, never the address.
    """

    __tablename__ = "shipment_hold"
    __table_args__ = (
        sa.Index(
            "uq_shipment_hold_live", "shipment_id", "kind", "ref", unique=True,
            sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
        sa.Index("ix_shipment_hold_queue", "lifted_at", "placed_at", "id"),
        sa.CheckConstraint("(verdict IS NULL) = (judged_at IS NULL)", name="judged_time"),
        sa.CheckConstraint("verdict IS NULL OR note <> ''", name="judged_with_note"),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict <> 'cleared' OR lifted_at IS NOT NULL", name="cleared_is_lifted"
        ),
        sa.CheckConstraint("(kind = 'manual') = (ref = '')", name="manual_refers_to_nothing"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id))
    kind: Mapped[HoldKind]
    ref: Mapped[str] = mapped_column(sa.String(64), default="")
    reason: Mapped[str] = mapped_column(sa.String(300))
    # The version of the address for which it was found; none for a hold by hand.
    address_version: Mapped[int | None]
    field: Mapped[str] = mapped_column(sa.String(20), default="")
    score: Mapped[int | None]
    evidence: Mapped[dict[str, Any]]
    placed_at: Mapped[datetime]
    placed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    verdict: Mapped[Judgement | None]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    judged_at: Mapped[datetime | None]
    judged_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))

    shipment: Mapped[Shipment] = refers()


explain(
    "uq_shipment_hold_live",
    "This parcel is already held for the same reason.",
    columns="shipment_hold.shipment_id, shipment_hold.kind, shipment_hold.ref",
)
