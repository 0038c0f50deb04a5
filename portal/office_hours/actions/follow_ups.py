"""A seat that hosts give: to come again, outside of the quota."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.errors import Refused
from portal.office_hours.actions.bookings import Wish, book_slot
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Slot
from portal.office_hours.queries.follow_ups import member_for
from portal.office_hours.states import BookingState, Source

COMES_AGAIN = frozenset({BookingState.CONFIRMED, BookingState.ATTENDED})


def follow_up(
    session: Session, booking: Booking, slot: Slot, topic: str, key: str, *, by: int, at: datetime,
    sender: Sender | None,
) -> Booking:  # fmt: skip
    """Give whoever made a booking a seat in a coming slot, besides what their quota allows; they are invited.

    The same `key` twice is the same seat. Capacity and overlaps count as for everybody.
    """
    if booking.state not in COMES_AGAIN:
        raise Refused(f"This booking is {booking.state.replace('_', ' ')}; nothing follows from it.")
    member: Member | None = member_for(session, booking)
    if member is None:
        raise Refused("Nobody of this participant takes part any more.")
    wish = Wish(key=key, topic=topic, scenario_id=booking.scenario_id)
    return book_slot(session, slot, member, wish, at=at, sender=sender, source=Source.FOLLOW_UP, by=by)
