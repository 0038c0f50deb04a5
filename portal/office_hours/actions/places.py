"""Finding a place: a seat of a slot, and a number within the quota. The rules explain; the constraints decide."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.challenges.models import Participant
from portal.core.errors import Conflict, Refused
from portal.office_hours import queries, rules, states
from portal.office_hours.models import Booking, Seat, Series, Sitting, Slot
from portal.office_hours.queries.rounds import why_not_yet
from portal.office_hours.queries.waiting import in_turn
from portal.office_hours.rules.waiting import KEPT
from portal.office_hours.states import BookingState, Source
from portal.office_hours.time import iso_week


class Place(NamedTuple):
    """What a booking takes up: a seat of a slot, and one of the participant's bookings of that week, if it counts."""

    slot: Slot
    seat_no: int
    quota_period: str
    quota_no: int | None

    def columns(self) -> dict[str, object]:
        """As columns of a booking."""
        return {
            "slot_id": self.slot.id,
            "seat_no": self.seat_no,
            "starts_at": self.slot.starts_at,
            "ends_at": self.slot.ends_at,
            "quota_period": self.quota_period,
            "quota_no": self.quota_no,
        }


def one_at_a_time(session: Session, participant_id: int) -> None:
    """Let only one booking of a participant be decided at any time (SQLite has but one writer anyway)."""
    session.execute(sa.select(Participant.id).where(Participant.id == participant_id).with_for_update(key_share=True))


def find_place(
    session: Session, slot_id: int, participant_id: int, at: datetime, source: Source, moving: Booking | None = None,
    overrule: str = "",
) -> Place:  # fmt: skip
    """Find a seat and a number within the quota, the slot being locked; `moving` is the booking that is given up."""
    slot = _locked(session, slot_id)
    series = slot.sitting.series
    expire_holds(session, at, slot_id=slot_id, participant_id=participant_id)
    record = queries.record_of(session, series.challenge_id, participant_id, at)
    record = record if moving is None else record.without(moving.id)
    reason = rules.why_not_slot(slot, series, at, overruled=bool(overrule)) or rules.why_not_record(
        record, slot, series, at, source
    )
    own_hand = source in states.OWN_HAND
    if reason is None and own_hand:
        reason = why_not_yet(session, slot, at)
    if reason:
        raise Refused(reason)
    seat_no = _free_seat(session, slot_id)
    if seat_no is None:
        raise Conflict("All seats of this slot are taken. Choose another one.")
    if own_hand and in_turn(session, slot, at, participant_id):
        raise Refused(KEPT)
    period = iso_week(slot.starts_at, series.challenge.zone)
    if source is Source.FOLLOW_UP:
        return Place(slot, seat_no, period, None)
    quota_no = _free_number(record.numbers(period), period, series.weekly_quota)
    return Place(slot, seat_no, period, quota_no)


def _locked(session: Session, slot_id: int) -> Slot:
    """The slot as it is now, kept so until the end of the transaction: its seats are given out one after another."""
    return session.scalars(
        sa.select(Slot)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(
            contains_eager(Slot.sitting).contains_eager(Sitting.series).joinedload(Series.challenge),
            joinedload(Slot.host),
        )
        .where(Slot.id == slot_id)
        .with_for_update(key_share=True, of=Slot)
        .execution_options(populate_existing=True)
    ).one()


def _free_seat(session: Session, slot_id: int) -> int | None:
    taken = sa.select(Booking.seat_no).where(Booking.slot_id == slot_id, Booking.state.in_(states.SEATED))
    return session.scalars(
        sa.select(Seat.seat_no)
        .where(Seat.slot_id == slot_id, Seat.seat_no.not_in(taken))
        .order_by(Seat.seat_no)
        .limit(1)
    ).one_or_none()


def _free_number(used: set[int], period: str, quota: int) -> int:
    number = rules.lowest_free(used, quota)
    if number is None:
        each = "One booking" if quota == 1 else f"{quota} bookings"
        raise Refused(f"{each} a week and participant; yours of {period} are used up.")
    return number


def expire_holds(
    session: Session, at: datetime, *, slot_id: int | None = None, participant_id: int | None = None
) -> int:
    """Let go of holds that have run out: everywhere, or where a new booking is about to look."""
    over = sa.update(Booking).where(Booking.state == BookingState.HELD, Booking.hold_expires_at <= at)
    if slot_id is not None:
        over = over.where(sa.or_(Booking.slot_id == slot_id, Booking.participant_id == participant_id))
    swept = session.execute(
        over.values(state=BookingState.EXPIRED, state_since=at, hold_expires_at=None)
        .returning(Booking.id)
        .execution_options(synchronize_session=False)
    )
    return len(swept.all())


def let_go_of_form(session: Session, participant_id: int, at: datetime) -> None:
    """Give back the seat that is held while a form is open: whoever wants another one leaves it."""
    session.execute(
        sa.update(Booking)
        .where(
            Booking.participant_id == participant_id,
            Booking.state == BookingState.HELD,
            Booking.source == Source.PAGE,
        )
        .values(state=BookingState.EXPIRED, state_since=at, hold_expires_at=None)
        .execution_options(synchronize_session=False)
    )
