"""When people want to be reminded."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.db import Model

OFFSETS = {"day": timedelta(hours=24), "hour": timedelta(hours=1), "quarter": timedelta(minutes=15)}


class ReminderChoice(Model):
    """How long before their office hours a person is reminded; who never chose has no row. All false is: never."""

    __tablename__ = "office_reminder_choice"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    day: Mapped[bool]
    hour: Mapped[bool]
    quarter: Mapped[bool]
    changed_at: Mapped[datetime]

    @property
    def offsets(self) -> frozenset[timedelta]:
        """How long before."""
        return frozenset(offset for name, offset in OFFSETS.items() if getattr(self, name))
