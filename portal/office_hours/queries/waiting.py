"""The waiting lists: who can be offered a seat, in which order, and who waits where."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant
from portal.challenges.states import ParticipantState
from portal.office_hours import rules
from portal.office_hours.models import Booking, Seat, SeatOffer, Series, Sitting, Slot, Waiter
from portal.office_hours.queries.access import access_of
from portal.office_hours.queries.base import one, whole_slot
from portal.office_hours.queries.bookings import whole_booking
from portal.office_hours.queries.record import records_of
from portal.office_hours.queries.rounds import why_not_yet
from portal.office_hours.rules.access import Access, fair_order
from portal.office_hours.rules.record import Record
from portal.office_hours.rules.waiting import closes_at, offer_until, wants
from portal.office_hours.states import SEATED, BookingState, SlotState, Source, WaiterState
from portal.office_hours.time import iso_week


class Candidate(NamedTuple):
    """Somebody to whom a seat can be offered, and until when it would be kept."""

    waiter: Waiter
    until: datetime


def candidates(session: Session, slot: Slot, at: datetime, apart: int | None = None) -> list[Candidate]:
    """To whom a seat of the whole slot can be offered, in the fair order: nobody, if it cannot be booked now."""
    if rules.why_not_slot(slot, slot.sitting.series, at) or why_not_yet(session, slot, at):
        return []
    return in_turn(session, slot, at, apart)


def in_turn(session: Session, slot: Slot, at: datetime, apart: int | None = None) -> list[Candidate]:
    """Who waits for a slot that can be booked, in the fair order; the participant `apart` left out.

    Whoever has something else then, has used up the week, has been offered this slot or is just being offered another
    one is not among them; nor is whoever would have to answer in their sleep.
    """
    series = slot.sitting.series
    waiting = [waiter for waiter in _unasked(session, slot) if waiter.participant_id != apart]
    open_slots = _open_slots(session, slot.sitting_id) if waiting else ()
    asked = [(each, offer_until(at, closes_at(slot, series), each.account.zone)) for each in waiting
             if wants(each, slot, open_slots)]  # fmt: skip
    found = [Candidate(waiter, until) for waiter, until in asked if until]
    if not found:
        return []
    busy = _obstacles(session, slot, [each.waiter.participant_id for each in found], at)
    able = [each for each in found if each.waiter.participant_id not in busy]
    access = access_of(session, series.challenge_id, at, [each.waiter.participant_id for each in able])
    here = [each for each in able if each.waiter.participant_id in access]
    return sorted(here, key=lambda each: _turn(each.waiter, access))


def _turn(waiter: Waiter, access: dict[int, Access]) -> tuple[object, ...]:
    return (*fair_order(access[waiter.participant_id], waiter.joined_at), waiter.id)


def _unasked(session: Session, slot: Slot) -> Sequence[Waiter]:
    """Those on the list of the slot's session whose people are here, and who can be asked about this slot."""
    asked = (
        sa.exists()
        .where(SeatOffer.waiter_id == Waiter.id, Booking.id == SeatOffer.booking_id)
        .where(sa.or_(SeatOffer.slot_id == slot.id, Booking.state == BookingState.HELD))
    )
    return session.scalars(
        sa.select(Waiter)
        .join(Waiter.account)
        .options(contains_eager(Waiter.account), selectinload(Waiter.slots))
        .where(
            Waiter.sitting_id == slot.sitting_id,
            Waiter.state == WaiterState.WAITING,
            Account.active,
            ~asked,
            sa.exists().where(Member.account_id == Account.id, Member.participant_id == Waiter.participant_id),
        )
        .order_by(Waiter.joined_at, Waiter.id)
    ).all()


def _open_slots(session: Session, sitting_id: int) -> Sequence[int]:
    return session.scalars(sa.select(Slot.id).where(Slot.sitting_id == sitting_id, Slot.state == SlotState.OPEN)).all()


def _obstacles(session: Session, slot: Slot, participant_ids: Collection[int], at: datetime) -> dict[int, str]:
    """What keeps participants from a seat of the slot, by participant: something else then, or no booking left."""
    records = records_of(session, participant_ids, at)
    return {who: reason for who, record in records.items() if (reason := _obstacle(record, slot, at))}


def _obstacle(record: Record, slot: Slot, at: datetime) -> str | None:
    series = slot.sitting.series
    period = iso_week(slot.starts_at, series.challenge.zone)
    reason = rules.why_not_record(record, slot, series, at, Source.WAITLIST)
    if reason is None and rules.lowest_free(record.numbers(period), series.weekly_quota) is None:
        return f"Your bookings of {period} are used up. Cancel one to wait for another."
    return reason


def why_not_able(session: Session, slots: Sequence[Slot], participant_id: int, at: datetime) -> list[str | None]:
    """Why the participant could not take a seat of each of the whole slots even if there were one."""
    record = records_of(session, [participant_id], at)[participant_id]
    return [_obstacle(record, slot, at) for slot in slots]


def is_any_bookable(session: Session, slots: Sequence[Slot], participant_id: int, at: datetime) -> bool:
    """Whether a seat of one of the whole slots is free and kept for nobody else."""
    free = sa.select(Slot.id).where(Slot.id.in_([slot.id for slot in slots]), _has_seat())
    with_seat = set(session.scalars(free))
    return any(
        slot.id in with_seat
        and not rules.why_not_slot(slot, slot.sitting.series, at)
        and not candidates(session, slot, at, apart=participant_id)
        for slot in slots
    )


def slots_in(session: Session, sitting_id: int) -> Sequence[Slot]:
    """The open slots of a session, whole, in order."""
    return session.scalars(
        sa.select(Slot)
        .options(*whole_slot())
        .where(Slot.sitting_id == sitting_id, Slot.state == SlotState.OPEN)
        .order_by(Slot.starts_at, Slot.id)
    ).all()


def _has_seat() -> sa.ColumnElement[bool]:
    taken = sa.select(Booking.seat_no).where(Booking.slot_id == Slot.id, Booking.state.in_(SEATED)).correlate(Slot)
    return sa.exists().where(Seat.slot_id == Slot.id, Seat.seat_no.not_in(taken))


def _with_seat() -> "sa.Select[Slot]":
    """The open slots with a free seat in sessions that somebody waits for, whole."""
    waiting = sa.select(Waiter.sitting_id).where(Waiter.state == WaiterState.WAITING)
    return (
        sa.select(Slot)
        .options(*whole_slot())
        .where(Slot.state == SlotState.OPEN, Slot.sitting_id.in_(waiting), _has_seat())
        .order_by(Slot.starts_at, Slot.id)
    )


def slots_waited_for(session: Session, at: datetime, challenge_id: int | None = None) -> Sequence[Slot]:
    """The coming slots with a free seat in sessions that somebody waits for, whole, the next one first."""
    rows = _with_seat().where(Slot.starts_at > at)
    if challenge_id is not None:
        rows = rows.join(Slot.sitting).join(Sitting.series).where(Series.challenge_id == challenge_id)
    return session.scalars(rows).all()


def slot_with_seat(session: Session, slot_id: int) -> Slot | None:
    """The whole slot as it is now, if it has a free seat and somebody waits for its session."""
    rows = _with_seat().where(Slot.id == slot_id).execution_options(populate_existing=True)
    return session.scalars(rows).one_or_none()


def kept_slots(session: Session, challenge_id: int, at: datetime, participant_id: int) -> set[int]:
    """The slots whose free seats go to somebody else who waits first."""
    return {
        slot.id
        for slot in slots_waited_for(session, at, challenge_id)
        if candidates(session, slot, at, apart=participant_id)
    }


def _whole_waiter() -> "sa.Select[Waiter]":
    return (
        sa.select(Waiter)
        .join(Waiter.sitting)
        .join(Sitting.series)
        .options(
            contains_eager(Waiter.sitting).contains_eager(Sitting.series).joinedload(Series.challenge),
            joinedload(Waiter.account),
            joinedload(Waiter.participant),
            selectinload(Waiter.slots),
        )
    )


def waits_of(session: Session, participant_id: int) -> Sequence[Waiter]:
    """What a participant waits for, the next session first."""
    own = _whole_waiter().where(Waiter.participant_id == participant_id, Waiter.state == WaiterState.WAITING)
    return session.scalars(own.order_by(Sitting.starts_at, Waiter.id)).all()


def waiter_of(session: Session, member: Member, waiter_id: int) -> Waiter:
    """A place on a list of the member's own participant. Raises NotFound."""
    own = _whole_waiter().where(Waiter.id == waiter_id, Waiter.participant_id == member.participant_id)
    return one(session, own, "waiter")


def waiter_in(session: Session, challenge_id: int, waiter_id: int) -> Waiter:
    """A place on a list of a challenge, for staff. Raises NotFound."""
    return one(session, _whole_waiter().where(Waiter.id == waiter_id, Series.challenge_id == challenge_id), "waiter")


def offer_of(session: Session, member: Member, uid: str) -> SeatOffer:
    """A seat that was offered to the member's participant, with its whole booking. Raises NotFound."""
    own = (
        sa.select(SeatOffer)
        .join(SeatOffer.booking)
        .options(joinedload(SeatOffer.waiter).selectinload(Waiter.slots))
        .where(Booking.uid == uid, Booking.participant_id == member.participant_id)
    )
    offer = one(session, own.options(contains_eager(SeatOffer.booking)), "offer")
    whole_booking(session, offer.booking_id)
    return offer


class Line(NamedTuple):
    """The waiting list of one session: who is being asked, then who waits in the fair order; the open offers."""

    sitting: Sitting
    waiters: list[Waiter]
    offers: dict[int, SeatOffer]


def lines(session: Session, challenge_id: int, at: datetime, sitting_ids: Collection[int] | None = None) -> list[Line]:
    """The waiting lists of a challenge, or of these of its sessions, the next session first."""
    waiting = (
        _whole_waiter()
        .join(Participant, Participant.id == Waiter.participant_id)
        .where(
            Series.challenge_id == challenge_id,
            Waiter.state == WaiterState.WAITING,
            Participant.state == ParticipantState.ACTIVE,
            Participant.challenge_id == challenge_id,
            Waiter.sitting_id.in_(sitting_ids) if sitting_ids is not None else sa.true(),
        )
    )
    waiters = session.scalars(waiting.order_by(Sitting.starts_at, Sitting.id, Waiter.joined_at, Waiter.id)).all()
    access = access_of(session, challenge_id, at, {waiter.participant_id for waiter in waiters})
    offers = open_offers(session, [waiter.id for waiter in waiters])
    found: dict[int, Line] = {}
    for waiter in waiters:
        line = found.setdefault(waiter.sitting_id, Line(waiter.sitting, [], {}))
        line.waiters.append(waiter)
        if waiter.id in offers:
            line.offers[waiter.id] = offers[waiter.id]
    for line in found.values():
        line.waiters.sort(key=lambda waiter: (waiter.id not in offers, *_turn(waiter, access)))
    return list(found.values())


def places(session: Session, challenge_id: int, waits: Sequence[Waiter], at: datetime) -> dict[int, int]:
    """How many come before each of these places on their lists."""
    sittings = {waiter.sitting_id for waiter in waits}
    if not sittings:
        return {}
    before: dict[int, int] = {}
    for line in lines(session, challenge_id, at, sittings):
        before |= {waiter.id: number for number, waiter in enumerate(line.waiters)}
    return {waiter.id: before[waiter.id] for waiter in waits if waiter.id in before}


def open_offers(session: Session, waiter_ids: Iterable[int]) -> dict[int, SeatOffer]:
    """The seats that are being kept for people on lists, by their places."""
    rows = session.scalars(
        sa.select(SeatOffer)
        .join(SeatOffer.booking)
        .options(contains_eager(SeatOffer.booking))
        .where(SeatOffer.waiter_id.in_(list(waiter_ids)), Booking.state == BookingState.HELD)
    )
    return {offer.waiter_id: offer for offer in rows}
