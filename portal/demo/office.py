"""Office hours of the demonstration: three weekly series in three zones, booked, held and sometimes missed."""

from datetime import datetime, time, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.core.errors import PortalError
from portal.demo.bookings import show_bookings
from portal.demo.days import add_days
from portal.demo.exceptions import make_exceptions
from portal.demo.waiting import make_waiting
from portal.demo.world import Stage, World
from portal.office_hours import actions, states
from portal.office_hours.actions.bookings import Wish
from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.rules import Plan, Share
from portal.office_hours.states import BookingState
from portal.office_hours.time import Weekly

# Weekday (Monday is 0), local start, zone and host: so that everybody's waking hours are met by one of them.
SERIES = (
    (1, time(9), "America/Los_Angeles", "host1"),
    (2, time(15), "Europe/Berlin", "host2"),
    (3, time(17), "Asia/Tokyo", "host3"),
)
# How long before a slot its question is due, in minutes.
DUE = {"host2": 24 * 60}
# What they know, as participants read it.
KNOWN = {"host1": ("kernel", "boot"), "host2": ("networking", "manifest"), "host3": ("secure world", "updates")}
TOPICS = (
    "Reading the boot log", "Which partitions are verified, and when", "Debug capability on a claimed device",
    "Limits of the application manifest", "Building the kernel from source", "How the firewall rules are compiled",
    "Reproducing a crash on build {build}", "What counts as DeviceComplete", "Questions before a report",
    "Memory layout of the secure world", "Over-the-air update: order of steps", "Serial console on the dev kit",
)  # fmt: skip
# Of every hundred bookings of the past, so many were given back in time, and so many missed.
GIVEN_BACK, MISSED = 8, 4


class Plans(NamedTuple):
    """Who asks for a slot and when."""

    at: datetime
    slot: int
    who: int


def add_office_hours(world: World, stage: Stage, first: datetime, last: datetime, *, eagerness: float) -> None:
    """Make the series and their sessions between two instants, and book about so large a part of the slots."""
    for weekday, start, zone, host in SERIES:
        day = first.date() + timedelta(days=(weekday - first.weekday()) % 7)
        plan = Plan(
            title=f"Office hours, {zone.partition('/')[2].replace('_', ' ')}",
            rule=Weekly(datetime.combine(day, start), zone, until=last.date()),
            hosts=(Share(world.staff[host], components=KNOWN[host]),),
            slots=6,
            slot_minutes=20,
            buffer_after=5,
            rolling_cap=3,
            question_due_minutes=DUE.get(host),
        )
        made = actions.create_series(world.session, stage.challenge, plan, by=world.staff[host], at=first)
        actions.materialise(world.session, made.id, since=first, before=last, at=first)
    _book(world, stage, eagerness)
    make_exceptions(world, stage)
    _hold(world, stage)
    add_days(world, stage)
    show_bookings(world, stage)
    make_waiting(world, stage)


def _slots(world: World, stage: Stage) -> list[Slot]:
    return list(
        world.session.scalars(
            sa.select(Slot)
            .join(Sitting, Sitting.id == Slot.sitting_id)
            .join(Series, Series.id == Sitting.series_id)
            .where(Series.challenge_id == stage.challenge.id)
            .order_by(Slot.starts_at, Slot.id)
        )
    )


def _book(world: World, stage: Stage, eagerness: float) -> None:
    slots = _slots(world, stage)
    plans = []
    for number, slot in enumerate(slots):
        if world.random.random() < eagerness:
            at = slot.starts_at - world.minutes(3 * 60, 9 * 24 * 60)
            if at < world.now:
                plans.append(Plans(at, number, world.random.randrange(len(stage.participants))))
    handles = {world.staff[handle]: handle for handle in KNOWN}
    for count, plan in enumerate(sorted(plans)):
        member = stage.participants[plan.who][0]
        known = KNOWN[handles[slots[plan.slot].host_id]]
        topic = world.random.choice(TOPICS).format(build=world.random.choice(("20.05", "20.06", "20.07")))
        wish = Wish(key=f"demo-{stage.slug}-{count}", topic=topic, component=known[count % 3] if count % 3 < 2 else "")
        try:
            with world.session.begin_nested():
                actions.book_slot(world.session, slots[plan.slot], member, wish, at=plan.at, sender=world.sender)
        except PortalError:
            continue  # twice in a week, or at two places at once: so it goes


def _hold(world: World, stage: Stage) -> None:
    """What became of the bookings whose time has come."""
    over = world.session.scalars(
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Sitting, Sitting.id == Slot.sitting_id)
        .join(Series, Series.id == Sitting.series_id)
        .where(
            Series.challenge_id == stage.challenge.id,
            Booking.state == BookingState.CONFIRMED,
            Booking.ends_at < world.now,
        )
        .options(joinedload(Booking.slot).joinedload(Slot.sitting).joinedload(Sitting.series))
        .order_by(Booking.starts_at, Booking.id)
    ).all()
    for booking in over:
        host, chance = booking.slot.host_id, world.random.randrange(100)
        if chance < GIVEN_BACK:
            at = max(booking.booked_at, booking.starts_at - world.minutes(60, 3 * 24 * 60))
            actions.cancel_booking(world.session, booking, by=booking.account_id, at=at, sender=world.sender)
            continue
        step = states.MISS if chance < GIVEN_BACK + MISSED else states.ATTEND
        actions.mark_booking(world.session, booking, step, by=host, at=booking.ends_at)
