"""Who missed what lately. Strikes are not kept: they follow from bookings, what was forgiven, and the time."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours.models import Amnesty, Booking, Series, Sitting, Slot
from portal.office_hours.models.series import MAX_STRIKE_DAYS
from portal.office_hours.queries.base import held_by
from portal.office_hours.states import BookingState


class Strike(NamedTuple):
    """A seat that stayed empty, and until when that counts. `forgiven` is why it does not."""

    booking_id: int
    uid: str
    participant_id: int
    sitting_id: int
    starts_at: datetime
    state: BookingState
    lapses_at: datetime
    forgiven: str | None


def strikes(
    session: Session, challenge_id: int, at: datetime, participant_ids: Collection[int] | None = None, *,
    host_id: int | None = None,
) -> list[Strike]:  # fmt: skip
    """The strikes that have not lapsed at `at`, forgiven ones among them, in order of when they lapse.

    With a host, those in their slots alone.
    """
    rows = (
        sa.select(
            Booking.id, Booking.uid, Booking.participant_id, Slot.sitting_id, Booking.starts_at, Booking.state,
            Series.strike_days, Amnesty.reason,
        )
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .outerjoin(Amnesty, sa.or_(Amnesty.booking_id == Booking.id, Amnesty.sitting_id == Sitting.id))
        .where(
            Series.challenge_id == challenge_id,
            sa.or_(
                Booking.state == BookingState.NO_SHOW,
                sa.and_(Booking.state == BookingState.LATE_CANCELLED, Series.late_strikes.is_(True)),
            ),
            Booking.starts_at > at - timedelta(days=MAX_STRIKE_DAYS),
            Booking.state_since <= at,
        )
    )  # fmt: skip
    if participant_ids is not None:
        rows = rows.where(Booking.participant_id.in_(participant_ids))
    if host_id is not None:
        rows = rows.where(held_by(host_id))
    found: dict[int, Strike] = {}
    for number, uid, who, sitting, starts_at, state, days, forgiven in session.execute(rows.order_by(Booking.id)):
        lapses_at = starts_at + timedelta(days=days)
        if lapses_at > at:
            found[number] = Strike(number, uid, who, sitting, starts_at, state, lapses_at, forgiven)
    return sorted(found.values(), key=lambda strike: (strike.lapses_at, strike.booking_id))


def strikes_of(
    session: Session, challenge_id: int, at: datetime, participant_ids: Collection[int] | None = None
) -> dict[int, int]:
    """How many live strikes participants have, by participant; who has none is left out."""
    found = strikes(session, challenge_id, at, participant_ids)
    return dict(Counter(strike.participant_id for strike in found if strike.forgiven is None))
