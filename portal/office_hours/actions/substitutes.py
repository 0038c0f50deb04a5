"""Substitutes: somebody else holds a slot, and the bookings in it stay what they are."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.office_hours import queries
from portal.office_hours.actions.links import turn_slots
from portal.office_hours.actions.mails import people_of, release, tell_one
from portal.office_hours.actions.slots import live_in
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Slot, SlotHost
from portal.office_hours.queries.rotation import lock_hosts
from portal.office_hours.queries.substitutes import candidates
from portal.office_hours.states import BookingState, SlotState


def substitute(
    session: Session, slots: Sequence[Slot], old: Account | None, new_id: int, *,
    by: int, at: datetime, sender: Sender | None,
) -> int:  # fmt: skip
    """Let `new_id` hold whole slots of one session instead of `old`, in whose place they come; how many bookings stay.

    Without `old` they come as the second engineer. Each booking keeps its uid: `old` gets a CANCEL, the new one an
    invitation, the others an update. Raises Refused with what keeps them from it, Conflict if somebody was first.
    """
    if not slots:
        raise Conflict("Somebody has just changed these slots. Look at the session again.")
    if any(slot.starts_at <= at for slot in slots):
        raise Refused("It has begun.")
    lock_hosts(session, {new_id, *([old.id] if old else [])})
    found = next((one for one in candidates(session, slots, lock=True) if one.account.id == new_id), None)
    if found is None:
        raise Refused("Only hosts of this challenge can hold its office hours.")
    if found.why_not:
        raise Refused(f"{found.account.name} {found.why_not}.")
    ids, sitting = [slot.id for slot in slots], slots[0].sitting
    for slot in slots:
        _change(session, slot, old.id if old else None, new_id)
        session.expire(slot)
    if old is not None:
        turn_slots(session, slots, at=at)
    bookings = [booking for booking in live_in(session, ids) if booking.state is BookingState.CONFIRMED]
    for booking in bookings:
        _tell(session, booking, old, new_id, at=at, sender=sender)
    audit.record(
        session, "office_hours:substitute", f"session:{sitting.id}", by=by, at=at, scope=sitting.series.challenge.slug,
        before={"host": old.id if old else None}, after={"host": new_id, "slots": ids, "bookings": len(bookings)},
    )  # fmt: skip
    return len(bookings)


def _change(session: Session, slot: Slot, old_id: int | None, new_id: int) -> None:
    """Compare and set: the slot is open and `old_id` still has the place."""
    with conflicts():
        if old_id == slot.host_id:
            first = sa.update(Slot).where(Slot.id == slot.id, Slot.host_id == old_id, Slot.state == SlotState.OPEN)
            done = session.scalars(first.values(host_id=new_id).returning(Slot.id), execution_options=_QUIET).all()
        elif old_id is None:
            done = _second(session, slot.id, new_id)
        else:
            second = sa.update(SlotHost).where(
                SlotHost.slot_id == slot.id, SlotHost.account_id == old_id, SlotHost.live
            )
            changed = second.values(account_id=new_id).returning(SlotHost.slot_id)
            done = session.scalars(changed, execution_options=_QUIET).all()
    if not done:
        raise Conflict("Somebody has just changed this slot. Look at the session again.")


_QUIET = {"synchronize_session": False}


def _second(session: Session, slot_id: int, new_id: int) -> Sequence[int]:
    """Put somebody into the second place of an open slot, if nobody is there. The slot is locked meanwhile."""
    free = sa.select(Slot).where(
        Slot.id == slot_id, Slot.state == SlotState.OPEN,
        ~sa.exists().where(SlotHost.slot_id == slot_id),
    )  # fmt: skip
    slot = session.scalars(free.with_for_update(key_share=True, of=Slot)).one_or_none()
    if slot is None:
        return []
    session.execute(
        sa.insert(SlotHost).values(
            slot_id=slot_id, account_id=new_id, busy_from=slot.busy_from, busy_until=slot.busy_until, live=True
        )
    )
    return [slot_id]


def _tell(
    session: Session, booking: Booking, old: Account | None, new_id: int, *, at: datetime, sender: Sender | None
) -> None:
    booking.sequence, booking.changed_at = booking.sequence + 1, at
    session.flush()
    session.expire(booking)
    whole = queries.whole_booking(session, booking.id)
    for person in people_of(whole):
        tell_one(session, whole, person, "booked" if person.id == new_id else "substituted", at=at, sender=sender)
    if old is not None:
        release(session, whole, old, at=at, sender=sender)
