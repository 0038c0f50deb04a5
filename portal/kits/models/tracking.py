"""News of carriers as they come in, and when carriers are asked for them."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.kits.models.shipments import Shipment
from portal.kits.states import ShipmentState
from portal.kits.states.tracking import NewsState


class TrackingNews(Moving[NewsState], Model):
    """One scan that a service told of, by a webhook or when it was asked. It stays here until it is in a story.

    What came with it of places, addresses and names is not kept: `said` are the service's own code words, `description`
    our words for them. `number` has neither spaces nor hyphens. `next_at` is when it is looked at again.
    """

    __tablename__ = "tracking_news"
    __table_args__ = (
        sa.UniqueConstraint("provider", "event_key"),
        sa.CheckConstraint("state <> 'taken' OR shipment_id IS NOT NULL", name="taken_by_a_parcel"),
        sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="failed_has_error"),
        sa.CheckConstraint("number <> '' OR state IN ('failed', 'ignored')", name="numbered"),
        sa.CheckConstraint("NOT by_hand OR shipment_id IS NOT NULL", name="matched_to_a_parcel"),
        sa.Index("ix_tracking_news_due", "state", "next_at"),
        sa.Index("ix_tracking_news_number", "number"),
        sa.Index("ix_tracking_news_shipment", "shipment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(sa.String(20))
    event_key: Mapped[str] = mapped_column(sa.String(64))
    carrier: Mapped[str] = mapped_column(sa.String(40))
    number: Mapped[str] = mapped_column(sa.String(60))
    said: Mapped[str] = mapped_column(sa.String(120))
    # None where the words say nothing about where the parcel is.
    status: Mapped[ShipmentState | None]
    description: Mapped[str] = mapped_column(sa.String(120))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[NewsState] = mapped_column(default=NewsState.WAITING)
    state_since: Mapped[datetime]
    next_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(sa.String(200))
    shipment_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Shipment.id))
    # Somebody said whose number this is; later news of it go the same way.
    by_hand: Mapped[bool] = mapped_column(default=False)

    shipment: Mapped[Shipment | None] = refers()


class TrackingPoll(Model):
    """When a service is asked about a parcel next, and how it went the last time. There is none once it has arrived."""

    __tablename__ = "tracking_poll"
    __table_args__ = (
        sa.CheckConstraint("failures >= 0", name="failures_counted"),
        sa.CheckConstraint("(failures = 0) = (last_error IS NULL)", name="failed_has_error"),
        sa.Index("ix_tracking_poll_due", "adapter", "next_at"),
    )

    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id), primary_key=True)
    adapter: Mapped[str] = mapped_column(sa.String(20))
    next_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(200))

    shipment: Mapped[Shipment] = refers()
