"""The waiting list: joining and leaving it, offering its people seats, and what becomes of offers.

An offer is a held booking. Whatever ends the hold, `settle` finds what that means for the place on the list, so that
nothing is lost when a process dies in between.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member, Participant
from portal.challenges.states import ParticipantState
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import Move, take
from portal.core.outbox import OutgoingMail
from portal.office_hours import states
from portal.office_hours.actions.bookings import Wish, book_slot, cancel_booking, confirm_booking
from portal.office_hours.actions.places import one_at_a_time
from portal.office_hours.actions.wishes import check_wish
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, SeatOffer, Sitting, Slot, Waiter, WaiterSlot
from portal.office_hours.queries.rounds import why_not_yet
from portal.office_hours.queries.waiting import Candidate, is_any_bookable, open_offers, slots_in, why_not_able
from portal.office_hours.rules.waiting import closes_at, offer_until, why_not_join, why_not_leave
from portal.office_hours.states import BookingState, SittingState, Source, WaiterState
from portal.office_hours.time import spoken, spoken_moment

TEMPLATE = "office_hours/offered"


def join_list(
    session: Session, sitting: Sitting, slots: Collection[Slot], member: Member, wish: Wish, *, at: datetime
) -> Waiter:
    """Put the member's participant on the list of a session: for these of its slots, or for any where none is given.

    Raises Refused where there is nothing to wait for, Conflict if they are on the list already.
    """
    if member.challenge_id != sitting.series.challenge_id:
        raise NotFound("session")
    one_at_a_time(session, member.participant_id)
    wanted = list(slots) or list(slots_in(session, sitting.id))
    reason = (
        why_not_join(sitting, wanted, at)
        or why_not_yet(session, wanted[0], at)
        or _better(session, wanted, member.participant_id, at)
    )
    if reason:
        raise Refused(reason)
    check_wish(session, wanted[0].id, wish)
    waiter = Waiter(
        sitting_id=sitting.id, participant_id=member.participant_id, account_id=member.account_id,
        state=WaiterState.WAITING, state_since=at, joined_at=at, topic=wish.topic, scenario_id=wish.scenario_id,
        slots=[WaiterSlot(slot_id=slot.id) for slot in slots],
    )  # fmt: skip
    session.add(waiter)
    with conflicts():
        session.flush()
    _note(session, "join-list", waiter, sitting, by=member.account_id, at=at)
    return waiter


def _better(session: Session, slots: Sequence[Slot], participant_id: int, at: datetime) -> str | None:
    """Why waiting helps nobody: a seat can be booked at once, or none could be taken."""
    obstacles = why_not_able(session, slots, participant_id, at)
    able = [slot for slot, obstacle in zip(slots, obstacles, strict=True) if obstacle is None]
    if not able:
        return obstacles[0]
    if is_any_bookable(session, able, participant_id, at):
        return "A seat of it is free. Book it."
    return None


def leave_list(session: Session, waiter: Waiter, *, by: int, at: datetime) -> None:
    """Give up a place on a list, and the seat that is being offered for it."""
    reason = why_not_leave(waiter)
    if reason:
        raise Refused(reason)
    sitting, number = waiter.sitting, waiter.id
    one_at_a_time(session, waiter.participant_id)
    take(session, waiter, states.LEAVE, at=at)
    offer = open_offers(session, [number]).get(number)
    if offer is not None:
        cancel_booking(session, offer.booking, by=by, at=at, sender=None)
    _note(session, "leave-list", waiter, sitting, by=by, at=at)


def offer_seat(
    session: Session, slot: Slot, found: Candidate, *, at: datetime, sender: Sender | None, by: int | None = None
) -> bool:
    """Keep a seat of a whole slot for somebody on its list, and tell them; whether it had not been done already.

    Raises Refused where the rules of booking say no, Conflict where the seat is gone.
    """
    waiter, until = found
    member = _member(session, waiter)
    wish = Wish(f"waiting-{waiter.id}-{slot.id}", waiter.topic, scenario_id=waiter.scenario_id)
    booking = book_slot(
        session, slot, member, wish, at=at, sender=sender, hold_until=until, source=Source.WAITLIST, by=by
    )
    if session.get(SeatOffer, booking.id) is not None:
        return False
    # The participant is locked by now: what they have left or taken meanwhile is seen here.
    session.refresh(waiter, ["state"])
    if waiter.state is not WaiterState.WAITING:
        raise Conflict("They have just left the list.")
    if open_offers(session, [waiter.id]):
        raise Conflict("Another seat has just been offered to them.")
    offer = SeatOffer(booking_id=booking.id, waiter_id=waiter.id, slot_id=slot.id, offered_at=at, expires_at=until)
    session.add(offer)
    with conflicts():
        session.flush()
    if sender is not None and waiter.account.active:
        outbox.post(session, TEMPLATE, to=waiter.account.email, key=f"office-hours:{booking.uid}:offered", at=at,
                    context=_told(booking, waiter, until))  # fmt: skip
    return True


def _told(booking: Booking, waiter: Waiter, until: datetime) -> dict[str, object]:
    challenge, zone = booking.slot.sitting.series.challenge, waiter.account.zone
    return {
        "challenge": challenge.title,
        "slug": challenge.slug,
        "uid": booking.uid,
        "when": spoken(booking.starts_at, booking.ends_at, zone),
        "utc": spoken(booking.starts_at, booking.ends_at, "UTC"),
        "until": spoken_moment(until, zone),
    }


def still_offered(session: Session, mail: OutgoingMail, *, at: datetime) -> bool:
    """Whether the seat of a mail is still kept for its reader."""
    kept = sa.select(Booking.id).where(
        Booking.uid == mail.context["uid"], Booking.state == BookingState.HELD, Booking.hold_expires_at > at
    )
    return session.scalars(kept).one_or_none() is not None


def offer_by_hand(
    session: Session, waiter: Waiter, slot: Slot, *, by: int, at: datetime, sender: Sender | None
) -> datetime:
    """Offer somebody on the list a free seat out of turn; until when it is kept. The audit says who did."""
    series = slot.sitting.series
    if waiter.state is not WaiterState.WAITING or slot.sitting_id != waiter.sitting_id:
        raise Refused("They do not wait for this session.")
    if open_offers(session, [waiter.id]):
        raise Refused("A seat is being kept for them already.")
    until = offer_until(at, closes_at(slot, series), waiter.account.zone)
    if until is None:
        raise Refused("Too little of their day is left before this slot closes: they could not answer.")
    if not offer_seat(session, slot, Candidate(waiter, until), at=at, sender=sender, by=by):
        raise Refused("This slot has been offered to them already.")
    _note(session, "offer-seat", waiter, waiter.sitting, by=by, at=at, slot=slot.id)
    return until


def accept_offer(session: Session, offer: SeatOffer, *, by: int, at: datetime, sender: Sender | None) -> None:
    """Turn a seat that was kept into a booking: the usual invitation goes out, and the place on the list is done."""
    confirm_booking(session, offer.booking, by=by, at=at, sender=sender)
    if offer.waiter.state is WaiterState.WAITING:
        take(session, offer.waiter, states.SERVE, at=at)


def decline_offer(session: Session, offer: SeatOffer, *, stay: bool, by: int, at: datetime) -> None:
    """Let a seat go to the next one. Whoever waits for other slots too may stay on the list for them."""
    if offer.booking.state is not BookingState.HELD:
        raise Refused("This seat is not kept for you any more.")
    cancel_booking(session, offer.booking, by=by, at=at, sender=None)
    if offer.waiter.state is WaiterState.WAITING and not stay:
        take(session, offer.waiter, states.LEAVE, at=at)


def settle(session: Session, at: datetime) -> int:
    """Bring the lists up to date with offers and sessions that have ended; how many places ended with them."""
    ended = 0
    for waiter, booking, expires_at in _answered(session):
        step = _outcome(waiter, booking, expires_at)
        if step is not None and waiter.state is WaiterState.WAITING:
            take(session, waiter, step, at=at)
            ended += 1
    for waiter in _hopeless(session, at):
        take(session, waiter, states.END_WAITING, at=at)
        ended += 1
    session.flush()
    return ended


def _outcome(waiter: Waiter, booking: Booking, expires_at: datetime) -> Move[WaiterState] | None:
    if booking.state in states.COUNTED:
        return states.SERVE
    # A hold that ended early was let go because its session moved: that is not their doing.
    if booking.state is BookingState.EXPIRED and booking.state_since >= expires_at:
        return states.MISS_OFFER
    return None


def _answered(session: Session) -> Sequence[tuple[Waiter, Booking, datetime]]:
    """The offers of people who still wait, the hold being over."""
    rows = session.execute(
        sa.select(Waiter, Booking, SeatOffer.expires_at)
        .join(SeatOffer, SeatOffer.waiter_id == Waiter.id)
        .join(Booking, Booking.id == SeatOffer.booking_id)
        .where(Waiter.state == WaiterState.WAITING, Booking.state != BookingState.HELD)
        .order_by(Waiter.id, SeatOffer.booking_id)
        .execution_options(populate_existing=True)
    )
    return [(waiter, booking, expires_at) for waiter, booking, expires_at in rows]


def _hopeless(session: Session, at: datetime) -> Sequence[Waiter]:
    """Those whose session has begun or was called off, or who take part no longer."""
    return session.scalars(
        sa.select(Waiter)
        .join(Waiter.sitting)
        .join(Waiter.participant)
        .where(
            Waiter.state == WaiterState.WAITING,
            sa.or_(
                Sitting.ends_at <= at,
                Sitting.state == SittingState.CANCELLED,
                Participant.state != ParticipantState.ACTIVE,
            ),
        )
    ).all()


def _member(session: Session, waiter: Waiter) -> Member:
    member = session.scalars(
        sa.select(Member).where(Member.participant_id == waiter.participant_id, Member.account_id == waiter.account_id)
    ).one_or_none()
    if member is None:
        raise Refused("Whoever joined does not belong to the participant any more.")
    return member


def _note(
    session: Session, verb: str, waiter: Waiter, sitting: Sitting, *, by: int, at: datetime, **more: object
) -> None:
    audit.record(
        session, f"office_hours:{verb}", f"waiter:{waiter.id}", by=by, at=at, scope=sitting.series.challenge.slug,
        after={"session": sitting.id, **more},
    )  # fmt: skip
