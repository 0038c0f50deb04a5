"""What a participant has booked and missed, as the rules want to know it."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours.models import Booking
from portal.office_hours.queries.strikes import strikes
from portal.office_hours.rules.record import Record, Taken
from portal.office_hours.states import COUNTED, BookingState, Source


def _taken(at: datetime) -> "sa.Select[int, int, int, datetime, datetime, BookingState, Source, str, int | None]":
    """Seats that count at `at`, each after whose it is."""
    return (
        sa.select(
            Booking.participant_id, Booking.id, Booking.slot_id, Booking.starts_at, Booking.ends_at, Booking.state,
            Booking.source, Booking.quota_period, Booking.quota_no,
        )
        .where(Booking.state.in_(COUNTED), sa.or_(Booking.hold_expires_at.is_(None), Booking.hold_expires_at > at))
        .order_by(Booking.starts_at, Booking.id)
    )  # fmt: skip


def record_of(session: Session, challenge_id: int, participant_id: int, at: datetime) -> Record:
    """A participant's seats that count at `at`, and their live strikes. A hold that has run out is none."""
    rows = session.execute(_taken(at).where(Booking.participant_id == participant_id))
    taken = tuple(Taken(*row[1:]) for row in rows)
    # Most have missed nothing: then nothing more is asked.
    missed = any(seat.state in (BookingState.NO_SHOW, BookingState.LATE_CANCELLED) for seat in taken)
    told = strikes(session, challenge_id, at, [participant_id]) if missed else []
    return Record(taken, tuple(strike.lapses_at for strike in told if strike.forgiven is None))


def records_of(session: Session, participant_ids: Collection[int], at: datetime) -> dict[int, Record]:
    """The seats of participants that count at `at`, by participant; without their strikes."""
    taken: dict[int, list[Taken]] = {who: [] for who in participant_ids}
    for row in session.execute(_taken(at).where(Booking.participant_id.in_(participant_ids))):
        taken[row[0]].append(Taken(*row[1:]))
    return {who: Record(tuple(seats)) for who, seats in taken.items()}


def hold_of(session: Session, participant_id: int, at: datetime) -> Booking | None:
    """The seat that is held for a participant while a form is open."""
    return session.scalars(
        sa.select(Booking)
        .where(
            Booking.participant_id == participant_id,
            Booking.state == BookingState.HELD,
            Booking.source == Source.PAGE,
            Booking.hold_expires_at > at,
        )
        .order_by(Booking.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


def holds_let_go(session: Session, participant_id: int, slot_id: int, since: datetime) -> tuple[int, int]:
    """How often a participant has held a seat of the slot, and any seat, since then without booking it."""
    slots = session.scalars(
        sa.select(Booking.slot_id).where(
            Booking.participant_id == participant_id,
            Booking.state == BookingState.EXPIRED,
            Booking.source == Source.PAGE,
            Booking.booked_at > since,
        )
    ).all()
    return slots.count(slot_id), len(slots)
