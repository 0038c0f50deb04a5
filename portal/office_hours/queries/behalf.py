"""What staff see of bookings that they make, move and cancel for participants."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant, Signature
from portal.challenges.queries import current_agreement
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.office_hours.models import Amnesty, Booking, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by, one, whole_booking_options
from portal.office_hours.queries.sittings import Offer, ids_of, offers
from portal.office_hours.states import BookingState


def _bookings(challenge_id: int, host_id: int | None) -> sa.Select[Booking]:
    """Bookings of a challenge; with a host, those in their slots and those that they have made."""
    rows = (
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(*whole_booking_options())
        .where(Series.challenge_id == challenge_id)
    )
    return rows if host_id is None else rows.where(sa.or_(held_by(host_id), Booking.booked_by_id == host_id))


def coming_bookings(session: Session, challenge_id: int, host_id: int | None, at: datetime) -> Sequence[Booking]:
    """The confirmed bookings that have not begun, the next one first; of one host, or (None) of all."""
    rows = _bookings(challenge_id, host_id).where(Booking.state == BookingState.CONFIRMED, Booking.starts_at > at)
    return session.scalars(rows.order_by(Booking.starts_at, Booking.id)).all()


def booking_for_staff(session: Session, challenge_id: int, host_id: int | None, uid: str) -> Booking:
    """One booking, for its hosts and who made it, or (None) for the lead. Raises NotFound."""
    told = Booking.state.not_in([BookingState.HELD, BookingState.EXPIRED])
    return one(session, _bookings(challenge_id, host_id).where(Booking.uid == uid, told), "booking")


def free_slots(
    session: Session, challenge_id: int, host_id: int | None, since: datetime, before: datetime
) -> list[Offer]:
    """The slots with a free seat that start in a span; of one host, or (None) of all."""
    found = offers(session, challenge_id, since, before)
    return [
        offer
        for offer in found
        if offer.taken < offer.seats and not offer.slot.collides and host_id in (None, *ids_of(offer.slot))
    ]


def bookable_members(session: Session, challenge_id: int) -> Sequence[Member]:
    """Everybody for whom can be booked: people of active participants who have signed, by participant and name."""
    agreement = current_agreement(session, challenge_id)
    signed = sa.select(Signature.account_id).where(Signature.agreement_id == (agreement.id if agreement else 0))
    return session.scalars(
        sa.select(Member)
        .join(Member.participant)
        .join(Member.account)
        .options(joinedload(Member.participant), joinedload(Member.account))
        .where(
            Member.challenge_id == challenge_id,
            Participant.state == ParticipantState.ACTIVE,
            Account.active,
            Member.account_id.in_(signed) if agreement else sa.true(),
        )
        .order_by(sa.func.lower(Participant.name), sa.func.lower(Account.name), Member.id)
    ).all()


def bookable_member(session: Session, challenge_id: int, member_id: int) -> Member:
    """One of them. Raises NotFound."""
    found = next((each for each in bookable_members(session, challenge_id) if each.id == member_id), None)
    if found is None:
        raise NotFound("participant")
    return found


def amnesty_of(session: Session, sitting_id: int) -> Amnesty | None:
    """Why nobody's absence from a session counts."""
    return session.scalars(sa.select(Amnesty).where(Amnesty.sitting_id == sitting_id)).one_or_none()


def participants_named(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Participants' names."""
    return dict(session.execute(sa.select(Participant.id, Participant.name).where(Participant.id.in_(ids))).all())
