"""Files that were handed out for carriers' programs."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.db import Model, refers


class CarrierExport(Model):
    """That a file was made for a program, and by whom. The file itself is kept nowhere; its hash tells it from others.

    `files` are name, rows and SHA-256 of each file; which parcels were in them stands in the audit of these.
    """

    __tablename__ = "carrier_export"
    __table_args__ = (
        sa.CheckConstraint("count > 0", name="count_positive"),
        sa.Index("ix_carrier_export_challenge_id", "challenge_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    profile: Mapped[str] = mapped_column(sa.String(40))
    count: Mapped[int]
    files: Mapped[list[tuple[str, int, str]]] = mapped_column(sa.JSON)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))

    by: Mapped[Account] = refers()
