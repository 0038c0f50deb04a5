"""Finding the way into meetings."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours.models import Booking, MeetingLink, SeriesHost, Sitting, Slot
from portal.office_hours.queries.base import held_by, whole_booking_options
from portal.office_hours.rules.links import Way, way_of
from portal.office_hours.states import BookingState


def ways(session: Session, slots: Collection[Slot]) -> dict[int, Way]:
    """The way into each slot, whose session is loaded."""
    links = session.scalars(
        sa.select(MeetingLink)
        .where(
            sa.or_(
                MeetingLink.slot_id.in_({slot.id for slot in slots}),
                MeetingLink.sitting_id.in_({slot.sitting_id for slot in slots}),
                MeetingLink.series_id.in_({slot.sitting.series_id for slot in slots}),
            )
        )
        .execution_options(populate_existing=True)
    ).all()
    of_slot = {link.slot_id: link for link in links if link.slot_id is not None}
    of_sitting = {link.sitting_id: link for link in links if link.sitting_id is not None}
    of_series = {link.series_id: link for link in links if link.series_id is not None}
    found = {}
    for slot in slots:
        nearest = (of_slot.get(slot.id), of_sitting.get(slot.sitting_id), of_series.get(slot.sitting.series_id))
        found[slot.id] = way_of([link for link in nearest if link is not None])
    return found


def link_at(session: Session, place: str, number: int) -> MeetingLink | None:
    """The link that was given for a "series_id", "sitting_id" or "slot_id" itself; locked."""
    column = getattr(MeetingLink, place)
    return session.scalars(
        sa.select(MeetingLink)
        .where(column == number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def slots_at(place: str, number: int) -> sa.Select[int]:
    """The slots of a series or a session, or the one slot, as a subquery."""
    column = {"series_id": Sitting.series_id, "sitting_id": Slot.sitting_id, "slot_id": Slot.id}[place]
    return sa.select(Slot.id).join(Slot.sitting).where(column == number)


def booked_in(
    session: Session, slot_ids: Collection[int] | sa.Select[int], still: sa.ColumnElement[bool]
) -> Sequence[Booking]:
    """The confirmed bookings of slots, whole, of which `still` holds besides."""
    return session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(Booking.slot_id.in_(slot_ids), Booking.state == BookingState.CONFIRMED, still)
        .order_by(Booking.starts_at, Booking.id)
        .execution_options(populate_existing=True)
    ).all()


def is_host_of(session: Session, place: str, number: int, account_id: int) -> bool:
    """Whether the person is a host of the series, or holds a slot of the session, or the slot."""
    if place == "series_id":
        return session.get(SeriesHost, (number, account_id)) is not None
    column = {"sitting_id": Slot.sitting_id, "slot_id": Slot.id}[place]
    held = sa.select(Slot.id).where(column == number, held_by(account_id)).limit(1)
    return session.scalars(held).one_or_none() is not None
