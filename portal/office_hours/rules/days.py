"""What may be said and done on the day of a session, and whose turn it is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from portal.office_hours.states import BookingState

# From so long before a slot (or session) begins, people say that they are there; and until so long after its end.
OPENS, CLOSES = timedelta(hours=1), timedelta(hours=2)
# Nobody is missing before they are so late.
GRACE = timedelta(minutes=10)


class Turn(StrEnum):
    """Where a slot stands in the course of its session."""

    LATER = "later"
    NEXT = "next"
    NOW = "now"
    # Its hosts have gone on to a later one, and nobody has said yet how it ended.
    PASSED = "passed over"
    OVER = "over"
    FREE = "free"


class Line(NamedTuple):
    """A slot in the order of its session: whether a booking in it still waits, or whether any was marked."""

    slot_id: int
    waits: bool
    marked: bool


def under_way(starts_at: datetime, ends_at: datetime, at: datetime) -> bool:
    """Whether a slot or a session is near enough to say who is there."""
    return starts_at - OPENS <= at < ends_at + CLOSES


def next_of(lines: Sequence[Line], current: int | None) -> int | None:
    """The slot that is called next: the first one after the `current` in which somebody waits."""
    places = {line.slot_id: place for place, line in enumerate(lines)}
    after = places.get(current, -1) if current is not None else -1
    return next((line.slot_id for line in lines[after + 1 :] if line.waits), None)


def turns(lines: Sequence[Line], current: int | None) -> dict[int, Turn]:
    """Where each slot stands."""
    upcoming = next_of(lines, current)
    places = {line.slot_id: place for place, line in enumerate(lines)}
    gone = places.get(current, -1) if current is not None else -1
    found = {}
    for place, line in enumerate(lines):
        if not line.waits:
            found[line.slot_id] = Turn.OVER if line.marked else Turn.FREE
        elif line.slot_id == current:
            found[line.slot_id] = Turn.NOW
        elif line.slot_id == upcoming:
            found[line.slot_id] = Turn.NEXT
        else:
            found[line.slot_id] = Turn.PASSED if place < gone else Turn.LATER
    return found


def expected(starts_at: datetime, late_minutes: int) -> datetime:
    """When something begins that runs late by so much."""
    return starts_at + timedelta(minutes=late_minutes)


def why_not_arrive(state: BookingState, starts_at: datetime, ends_at: datetime, at: datetime) -> str | None:
    """Why the participant cannot say now that they are there, or that they will be late."""
    if state is not BookingState.CONFIRMED:
        return f"This booking is {state.replace('_', ' ')}."
    if at < starts_at - OPENS:
        return "It opens an hour before the beginning."
    return None if under_way(starts_at, ends_at, at) else "It is over."


def missing_from(starts_at: datetime, host_late: int, own_late: int) -> datetime:
    """From when somebody who has not come is missing: neither the host's lateness nor an announced one counts."""
    return starts_at + timedelta(minutes=max(host_late, own_late)) + GRACE


def why_not_missing(since: datetime, here_at: datetime | None, at: datetime, *, sure: bool) -> str | None:
    """Why the participant cannot be noted as missing: too early, or they have said that they were there."""
    if at < since:
        return f"It is too early to say so: until {_utc(since)} they are merely late."
    if here_at is not None and not sure:
        return f"They checked in at {_utc(here_at)}. On the page of the day you can say that they were missing even so."
    return None


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M} UTC"
