"""Seventy people and their habits, which are the same whatever the rules are under which they book.

Every chance is a draw of its own, named by what it decides. So no draw depends on how many were made before it.
"""

import functools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)

# Where they live, and how many of them.
PLACES = {
    "US": ["America/Los_Angeles"] * 4 + ["America/Denver"] * 2 + ["America/Chicago"] * 3 + ["America/New_York"] * 5,
    "CA": ["America/Toronto"] * 2 + ["America/Vancouver", "America/St_Johns"],
    "BR": ["America/Sao_Paulo"] * 3,
    "AR": ["America/Argentina/Buenos_Aires"],
    "GB": ["Europe/London"] * 5,
    "FR": ["Europe/Paris"] * 4,
    "DE": ["Europe/Berlin"] * 6,
    "NL": ["Europe/Amsterdam"] * 2,
    "ES": ["Europe/Madrid", "Atlantic/Canary"],
    "PL": ["Europe/Warsaw"] * 3,
    "UA": ["Europe/Kyiv"] * 2,
    "EG": ["Africa/Cairo"],
    "ZA": ["Africa/Johannesburg"],
    "IL": ["Asia/Jerusalem"] * 3,
    "IN": ["Asia/Kolkata"] * 5,
    "NP": ["Asia/Kathmandu"],
    "CN": ["Asia/Shanghai"] * 4,
    "JP": ["Asia/Tokyo"] * 3,
    "KR": ["Asia/Seoul"] * 2,
    "AU": ["Australia/Adelaide", "Australia/Lord_Howe"],
    "NZ": ["Pacific/Auckland", "Pacific/Chatham"],
}
REGIONS = {
    "Americas": ("US", "CA", "BR", "AR"),
    "Europe, Africa": ("GB", "FR", "DE", "NL", "ES", "PL", "UA", "EG", "ZA"),
    "Asia": ("IL", "IN", "NP", "CN", "JP", "KR"),
    "Oceania": ("AU", "NZ"),
}


class Beginning(Protocol):
    """Something that begins."""

    @property
    def starts_at(self) -> datetime: ...


Begins = TypeVar("Begins", bound=Beginning)


def chance(*about: object) -> float:
    """A number from 0 to 1 for what is named: always the same one, on every machine."""
    return random.Random(":".join(map(str, about))).random()


@dataclass(frozen=True)
class Pace:
    """How often somebody wants a seat in a week, or two; how often they look, in the fortnight before.

    Whoever is `quick` has a program that books in the moment in which it becomes possible, at night too. Others need up
    to `slow` hours to see that something is new; what is offered to them they answer with the chance `answers`.
    """

    name: str
    keen: float
    looks: int
    slow: int
    answers: float
    greedy: float = 0
    quick: bool = False


EAGER = Pace("eager", keen=1, looks=1, slow=1, answers=0.95, greedy=0.5, quick=True)
STEADY = Pace("steady", keen=0.7, looks=2, slow=12, answers=0.85)
SLOW = Pace("slow", keen=0.5, looks=1, slow=36, answers=0.7)


@dataclass(frozen=True)
class Person:
    """One participant."""

    number: int
    country: str
    zone: str
    pace: Pace

    @property
    def region(self) -> str:
        """The part of the world."""
        return next(name for name, countries in REGIONS.items() if self.country in countries)

    def hour(self, at: datetime) -> float:
        """What their clock shows, in hours."""
        local = at.astimezone(ZoneInfo(self.zone))
        return local.hour + local.minute / 60

    def awake(self, at: datetime) -> bool:
        """Whether they are up: from eight in the morning to eleven at night."""
        return 8 <= self.hour(at) < 23

    def next_awake(self, at: datetime) -> datetime:
        """`at`, or when they are next up. Never on the minute, which is when the worker comes by."""
        while not self.awake(at):
            at += HOUR / 4
        begun = at.replace(second=self.number % 59 + 1, microsecond=0)
        return begun if begun >= at else begun + HOUR / 60

    def sees(self, what: object, at: datetime) -> datetime:
        """When they see something that there is to see from `at` on."""
        return self.next_awake(at + self.pace.slow * HOUR * chance("sees", self.number, what))

    def could_come(self, starts_at: datetime) -> bool:
        """Whether they would come to a session at that time of their day."""
        return 8 <= self.hour(starts_at) < 21

    def best(self, starts: Sequence[Begins]) -> list[Begins]:
        """Those that lie in their day, the nearest to the middle of the afternoon first."""
        mine = [each for each in starts if self.could_come(each.starts_at)]
        return sorted(mine, key=lambda each: abs(self.hour(each.starts_at) - 15))

    def wanted(self, week: int) -> int:
        """How many seats they would like to have in the week."""
        drawn = chance("wants", self.number, week)
        return (drawn < self.pace.keen) + (drawn < self.pace.greedy)

    def looks(self, week: int, since: datetime) -> Iterator[datetime]:
        """When they look at what is free in the week; `since` is a fortnight before it."""
        for number in range(self.pace.looks):
            at = since + 13 * DAY * chance("looks", self.number, week, number)
            yield self.next_awake(at)

    def gives_up(self, week: int, since: datetime, until: datetime) -> datetime | None:
        """When they find that they cannot come to what they have booked, if so."""
        if chance("gives up", self.number, week) > 0.15:
            return None
        share = chance("when", self.number, week)
        return self.next_awake(since + (until - since) * share)

    def turns_up(self, week: int) -> bool:
        """Whether they come."""
        return chance("turns up", self.number, week) > 0.08


@functools.cache
def everybody() -> tuple[Person, ...]:
    """All participants, by number."""
    homes = [(country, zone) for country, zones in PLACES.items() for zone in zones]
    return tuple(Person(number, *home, _pace(number)) for number, home in enumerate(homes, 1))


def _pace(number: int) -> Pace:
    drawn = chance("pace", number)
    return EAGER if drawn < 0.12 else STEADY if drawn < 0.62 else SLOW
