"""Bookings that hosts took back."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Model
from portal.office_hours.models.bookings import Booking


class Withdrawal(Model):
    """That a confirmed booking was taken back by the hosts, and when: a seat is owed until another one is booked."""

    __tablename__ = "office_withdrawal"

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id), primary_key=True)
    at: Mapped[datetime]
