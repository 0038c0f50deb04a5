"""Slots: made for a session by rotation, closed, and opened anew at another time.

A slot is a time with somebody. Moved, it is another slot: whoever still looks at the old one cannot book a time that
they have not seen.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.core.moves import take
from portal.office_hours import rules, states
from portal.office_hours.models import Booking, Seat, Series, Sitting, Slot, SlotHost
from portal.office_hours.rules.rotation import HostLoad, next_hosts
from portal.office_hours.states import LIVE, BookingState, SlotState
from portal.office_hours.time import iso_week


def fill(session: Session, sitting: Sitting, series: Series, hosts: Sequence[HostLoad], after: int = 0) -> list[Slot]:
    """Make the slots of a session that somebody is free to hold; where nobody is, there is none.

    `after` is the last position that the session has used already.
    """
    week, slots = iso_week(sitting.starts_at, series.zone), []
    for place in rules.layout(sitting.starts_at, series):
        engineers = next_hosts(hosts, place.busy, week, series.engineers)
        if engineers:
            slot = Slot(
                sitting_id=sitting.id, position=after + place.position, host_id=engineers[0].account_id,
                state=SlotState.OPEN, starts_at=place.slot.since, ends_at=place.slot.until,
                busy_from=place.busy.since, busy_until=place.busy.until,
            )  # fmt: skip
            slot.seconds = [second_of(slot, load.account_id) for load in engineers[1:]]
            slots.append(slot)
    session.add_all(slots)
    session.flush()
    session.add_all(Seat(slot_id=slot.id, seat_no=number + 1) for slot in slots for number in range(series.seats))
    session.flush()
    return slots


def second_of(slot: Slot, account_id: int) -> SlotHost:
    """A second engineer for the slot."""
    return SlotHost(account_id=account_id, busy_from=slot.busy_from, busy_until=slot.busy_until, live=True)


def last_position(session: Session, sitting_id: int) -> int:
    """The last position that slots of the session have, whatever became of them."""
    highest = sa.select(sa.func.max(Slot.position)).where(Slot.sitting_id == sitting_id)
    return session.scalars(highest).one() or 0


def open_slots(session: Session, sitting_ids: Iterable[int], *, lock: bool = False) -> Sequence[Slot]:
    """The open slots of sessions as they are now, in order, with their second engineers.

    With `lock`, bookings that are being made in them are waited for, and later ones wait.
    """
    rows = (
        sa.select(Slot)
        .options(selectinload(Slot.seconds))
        .where(Slot.sitting_id.in_(sitting_ids), Slot.state == SlotState.OPEN)
        .order_by(Slot.id)
    )
    slots = session.scalars(
        rows.with_for_update(key_share=True, of=Slot) if lock else rows,
        execution_options={"populate_existing": True},
    ).all()
    return sorted(slots, key=lambda slot: (slot.starts_at, slot.id))


def close_slots(session: Session, slots: Iterable[Slot]) -> None:
    """Close slots. A booking that is being made holds its slot: this waits for it, and the next one finds it closed."""
    slots = list(slots)
    session.execute(
        sa.update(Slot)
        .where(Slot.id.in_([slot.id for slot in slots]))
        .values(state=SlotState.CANCELLED)
        .execution_options(synchronize_session=False)
    )
    for slot in slots:
        set_committed_value(slot, "state", SlotState.CANCELLED)


def open_anew(session: Session, slots: Sequence[Slot], by: timedelta, after: int) -> dict[int, Slot]:
    """Open closed slots again, so much later, with the same people and seats; the new ones by the old ones' ids."""
    made: dict[int, Slot] = {}
    for number, old in enumerate(slots, start=1):
        slot = Slot(
            sitting_id=old.sitting_id, position=after + number, host_id=old.host_id, state=SlotState.OPEN,
            starts_at=old.starts_at + by, ends_at=old.ends_at + by,
            busy_from=old.busy_from + by, busy_until=old.busy_until + by,
        )  # fmt: skip
        slot.seconds = [second_of(slot, second.account_id) for second in old.seconds]
        made[old.id] = slot
    session.add_all(made.values())
    session.flush()
    seats = session.execute(sa.select(Seat.slot_id, Seat.seat_no).where(Seat.slot_id.in_(made))).all()
    session.add_all(Seat(slot_id=made[slot_id].id, seat_no=seat_no) for slot_id, seat_no in seats)
    session.flush()
    return made


def live_in(session: Session, slot_ids: Iterable[int]) -> Sequence[Booking]:
    """The bookings that take up seats of slots, as they are now."""
    return session.scalars(
        sa.select(Booking)
        .where(Booking.slot_id.in_(slot_ids), Booking.state.in_(LIVE))
        .order_by(Booking.id)
        .execution_options(populate_existing=True)
    ).all()


def carry(session: Session, slots: Sequence[Slot], by: timedelta, at: datetime) -> list[int]:
    """Open closed slots at their new time and put their bookings there; a mere hold is let go. Which went along."""
    new = open_anew(session, slots, by, last_position(session, slots[0].sitting_id)) if slots else {}
    went = []
    for booking in live_in(session, new):
        if booking.state is BookingState.HELD:
            take(session, booking, states.EXPIRE, at=at, hold_expires_at=None)
            continue
        slot = new[booking.slot_id]
        # It still counts for the week for which it was booked: a host's move costs nobody a place in another one.
        moved = session.scalars(
            sa.update(Booking)
            .where(Booking.id == booking.id, Booking.state == BookingState.CONFIRMED)
            .values(
                slot_id=slot.id, starts_at=slot.starts_at, ends_at=slot.ends_at, sequence=Booking.sequence + 1,
                changed_at=at,
            )
            .returning(Booking.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()  # fmt: skip
        if moved is not None:
            went.append(moved)
    return went
