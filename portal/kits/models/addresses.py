"""Where parcels go, and what speaks against sending them there."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Participant
from portal.core.db import Model
from portal.kits.states.holds import HoldKind


class DeliveryAddress(Model):
    """Where a participant's parcels go. All but the country is sealed under a key that is not in the database."""

    __tablename__ = "delivery_address"
    __table_args__ = (
        sa.CheckConstraint("(sealed IS NULL) = (purged_at IS NOT NULL)", name="purged_is_gone"),
        sa.CheckConstraint("sealed_with IS NULL OR sealed IS NOT NULL", name="sealed_with_key"),
        sa.CheckConstraint("version > 0", name="version_positive"),
        sa.Index("ix_delivery_address_sealed_with", "sealed_with", "participant_id"),
    )

    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id), primary_key=True)
    country: Mapped[str] = mapped_column(sa.String(2))
    sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
    # The name of the key; none for what was sealed when there was only one.
    sealed_with: Mapped[str | None] = mapped_column(sa.String(16))
    # Grows with each change of what is written: what was cleared for one address says nothing of the next.
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    # The mark of the policies and lists that it was last held against; none while it waits for that.
    judged_by: Mapped[str | None] = mapped_column(sa.String(64))
    # The participant insisted on an address that does not look like one of its country.
    doubtful: Mapped[bool] = mapped_column(default=False)
    given_at: Mapped[datetime]
    given_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"))
    purged_at: Mapped[datetime | None]


class AddressFinding(Model):
    """What policies and lists say against an address as it is now; whatever parcel goes there is held for it.

    `ref` is the number of the policy or the digest of the list's entry, `field` the part of the address that is like
    the entry, `evidence` the entry's own words. Nothing of the address stands here.
    """

    __tablename__ = "address_finding"
    __table_args__ = (sa.UniqueConstraint("participant_id", "kind", "ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    kind: Mapped[HoldKind]
    ref: Mapped[str] = mapped_column(sa.String(64))
    reason: Mapped[str] = mapped_column(sa.String(300))
    field: Mapped[str] = mapped_column(sa.String(20), default="")
    score: Mapped[int | None]
    evidence: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]
