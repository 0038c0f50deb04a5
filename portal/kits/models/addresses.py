"""Where parcels go."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Participant
from portal.core.db import Model


class DeliveryAddress(Model):
    """Where a participant's parcels go. All but the country is sealed under a key that is not in the database."""

    __tablename__ = "delivery_address"
    __table_args__ = (sa.CheckConstraint("(sealed IS NULL) = (purged_at IS NOT NULL)", name="purged_is_gone"),)

    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id), primary_key=True)
    country: Mapped[str] = mapped_column(sa.String(2))
    sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
    # The participant insisted on an address that does not look like one of its country.
    doubtful: Mapped[bool] = mapped_column(default=False)
    given_at: Mapped[datetime]
    given_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"))
    purged_at: Mapped[datetime | None]
