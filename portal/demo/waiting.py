"""People who wait for a seat of the demonstration's office hours: one session is full, one of its seats was freed."""

from datetime import timedelta

import sqlalchemy as sa

from portal.challenges.models import Member
from portal.core.errors import PortalError
from portal.demo.world import Stage, World
from portal.office_hours import actions
from portal.office_hours.actions import waiting
from portal.office_hours.actions.bookings import Wish, withdraw_booking
from portal.office_hours.models import Booking, Series, Sitting, Slot, Withdrawal
from portal.office_hours.queries import whole_booking
from portal.office_hours.queries.rounds import why_not_yet
from portal.office_hours.queries.sittings import free_seats
from portal.office_hours.queries.waiting import candidates, slots_in
from portal.office_hours.states import BookingState, SittingState, Source

TOPICS = ("Crash while the image is verified", "How capabilities are checked", "What the firewall logs",
          "Reading a memory dump", "Which keys the device keeps")  # fmt: skip
AHEAD, LATEST = timedelta(days=2), timedelta(days=10)


def make_waiting(world: World, stage: Stage) -> None:
    """Fill one of the coming sessions, let people wait for it, take one booking back, and free a seat."""
    rows = world.session.scalars(
        sa.select(Sitting.id)
        .join(Sitting.series)
        .where(
            Series.challenge_id == stage.challenge.id, Sitting.state == SittingState.PLANNED,
            Sitting.starts_at > world.now + AHEAD, Sitting.starts_at < world.now + LATEST,
        )
        .order_by(Sitting.starts_at)
    ).all()  # fmt: skip
    sessions = (list(slots_in(world.session, sitting_id)) for sitting_id in rows)
    slots = next((each for each in sessions if each and not why_not_yet(world.session, each[0], world.now)), None)
    if slots is None:
        return
    # Those who came last have had fewest seats.
    people = [members[0] for members in reversed(stage.participants)]
    _fill(world, slots, people)
    _take_back(world, slots)
    _join(world, slots, people)
    _free(world, slots)


def _fill(world: World, slots: list[Slot], people: list[Member]) -> None:
    """Book what is free for the first who can; whoever is asked is not asked again."""
    at = world.now - timedelta(hours=30)
    for slot in slots:
        while people and free_seats(world.session, slot, at):
            member = people.pop(0)
            wish = Wish(f"demo-full-{slot.id}", TOPICS[slot.position % len(TOPICS)])
            try:
                with world.session.begin_nested():
                    actions.book_slot(
                        world.session, slot, member, wish, at=at, sender=world.sender, source=Source.STAFF,
                        by=slot.host_id,
                    )  # fmt: skip
            except PortalError:
                continue  # has been here or there that week


def _take_back(world: World, slots: list[Slot]) -> None:
    """A host could not come to one slot of another session: whoever had booked it is owed a seat."""
    taken = world.session.scalars(
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .where(
            Slot.sitting_id != slots[0].sitting_id, Booking.state == BookingState.CONFIRMED,
            Booking.starts_at > world.now + AHEAD,
            Booking.quota_period == _week(world, slots),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(1)
    ).one_or_none()  # fmt: skip
    if taken is not None:
        withdraw_booking(
            world.session, whole_booking(world.session, taken.id), "Called to an incident.",
            by=slots[0].host_id, at=world.now - timedelta(hours=26), sender=world.sender,
        )  # fmt: skip


def _week(world: World, slots: list[Slot]) -> str | None:
    own = sa.select(Booking.quota_period).where(Booking.slot_id.in_([slot.id for slot in slots])).limit(1)
    return world.session.scalars(own).one_or_none()


def _join(world: World, slots: list[Slot], people: list[Member]) -> None:
    """Whoever is owed a seat, and four who came too late; one of them wants the last slot only."""
    owed = world.session.scalars(
        sa.select(Member)
        .join(Booking, Booking.account_id == Member.account_id)
        .where(
            Member.participant_id == Booking.participant_id,
            Booking.id.in_(sa.select(Withdrawal.booking_id)),
            Booking.quota_period == _week(world, slots),
        )
        .order_by(Booking.state_since.desc())
        .limit(1)
    ).all()
    joined = 0
    for number, member in enumerate([*owed, *people]):
        at = world.now - timedelta(hours=25) + timedelta(hours=3 * joined)
        wanted = slots[-1:] if joined == 2 else []
        try:
            with world.session.begin_nested():
                wish = Wish("", TOPICS[number % len(TOPICS)])
                waiting.join_list(world.session, slots[0].sitting, wanted, member, wish, at=at)
        except PortalError:
            continue  # has something else that week
        joined += 1
        if joined == 5:
            return


def _free(world: World, slots: list[Slot]) -> None:
    """Somebody gives a seat back, and it is kept for the next one."""
    at = world.now - timedelta(minutes=50)
    given = world.session.scalars(
        sa.select(Booking)
        .where(Booking.slot_id == slots[0].id, Booking.state == BookingState.CONFIRMED)
        .order_by(Booking.id)
        .limit(1)
    ).one_or_none()
    if given is None:
        return
    actions.cancel_booking(world.session, given, by=given.account_id, at=at, sender=world.sender)
    world.session.expire_all()
    slot = slots_in(world.session, slots[0].sitting_id)[0]
    found = candidates(world.session, slot, at)
    if found:
        waiting.offer_seat(world.session, slot, found[0], at=at, sender=world.sender)
