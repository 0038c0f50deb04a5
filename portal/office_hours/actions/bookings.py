"""Booking, moving, cancelling and marking. The rules explain beforehand; the constraints decide.

Without a `sender` the same happens and nobody is told: for what is brought in from elsewhere.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.challenges.models import Member, Participant
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import Move, take
from portal.office_hours import queries, rules, states
from portal.office_hours.actions.mails import release, tell
from portal.office_hours.actions.wishes import check_wish
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Seat, Series, Sitting, Slot, Withdrawal
from portal.office_hours.queries.rounds import why_not_yet
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.queries.waiting import candidates
from portal.office_hours.rules.waiting import KEPT
from portal.office_hours.states import BookingState, Source
from portal.office_hours.time import iso_week


@dataclass(frozen=True, slots=True)
class Wish:
    """What a participant asks for. The same `key` twice is the same request, sent again."""

    key: str
    topic: str
    question: str = ""
    scenario_id: int | None = None
    component: str = ""

    def columns(self) -> dict[str, Any]:
        """As columns of a booking."""
        return {
            "topic": self.topic, "question": self.question, "scenario_id": self.scenario_id,
            "component": self.component,
        }  # fmt: skip


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


def book_slot(
    session: Session,
    slot: Slot,
    member: Member,
    wish: Wish,
    *,
    at: datetime,
    sender: Sender | None,
    hold_until: datetime | None = None,
    source: Source = Source.PAGE,
    by: int | None = None,
    overrule: str = "",
) -> Booking:
    """Take a seat for the member's participant; with `hold_until`, only hold it until then, without telling anyone.

    A seat that is held for them in this slot while they fill in the form becomes the booking. `by` is who of the staff
    does it; the reason why they `overrule` notice and advance is kept. Raises Refused where a rule or the quota says
    no, Invalid where the wish makes no sense for the slot, Conflict where the last seat went to somebody else.
    """
    _one_at_a_time(session, member.participant_id)
    sent = _same_request(session, member.participant_id, wish.key)
    if sent is not None:
        return queries.whole_booking(session, sent)
    check_wish(session, slot.id, wish)
    held = queries.hold_of(session, member.participant_id, at)
    if held is not None and held.slot_id == slot.id and source is not Source.WAITLIST:
        return _settle(session, held, member, wish, at=at, sender=sender, source=source, by=by)
    if source in rules.OWN_HAND:
        let_go_of_form(session, member.participant_id, at)
    place = _place(session, slot.id, member.participant_id, at, source, overrule=overrule)
    booking = _new(member, wish, place, at, hold_until, source, by)
    session.add(booking)
    with conflicts():
        session.flush()
    verb = "book" if hold_until is None else "hold"
    _note(session, verb, booking, place.slot, by=by or member.account_id, at=at, reason=overrule or None)
    whole = queries.whole_booking(session, booking.id)
    if hold_until is None:
        tell(session, whole, "booked", at=at, sender=sender, actor=_actor(whole))
    return whole


def _new(
    member: Member, wish: Wish, place: Place, at: datetime, hold_until: datetime | None, source: Source, by: int | None
) -> Booking:
    return Booking(
        uid=str(uuid.uuid4()), participant_id=member.participant_id, account_id=member.account_id,
        state=BookingState.CONFIRMED if hold_until is None else BookingState.HELD, state_since=at,
        hold_expires_at=hold_until, idempotency_key=wish.key, booked_at=at, changed_at=at, source=source,
        booked_by_id=by, **wish.columns(), **place.columns(),
    )  # fmt: skip


def _settle(
    session: Session, held: Booking, member: Member, wish: Wish, *, at: datetime, sender: Sender | None,
    source: Source, by: int | None,
) -> Booking:  # fmt: skip
    """Make a booking of the seat that was held while the form was open, whoever of the participant's people held it."""
    with conflicts():
        take(session, held, states.CONFIRM, at=at, hold_expires_at=None, changed_at=at, booked_at=at, source=source,
             account_id=member.account_id, booked_by_id=by, idempotency_key=wish.key, **wish.columns())  # fmt: skip
    whole = queries.whole_booking(session, held.id)
    _note(session, "confirm", whole, whole.slot, by=by or member.account_id, at=at)
    tell(session, whole, "booked", at=at, sender=sender, actor=_actor(whole))
    return whole


def _actor(booking: Booking) -> str:
    """Who of the staff booked it, for the mail."""
    return booking.booked_by.name if booking.booked_by is not None else ""


def confirm_booking(session: Session, booking: Booking, *, by: int, at: datetime, sender: Sender | None) -> None:
    """Turn a held seat into a booking, while the hold lasts."""
    if booking.hold_expires_at is not None and booking.hold_expires_at <= at:
        raise Refused("The seat was held for you until a moment ago. Book again.")
    with conflicts():
        take(session, booking, states.CONFIRM, at=at, hold_expires_at=None, changed_at=at)
    whole = queries.whole_booking(session, booking.id)
    _note(session, "confirm", whole, whole.slot, by=by, at=at)
    tell(session, whole, "booked", at=at, sender=sender)


def reschedule_booking(
    session: Session, booking: Booking, slot: Slot, *, by: int, at: datetime, sender: Sender | None,
    source: Source = Source.PAGE, overrule: str = "", actor: str = "",
) -> Booking:  # fmt: skip
    """Move a booking to another slot of the same challenge. If that cannot be had, the old one stays as it was.

    `source` is by which way it is moved: staff may `overrule` cut-off, notice and advance, with the reason.
    """
    _one_at_a_time(session, booking.participant_id)
    old = queries.whole_booking(session, booking.id)
    before, old_hosts = {"slot": old.slot_id, "starts_at": old.starts_at}, hosts_of(old.slot)
    series = old.slot.sitting.series
    reason = rules.why_not_reschedule(old, series, at, overruled=bool(overrule))
    if reason:
        raise Refused(reason)
    if slot.id == old.slot_id:
        return old
    if source in rules.OWN_HAND:
        let_go_of_form(session, old.participant_id, at)
    way = Source.FOLLOW_UP if old.source is Source.FOLLOW_UP else source
    place = _place(session, slot.id, old.participant_id, at, way, moving=old, overrule=overrule)
    if place.slot.sitting.series.challenge_id != series.challenge_id:
        raise NotFound("slot")
    _move(session, old, place, at)
    moved = queries.whole_booking(session, booking.id)
    _note(session, "reschedule", moved, moved.slot, by=by, at=at, before=before, reason=overrule or None)
    tell(session, moved, "moved", at=at, sender=sender, actor=actor)
    for host in old_hosts:
        release(session, moved, host, at=at, sender=sender)
    return moved


def cancel_booking(
    session: Session, booking: Booking, *, by: int, at: datetime, sender: Sender | None, actor: str = "",
    reason: str | None = None,
) -> Booking:  # fmt: skip
    """Give a booking back. After the cut-off it still counts for its week (late_cancelled)."""
    whole = queries.whole_booking(session, booking.id)
    refusal = rules.why_not_cancel(whole, at)
    if refusal:
        raise Refused(refusal)
    late = rules.is_late(whole, whole.slot.sitting.series, at)
    move = states.CANCEL_LATE if late else states.CANCEL
    return _end(session, whole, move, by=by, at=at, sender=sender, reason=reason, actor=actor)


def withdraw_booking(
    session: Session, booking: Booking, reason: str, *, by: int, at: datetime, sender: Sender | None, actor: str = ""
) -> None:
    """The hosts take a booking back: the participant gets the credit again, learns why, and is owed a seat."""
    if booking.state is BookingState.CONFIRMED:
        session.add(Withdrawal(booking_id=booking.id, at=at))
    _end(session, booking, states.WITHDRAW, by=by, at=at, sender=sender, reason=reason, actor=actor)


def mark_booking(session: Session, booking: Booking, move: Move[BookingState], *, by: int, at: datetime) -> None:
    """Note, as its host, whether the person was there."""
    reason = rules.why_not_mark(booking, at)
    if reason:
        raise Refused(reason)
    slot, before = booking.slot, booking.state
    take(session, booking, move, at=at)
    _note(session, move.name, booking, slot, by=by, at=at, before={"state": before})


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


def _one_at_a_time(session: Session, participant_id: int) -> None:
    """Let only one booking of a participant be decided at any time (SQLite has but one writer anyway)."""
    session.execute(sa.select(Participant.id).where(Participant.id == participant_id).with_for_update(key_share=True))


def _same_request(session: Session, participant_id: int, key: str) -> int | None:
    return session.scalars(
        sa.select(Booking.id).where(Booking.participant_id == participant_id, Booking.idempotency_key == key)
    ).one_or_none()


def _place(
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
    if reason is None and source in states.FIRST_COME:
        reason = why_not_yet(session, slot, at)
    if reason:
        raise Refused(reason)
    seat_no = _free_seat(session, slot_id)
    if seat_no is None:
        raise Conflict("All seats of this slot are taken. Choose another one.")
    if source in rules.OWN_HAND and candidates(session, slot, at, participant_id):
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


def _move(session: Session, booking: Booking, place: Place, at: datetime) -> None:
    """Compare and set: nothing happens unless the booking still is what was read."""
    step = (
        sa.update(Booking)
        .where(
            Booking.id == booking.id,
            Booking.state == BookingState.CONFIRMED,
            Booking.sequence == booking.sequence,
        )
        .values(sequence=booking.sequence + 1, changed_at=at, **place.columns())
        .returning(Booking.id)
        .execution_options(synchronize_session=False)
    )
    with conflicts():
        moved = session.scalars(step).one_or_none()
    if moved is None:
        raise Conflict("This booking has just been changed. Look at it again.")


def _end(
    session: Session, booking: Booking, move: Move[BookingState], *, by: int, at: datetime, sender: Sender | None,
    reason: str | None = None, actor: str = "",
) -> Booking:  # fmt: skip
    was_held = booking.state is BookingState.HELD
    sequence = booking.sequence + 1
    take(session, booking, move, at=at, sequence=sequence, changed_at=at, hold_expires_at=None)
    ended = queries.whole_booking(session, booking.id)
    _note(session, move.name, ended, ended.slot, by=by, at=at, reason=reason)
    if not was_held:
        credit = ended.state not in states.COUNTED
        tell(session, ended, "cancelled", at=at, sender=sender, reason=reason or "", credit=credit, actor=actor)
    return ended


def _note(
    session: Session, verb: str, booking: Booking, slot: Slot, *, by: int, at: datetime,
    before: dict[str, object] | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    """The audit entry: which slot and seat, never what about."""
    audit.record(
        session, f"office_hours:{verb}", f"booking:{booking.id}", by=by, at=at,
        scope=slot.sitting.series.challenge.slug, before=before, reason=reason,
        after={"state": booking.state, "slot": slot.id, "starts_at": slot.starts_at, "source": booking.source},
    )  # fmt: skip
