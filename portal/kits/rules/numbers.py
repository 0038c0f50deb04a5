"""How long parcels take, and how many are where: arithmetic over what a challenge's parcels tell."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from portal.kits import states
from portal.kits.states import ShipmentState

# Of fewer than this a median says nothing about the next one: it is not shown.
FEW = 5


class Way(NamedTuple):
    """What one parcel tells of its way; an instant is None where it has not come so far.

    `accepted_at` is known only of a participant's first parcel: a later one has not waited since then.
    """

    state: ShipmentState
    country: str
    carrier: str | None
    accepted_at: datetime | None
    address_at: datetime | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    received_at: datetime | None

    @property
    def arrived(self) -> bool:
        """Whether it came to the participant, by anybody's word."""
        return self.delivered_at is not None or self.received_at is not None


@dataclass(frozen=True, slots=True)
class Span:
    """How long some parcels took: how many, the median and what nine of ten do not exceed, in days."""

    name: str
    count: int
    median: float | None
    slowest: float | None


class Place(NamedTuple):
    """Parcels to one country, or by one carrier."""

    name: str
    parcels: int
    waiting: int
    under_way: int
    arrived: int
    gone: int
    days: Span


Clock = Callable[[Way], datetime | None]
# From where to where each span is measured.
STEPS: dict[str, tuple[Clock, Clock]] = {
    "accepted → address given": (lambda way: way.accepted_at, lambda way: way.address_at),
    "address given → handed over": (lambda way: way.address_at, lambda way: way.handed_over_at),
    "handed over → delivered": (lambda way: way.handed_over_at, lambda way: way.delivered_at),
    "delivered → received": (lambda way: way.delivered_at, lambda way: way.received_at),
    "accepted → received": (lambda way: way.accepted_at, lambda way: way.received_at),
}
_DOOR_TO_DOOR = "handed over → there"


def percentile(values: Sequence[float], part: float) -> float | None:
    """The least of the values that so great a part of them does not exceed (nearest rank)."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(part * len(values)) - 1)]


def span(name: str, times: Iterable[timedelta]) -> Span:
    """How long something took; None where there are too few to tell. What went backwards is no time at all."""
    days = [time / timedelta(days=1) for time in times if time >= timedelta(0)]
    if len(days) < FEW:
        return Span(name, len(days), None, None)
    return Span(name, len(days), percentile(days, 0.5), percentile(days, 0.9))


def spans(ways: Sequence[Way]) -> list[Span]:
    """Every step of the way."""
    return [span(name, _between(ways, *ends)) for name, ends in STEPS.items()]


def _between(ways: Iterable[Way], begin: Clock, end: Clock) -> Iterable[timedelta]:
    for way in ways:
        first, last = begin(way), end(way)
        if first is not None and last is not None:
            yield last - first


def _there(way: Way) -> datetime | None:
    return way.delivered_at or way.received_at


def places(ways: Sequence[Way], name: Callable[[Way], str | None]) -> list[Place]:
    """The parcels by what `name` says of each, the most first; those of which it says nothing are left out."""
    found: dict[str, list[Way]] = {}
    for way in ways:
        called = name(way)
        if called:
            found.setdefault(called, []).append(way)
    made = [_place(called, several) for called, several in found.items()]
    return sorted(made, key=lambda place: (-place.parcels, place.name))


def _place(name: str, ways: Sequence[Way]) -> Place:
    gone = [way for way in ways if not way.arrived and way.state in states.OVER]
    waiting = [way for way in ways if way.state in states.BEFORE_HAND_OVER]
    arrived = [way for way in ways if way.arrived]
    return Place(
        name=name, parcels=len(ways), waiting=len(waiting), arrived=len(arrived), gone=len(gone),
        under_way=len(ways) - len(waiting) - len(arrived) - len(gone),
        days=span(_DOOR_TO_DOOR, _between(ways, lambda way: way.handed_over_at, _there)),
    )  # fmt: skip
