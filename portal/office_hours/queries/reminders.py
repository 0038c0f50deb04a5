"""When people want to be reminded."""

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours.models import ReminderChoice
from portal.office_hours.models.reminders import OFFSETS

USUAL = frozenset({OFFSETS["day"], OFFSETS["hour"]})


def chosen_offsets(session: Session, account_ids: Collection[int]) -> dict[int, frozenset[timedelta]]:
    """How long before their office hours each of the people is reminded."""
    rows = session.scalars(sa.select(ReminderChoice).where(ReminderChoice.account_id.in_(account_ids)))
    return dict.fromkeys(account_ids, USUAL) | {row.account_id: row.offsets for row in rows}
