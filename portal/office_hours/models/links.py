"""The way into a meeting, which is a secret with a time."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.office_hours.models.series import Series
from portal.office_hours.models.sittings import Sitting, Slot


class MeetingLink(Model):
    """The way into the meetings of a series, of one session or of one slot; the nearest one counts.

    `sealed` holds the address, and for a `varying` one the seed of the secrets that differ from slot to slot. `turn`
    counts how often a slot's secret was changed because somebody was removed: an address that does not vary is gone
    with `turned_at`, until a host gives a new one.
    """

    __tablename__ = "office_meeting_link"
    __table_args__ = (
        sa.CheckConstraint(
            "(CASE WHEN series_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN sitting_id IS NULL THEN 0 ELSE 1 END) "
            "+ (CASE WHEN slot_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="of_one_thing",
        ),
        sa.CheckConstraint("slot_id IS NOT NULL OR (turn = 0 AND turned_at IS NULL)", name="slots_turn"),
        sa.CheckConstraint("turn >= 0", name="turn"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Series.id), unique=True)
    sitting_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Sitting.id), unique=True)
    slot_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Slot.id), unique=True)
    sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary(4000))
    varying: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    turn: Mapped[int] = mapped_column(default=0)
    turned_at: Mapped[datetime | None]


for _column in ("series_id", "sitting_id", "slot_id"):
    explain(
        f"uq_office_meeting_link_{_column}",
        "Somebody has just changed the way in. Look at the page again.",
        columns=f"office_meeting_link.{_column}",
    )
