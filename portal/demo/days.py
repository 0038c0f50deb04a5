"""The day of a session in the demonstration: who is there, what was noted and promised, and answers for all."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.core.errors import PortalError
from portal.demo.world import Stage, World
from portal.office_hours import actions, states
from portal.office_hours.actions import answers, notes
from portal.office_hours.actions import days as day
from portal.office_hours.actions.answers import Words
from portal.office_hours.actions.bookings import Wish
from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.queries import whole_booking
from portal.office_hours.queries.days import course_of, day_of
from portal.office_hours.states import BookingState, NoteKind

TODAYS_TOPICS = ("Order of the boot stages", "Reading a kernel log from the kit", "Scope of the update service",
                 "A crash in the network daemon, what to log")  # fmt: skip
SHARED = (
    "We looked at the **boot log** together. The stage that you suspected runs after the signature is checked; the "
    "message comes from the debug build only.",
    "Agreed to take a trace with the serial console at 115200 baud, and to compare it with the list of stages.",
)
INTERNAL = (
    "Knows the platform very well. The documentation of the capability file misled them; worth a page of its own."
)


class Promised(NamedTuple):
    """A commitment of the demonstration: by the host or the participant, due so many days from today."""

    text: str
    by_host: bool
    days: int
    done: bool = False


PROMISES = (
    Promised("Send the list of boot stages with the addresses at which they are loaded", True, -3),
    Promised("Ask the team of the update service whether downgrades are in scope", True, 2),
    Promised("Try the same on the build that came out last week", False, 1),
    Promised("Write down the steps with which the log was taken", False, -1, done=True),
)
PUBLISHED = (
    Words("Which stages of the boot are verified?",
          "Does every stage check the signature of the next one, or only the first of them?",
          "Every stage checks the next one before it jumps there. The first key is in fuses; the keys of later stages "
          "are in the image that was checked before. A stage that fails the check stops, and the log of the serial "
          "console says which one it was.", "boot"),
    Words("What may an application do without a capability?",
          "Our sample starts without any entry in its manifest. What is open to it then?",
          "Its own storage, its own memory, and the inter-core socket to itself. Every peripheral, every network "
          "name and every other application needs an entry in the manifest, which is signed with the application.",
          "manifest"),
    Words("Does the firewall follow a name when its address changes?",
          "The manifest names hosts, but packets carry addresses. Who translates, and how often?",
          "The network daemon resolves the names and writes the rules. It asks again when the record expires. Between "
          "the two the old address stays open for open connections only.", "networking"),
    Words("Is a denial of service in scope?",
          "If an application can stop the device from answering, do you want to know?",
          "Yes, if it survives a restart or reaches beyond its own application. An application that stops itself is "
          "by design. Say in the report how long the effect lasts.", "kernel"),
    Words("How do updates reach a kit that is offline?",
          "Our kit was without a network for a week. In which order does it take what it missed?",
          "It asks for the newest image only; images in between are left out. The new image is written to the other "
          "half of the flash, checked there, and started at the next restart. If it does not report back in time, "
          "the old one starts again.", "updates"),
    Words("May we open the kit and attach a probe?",
          "Does soldering to the debug pins put us out of scope?",
          "You may. Findings that need a probe count as physical attacks: they are welcome, and are rated lower than "
          "those from software. Say which pins were used.", "kernel"),
)  # fmt: skip
WAITING = Words(
    "Which log tells why a trusted application was refused?",
    "Our application is refused at its start, and the application's log stays empty. Where do we look?",
    "In the log of the security monitor, which the development kit gives out over the second serial port. It names the "
    "check that failed: the signature, the version, or a capability that the image asks for and the manifest lacks.",
    "secure world",
)
DRAFT = Words(
    "How long are crash dumps kept?", "Is a dump of last week still on the device?",
    "Until the next update, at most three of them; the oldest goes first.", "kernel",
)  # fmt: skip


def add_days(world: World, stage: Stage) -> None:
    """What stays of past sessions; for a challenge that still runs also a session today, which has just begun."""
    held = _held(world, stage)
    if len(held) < 4:
        return
    _note(world, held)
    if stage.challenge.ends_on < world.now.date():
        return
    _promise(world, held)
    _publish(world, stage, held[-2])
    try:
        with world.session.begin_nested():
            _today(world, stage)
    except PortalError:
        pass  # the host is somewhere else just now: so it goes


def _held(world: World, stage: Stage) -> Sequence[Booking]:
    """The last two bookings with each host to which somebody came, the latest last."""
    rows = (
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Sitting, Sitting.id == Slot.sitting_id)
        .join(Series, Series.id == Sitting.series_id)
        .where(
            Series.challenge_id == stage.challenge.id, Booking.state == BookingState.ATTENDED,
            Booking.ends_at < world.now,
        )
        .order_by(Booking.starts_at.desc(), Booking.id.desc())
    )  # fmt: skip
    found: dict[int, list[int]] = {}
    for number, host in world.session.execute(rows.with_only_columns(Booking.id, Slot.host_id).limit(40)):
        found.setdefault(host, []).append(number)
    last = [numbers[place] for place in (1, 0) for numbers in found.values() if len(numbers) > 1]
    return [whole_booking(world.session, number) for number in last]


def _note(world: World, held: Sequence[Booking]) -> None:
    for booking in held[-3:]:
        host, at = booking.slot.host, booking.ends_at + timedelta(minutes=4)
        for number, text in enumerate(SHARED):
            later = at + timedelta(minutes=3 * number)
            notes.add_note(world.session, booking, NoteKind.SHARED, text, by=host, as_host=True, at=later)
        notes.add_note(
            world.session, booking, NoteKind.INTERNAL, INTERNAL, by=host, as_host=True, at=at + timedelta(minutes=9)
        )
    thanks = held[-1]
    notes.add_note(
        world.session, thanks, NoteKind.SHARED, "Thank you. The trace is taken; it shows what you said.",
        by=thanks.account, as_host=False, at=thanks.ends_at + timedelta(hours=2),
    )  # fmt: skip


def _promise(world: World, held: Sequence[Booking]) -> None:
    today = world.now.date()
    for number, promised in enumerate(PROMISES):
        booking = held[-1 - number % 3]
        host = booking.slot.host_id
        due = today + timedelta(days=promised.days)
        made = notes.promise(
            world.session, booking, promised.text, max(due, booking.ends_at.date() + timedelta(days=1)),
            owner_id=host if promised.by_host else None, by=host, at=booking.ends_at,
        )  # fmt: skip
        if promised.done:
            at = min(world.now, booking.ends_at + timedelta(days=1))
            notes.close_promise(
                world.session, made, states.KEEP, by=booking.account_id, at=at,
                scope=booking.slot.sitting.series.challenge.slug,
            )  # fmt: skip


def _publish(world: World, stage: Stage, asked: Booking) -> None:
    """Six answers of nobody's question in particular, one that waits for consent, and a draft."""
    hosts = [world.staff[name] for name in ("host1", "host2", "host3")]
    begin = world.now - timedelta(days=12)
    for number, words in enumerate(PUBLISHED):
        writer, reviewer = hosts[number % 3], hosts[(number + 1) % 3]
        at = begin + timedelta(hours=40 * number)
        made = answers.draft_answer(world.session, stage.challenge, words, by=writer, at=at)
        later = at + timedelta(hours=5)
        answers.review_answer(world.session, made, stage.challenge, version=1, by=reviewer, at=later)
        answers.move_answer(world.session, made, stage.challenge, states.PUBLISH, by=reviewer, at=later)
    at = asked.ends_at + timedelta(hours=1)
    waits = answers.draft_answer(world.session, stage.challenge, WAITING, by=asked.slot.host_id, at=at, booking=asked)
    reviewer = next(host for host in hosts if host != asked.slot.host_id)
    answers.review_answer(
        world.session, waits, stage.challenge, version=1, by=reviewer, at=min(world.now, at + timedelta(hours=3))
    )
    answers.draft_answer(world.session, stage.challenge, DRAFT, by=hosts[0], at=world.now - timedelta(hours=7))


def _today(world: World, stage: Stage) -> None:
    """One session more, which began half an hour ago: somebody was in, somebody is, and others wait."""
    begin = (world.now - timedelta(minutes=30)).replace(second=0, microsecond=0)
    series = _series(world, stage, begin)
    local = begin.astimezone(ZoneInfo(series.zone)).replace(tzinfo=None)
    sitting = actions.add_sitting(
        world.session, series, local, by=series.hosts[0].account_id, at=begin - timedelta(days=2),
        scope=stage.slug,
    )  # fmt: skip
    host = series.hosts[0].account_id
    booked = list(_bookings(world, stage, sitting, begin - timedelta(days=1)))
    day.host_here(world.session, sitting, by=host, at=begin - timedelta(minutes=6))
    for number, booking in enumerate(booked[:3]):
        at = min(world.now, booking.starts_at - timedelta(minutes=2 + number))
        day.check_in(world.session, booking, by=booking.account_id, at=at)
    for booking in booked[3:]:
        day.say_late(world.session, booking, 5, by=booking.account_id, at=world.now - timedelta(minutes=4))
    for number, booking in enumerate(booked[:2]):
        course = course_of(world.session, sitting.id)
        at = booking.starts_at + timedelta(minutes=2 * number)
        day.call_in(
            world.session, day_of(world.session, sitting), booking.slot_id, version=course.version, by=host, at=at
        )
        if number == 0:
            actions.mark_booking(world.session, booking, states.ATTEND, by=host, at=booking.ends_at)
    course = course_of(world.session, sitting.id)
    day.run_late(
        world.session, day_of(world.session, sitting), 5, version=course.version, by=host, at=world.now,
        sender=world.sender,
    )  # fmt: skip


def _series(world: World, stage: Stage, begin: datetime) -> Series:
    """A series whose host has nothing else today."""
    rows = (
        sa.select(Series)
        .options(joinedload(Series.hosts), joinedload(Series.challenge))
        .where(Series.challenge_id == stage.challenge.id)
        .order_by(Series.id)
    )
    free = [
        each
        for each in world.session.scalars(rows).unique()
        if each.first_local.weekday() != begin.astimezone(ZoneInfo(each.zone)).weekday()
    ]
    return free[0]


def _bookings(world: World, stage: Stage, sitting: Sitting, at: datetime) -> Iterator[Booking]:
    """One booking for each topic, by whoever has none in this week yet."""
    slots = world.session.scalars(sa.select(Slot).where(Slot.sitting_id == sitting.id).order_by(Slot.starts_at)).all()
    people = iter(stage.participants)
    for number, (slot, topic) in enumerate(zip(slots, TODAYS_TOPICS, strict=False)):
        for members in people:
            wish = Wish(key=f"demo-today-{number}-{members[0].id}", topic=topic)
            try:
                with world.session.begin_nested():
                    made = actions.book_slot(world.session, slot, members[0], wish, at=at, sender=world.sender)
            except PortalError:
                continue
            yield made
            break
