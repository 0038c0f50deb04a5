"""What was forgiven."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.sittings import Sitting


class Amnesty(Model):
    """A strike that does not count, or all strikes of a session, whoever of it is marked when; and why."""

    __tablename__ = "office_amnesty"
    __table_args__ = (
        sa.CheckConstraint("(booking_id IS NULL) <> (sitting_id IS NULL)", name="of_one_thing"),
        sa.UniqueConstraint("booking_id", name="uq_office_amnesty_booking"),
        sa.UniqueConstraint("sitting_id", name="uq_office_amnesty_session"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Booking.id))
    sitting_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Sitting.id))
    reason: Mapped[str] = mapped_column(sa.String(300))
    forgiven_at: Mapped[datetime]
    forgiven_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))


explain("uq_office_amnesty_booking", "This strike has been forgiven already.", columns="office_amnesty.booking_id")


explain(
    "uq_office_amnesty_session",
    "The strikes of this session have been forgiven already.",
    columns="office_amnesty.sitting_id",
)
