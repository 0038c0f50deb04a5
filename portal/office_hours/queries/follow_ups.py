"""Where somebody could come again, and who that is."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant
from portal.challenges.states import MemberRole, ParticipantState
from portal.office_hours.models import Booking
from portal.office_hours.queries.sittings import Offer, ids_of, offers
from portal.office_hours.states import LIVE

AHEAD = timedelta(weeks=8)


def member_for(session: Session, booking: Booking) -> Member | None:
    """Who comes again: the person who booked, or the lead of the participant if that person has left."""
    people = session.scalars(
        sa.select(Member)
        .join(Participant, Participant.id == Member.participant_id)
        .join(Account, Account.id == Member.account_id)
        .where(
            Member.participant_id == booking.participant_id,
            Participant.state == ParticipantState.ACTIVE,
            Account.active,
        )
        .order_by(Member.account_id != booking.account_id, Member.role != MemberRole.LEAD, Member.id)
        .limit(1)
    )
    return people.one_or_none()


def free_for(session: Session, booking: Booking, account_id: int, at: datetime) -> Sequence[Offer]:
    """The coming slots with a free seat, when the participant has nothing else; those that the person holds first."""
    challenge_id = booking.slot.sitting.series.challenge_id
    taken = session.execute(
        sa.select(Booking.starts_at, Booking.ends_at).where(
            Booking.participant_id == booking.participant_id, Booking.state.in_(LIVE), Booking.ends_at > at
        )
    ).all()
    free = [
        offer
        for offer in offers(session, challenge_id, at, at + AHEAD)
        if offer.taken < offer.seats
        and not offer.slot.collides
        and not any(offer.slot.starts_at < until and offer.slot.ends_at > since for since, until in taken)
    ]
    return sorted(free, key=lambda offer: (account_id not in ids_of(offer.slot), offer.slot.starts_at, offer.slot.id))
