"""Booking, moving, cancelling and marking. The rules explain beforehand; the constraints decide.

Without a `sender` the same happens and nobody is told: for what is brought in from elsewhere.
"""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import Move, take
from portal.office_hours import queries, rules, states
from portal.office_hours.actions.days import refuse_missing
from portal.office_hours.actions.links import turn_slots
from portal.office_hours.actions.mails import release, tell
from portal.office_hours.actions.places import Place, find_place, let_go_of_form, one_at_a_time
from portal.office_hours.actions.wishes import check_wish
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Slot, Withdrawal
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.rules.links import shown
from portal.office_hours.states import BookingState, Source


class Wish(NamedTuple):
    """What a participant asks for. The same `key` twice is the same request, sent again."""

    key: str
    topic: str
    scenario_id: int | None = None
    component: str = ""

    def columns(self) -> dict[str, Any]:
        """As columns of a booking."""
        return {
            "topic": self.topic, "scenario_id": self.scenario_id, "component": self.component,
        }  # fmt: skip


def book_slot(
    session: Session, slot: Slot, member: Member, wish: Wish, *, at: datetime, sender: Sender | None,
    hold_until: datetime | None = None, source: Source = Source.PAGE, by: int | None = None, overrule: str = "",
) -> Booking:  # fmt: skip
    """Take a seat for the member's participant; with `hold_until`, only hold it until then, without telling anyone.

    A seat that is held for them in this slot while they fill in the form becomes the booking. `by` is who of the staff
    does it; the reason why they `overrule` notice and advance is kept. Raises Refused where a rule or the quota says
    no, Invalid where the wish makes no sense for the slot, Conflict where the last seat went to somebody else.
    """
    one_at_a_time(session, member.participant_id)
    sent = _same_request(session, member.participant_id, wish.key)
    if sent is not None:
        return queries.whole_booking(session, sent)
    check_wish(session, slot.id, wish)
    held = queries.hold_of(session, member.participant_id, at)
    if held is not None and held.slot_id == slot.id and source is not Source.WAITLIST:
        if hold_until is not None:
            return queries.whole_booking(session, held.id)
        return _settle(session, held, member, wish, at=at, sender=sender, source=source, by=by)
    if held is not None and source in states.OWN_HAND:
        let_go_of_form(session, member.participant_id, at)
    place = find_place(session, slot.id, member.participant_id, at, source, overrule=overrule)
    booking = _add(session, _new(member, wish, place, at, hold_until, source, by))
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


def _add(session: Session, booking: Booking) -> Booking:
    session.add(booking)
    with conflicts():
        session.flush()
    return booking


def _settle(
    session: Session, held: Booking, member: Member, wish: Wish, *, at: datetime, sender: Sender | None,
    source: Source, by: int | None,
) -> Booking:  # fmt: skip
    """Make a booking of the seat that was held while the form was open, whoever of the participant's people held it."""
    quota_no = None if source is Source.FOLLOW_UP else held.quota_no
    with conflicts():
        take(session, held, states.CONFIRM, at=at, hold_expires_at=None, changed_at=at, booked_at=at, source=source,
             quota_no=quota_no, account_id=member.account_id, booked_by_id=by, idempotency_key=wish.key,
             **wish.columns())  # fmt: skip
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
    one_at_a_time(session, booking.participant_id)
    old = queries.whole_booking(session, booking.id)
    before, old_hosts = {"slot": old.slot_id, "starts_at": old.starts_at}, hosts_of(old.slot)
    series = old.slot.sitting.series
    reason = rules.why_not_reschedule(old, series, at, overruled=bool(overrule))
    if reason:
        raise Refused(reason)
    if slot.id == old.slot_id:
        return old
    if source in states.OWN_HAND:
        let_go_of_form(session, old.participant_id, at)
    way = Source.FOLLOW_UP if old.source is Source.FOLLOW_UP else source
    place = find_place(session, slot.id, old.participant_id, at, way, moving=old, overrule=overrule)
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


def settle_booking(
    session: Session, booking: Booking, move: Move[BookingState], reason: str, *, by: int | None, at: datetime,
    sender: Sender | None,
) -> Booking:  # fmt: skip
    """End a booking without fault of the participant, who gets the credit again: no question came in time (nobody's
    act), or a written answer will do.
    """
    return _end(session, queries.whole_booking(session, booking.id), move, by=by, at=at, sender=sender, reason=reason)


def mark_booking(
    session: Session, booking: Booking, move: Move[BookingState], *, by: int, at: datetime, sure: bool = False
) -> None:
    """Note, as its host, whether the person was there. Who has checked in was missing only if the host is `sure`."""
    reason = rules.why_not_mark(booking, at)
    if reason:
        raise Refused(reason)
    if move is states.MISS:
        refuse_missing(session, booking, at, sure=sure)
    slot, before = booking.slot, booking.state
    take(session, booking, move, at=at)
    _note(session, move.name, booking, slot, by=by, at=at, before={"state": before})


def _same_request(session: Session, participant_id: int, key: str) -> int | None:
    return session.scalars(
        sa.select(Booking.id).where(Booking.participant_id == participant_id, Booking.idempotency_key == key)
    ).one_or_none()


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
    session: Session, booking: Booking, move: Move[BookingState], *, by: int | None, at: datetime,
    sender: Sender | None, reason: str | None = None, actor: str = "",
) -> Booking:  # fmt: skip
    was_held = booking.state is BookingState.HELD
    sequence = booking.sequence + 1
    take(session, booking, move, at=at, sequence=sequence, changed_at=at, hold_expires_at=None)
    ended = queries.whole_booking(session, booking.id)
    _note(session, move.name, ended, ended.slot, by=by, at=at, reason=reason)
    turn_slots(session, [ended.slot] if not was_held and shown(ended.starts_at, ended.ends_at, at) else [], at=at)
    if not was_held:
        credit = ended.state not in states.COUNTED
        tell(session, ended, "cancelled", at=at, sender=sender, reason=reason or "", credit=credit, actor=actor)
    return ended


def _note(
    session: Session, verb: str, booking: Booking, slot: Slot, *, by: int | None, at: datetime,
    before: dict[str, object] | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    """The audit entry: which slot and seat, never what about."""
    audit.record(
        session, f"office_hours:{verb}", f"booking:{booking.id}", by=by, at=at,
        scope=slot.sitting.series.challenge.slug, before=before, reason=reason,
        after={"state": booking.state, "slot": slot.id, "starts_at": slot.starts_at, "source": booking.source},
    )  # fmt: skip
