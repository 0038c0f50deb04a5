"""What there is to do about office hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.office_hours.models import Booking, HostKey, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by
from portal.office_hours.queries.bookings import bookings_of, quota_used
from portal.office_hours.queries.sittings import offers
from portal.office_hours.queries.zones import warned
from portal.office_hours.rules.questions import WARN_BEFORE
from portal.office_hours.states import BookingState, SlotState, Source
from portal.office_hours.time import iso_week


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a participant should know: seats kept for them, the next booking, or that this week has free seats."""
    challenge = session.get_one(Challenge, member.challenge_id)
    page = f"/challenges/{challenge.slug}/office-hours"
    bookings = bookings_of(session, member.participant_id, at)
    kept = [
        Task("Take the seat that is kept for you, or let it go", f"{page}/offers/{booking.uid}",
             booking.hold_expires_at, "Office hours: unanswered, it goes to the next one who waits")
        for booking in bookings
        if booking.state is BookingState.HELD and booking.source is Source.WAITLIST
    ]  # fmt: skip
    return [*kept, *_booked_or_bookable(session, challenge, member, bookings, at)]


def _booked_or_bookable(
    session: Session, challenge: Challenge, member: Member, bookings: Sequence[Booking], at: datetime
) -> list[Task]:
    page = f"/challenges/{challenge.slug}/office-hours"
    booked = [booking for booking in bookings if booking.state is BookingState.CONFIRMED]
    if booked:
        first = booked[0]
        label = f"Office hours with {first.slot.host.name or 'the security team'}"
        return [Task(label, f"{page}/bookings/{first.uid}", first.starts_at, first.topic)]
    week = iso_week(at, challenge.zone)
    if quota_used(session, member.participant_id, [week])[week]:
        return []
    open_now = [
        offer
        for offer in offers(session, challenge.id, at, at + timedelta(days=7))
        if offer.taken < offer.seats
        and not offer.slot.collides
        and at <= offer.slot.starts_at - offer.slot.sitting.series.notice
        and iso_week(offer.slot.starts_at, challenge.zone) == week
    ]
    if not open_now:
        return []
    last = open_now[-1].slot
    detail = "1 slot is free" if len(open_now) == 1 else f"{len(open_now)} slots are free"
    return [Task("Book this week's office hours", page, last.starts_at - last.sitting.series.notice, detail)]


def queues(session: Session, challenge: Challenge, account: Account, at: datetime) -> list[Queue]:
    """What waits for a host: bookings that are over and not yet marked, and those of the coming week."""
    page = f"/staff/{challenge.slug}/office-hours"
    own = (
        sa.select(sa.func.count(), sa.func.min(Booking.ends_at))
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(
            Series.challenge_id == challenge.id,
            held_by(account.id),
            Booking.state == BookingState.CONFIRMED,
        )
    )
    unmarked, oldest = session.execute(own.where(Booking.ends_at <= at)).one()
    coming, _ = session.execute(own.where(Booking.ends_at > at, Booking.starts_at <= at + timedelta(days=7))).one()
    wanting = _certificate_wanted(session, challenge, account, at)
    return [
        Queue("Office hours to mark", f"{page}?show=past", unmarked, oldest),
        Queue("Your office hours in the next 7 days", page, coming),
        Queue("Your certificate: missing, or about to expire", f"{page}/certificate", int(wanting)),
    ]


def unserved(session: Session, challenge: Challenge, at: datetime) -> Queue:
    """How many participants no session of four weeks meets by day."""
    page = f"/staff/{challenge.slug}/office-hours/zones"
    return Queue("Participants without office hours by day", f"{page}#warned", len(warned(session, challenge.id, at)))


def _certificate_wanted(session: Session, challenge: Challenge, account: Account, at: datetime) -> bool:
    """Whether the person holds coming slots, and has no certificate that lasts another month."""
    good = sa.exists().where(
        HostKey.account_id == account.id,
        HostKey.retired_at.is_(None),
        sa.or_(HostKey.expires_at.is_(None), HostKey.expires_at > at + WARN_BEFORE),
    )
    holds = (
        sa.select(Slot.id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(
            Series.challenge_id == challenge.id, held_by(account.id), Slot.state == SlotState.OPEN,
            Slot.starts_at > at, ~good,
        )
    )  # fmt: skip
    return session.scalars(holds.limit(1)).one_or_none() is not None
