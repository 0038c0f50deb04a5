"""Whose day the sessions meet: by zone, by participant, and which hour would meet those whom none does."""

import zoneinfo
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.office_hours.rules.planning import Span
from portal.office_hours.rules.waiting import by_day

# Sessions of so long back and ahead are looked at, each by itself.
WINDOW = timedelta(weeks=4)
_HOUR = timedelta(hours=1)


class Meeting(NamedTuple):
    """A session: its number, its title, and when its open slots are."""

    sitting_id: int
    title: str
    slots: tuple[Span, ...]

    @property
    def starts_at(self) -> datetime:
        """When its first open slot begins."""
        return self.slots[0].since

    def by_day(self, zone: str) -> int:
        """How many of its slots lie in the day of somebody in `zone`."""
        return sum(by_day(slot.since, slot.until, zone) for slot in self.slots)


class Cell(NamedTuple):
    """A session for people of some zones: how many of its slots are by day there, and for how many people."""

    slots: int
    of: int
    people: int

    @property
    def level(self) -> str:
        """All of it, a part of it, or none of it by day."""
        return "none" if not self.slots else "all" if self.slots == self.of else "part"

    @property
    def met(self) -> int:
        """How many people can come by day."""
        return self.people if self.slots else 0


class Band(NamedTuple):
    """Zones that share their clocks as long as the sessions last."""

    offset: timedelta
    zones: list[str]
    people: int
    cells: list[Cell]

    @property
    def utc(self) -> str:
        """How far their clocks are from UTC when the first session begins: "UTC+5:30"."""
        minutes = int(self.offset.total_seconds() // 60)
        hours, rest = divmod(abs(minutes), 60)
        return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")

    @property
    def places(self) -> str:
        """The zones by the names of their towns, three at most."""
        towns = [zone.rpartition("/")[2].replace("_", " ") for zone in self.zones]
        return ", ".join(towns[:3]) + (f" and {len(towns) - 3} more" if len(towns) > 3 else "")


class Heat(NamedTuple):
    """Which sessions are by day for whom: bands from west to east, meetings in order."""

    meetings: list[Meeting]
    bands: list[Band]

    @property
    def people(self) -> int:
        """How many participants there are."""
        return sum(band.people for band in self.bands)

    @property
    def totals(self) -> list[int]:
        """For each session, for how many it is by day."""
        return [sum(band.cells[number].met for band in self.bands) for number in range(len(self.meetings))]


def heat(people: Mapping[str, int], meetings: Sequence[Meeting]) -> Heat:
    """How the sessions meet the days of people, who are counted by zone."""
    if not meetings:
        return Heat([], [])
    alike: dict[tuple[timedelta, ...], list[str]] = {}
    for zone in sorted(people):
        alike.setdefault(tuple(_offset(meeting.starts_at, zone) for meeting in meetings), []).append(zone)
    bands = []
    for offsets, zones in sorted(alike.items()):
        number = sum(people[zone] for zone in zones)
        cells = [Cell(meeting.by_day(zones[0]), len(meeting.slots), number) for meeting in meetings]
        # The best known first: where most of them are.
        zones.sort(key=lambda zone: (-people[zone], zone))
        bands.append(Band(offsets[0], zones, number, cells))
    return Heat(list(meetings), bands)


def _offset(moment: datetime, zone: str) -> timedelta:
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() or timedelta()


class Served(NamedTuple):
    """How many sessions of the past and the coming weeks were or are by day for a participant."""

    participant_id: int
    past: int
    coming: int


def served(zones: Mapping[int, Collection[str]], past: Sequence[Meeting], coming: Sequence[Meeting]) -> list[Served]:
    """For each participant, whose people may be in several zones: a session that is by day for one of them counts."""
    return [Served(who, _met(mine, past), _met(mine, coming)) for who, mine in zones.items()]


def _met(zones: Collection[str], meetings: Iterable[Meeting]) -> int:
    return sum(any(meeting.by_day(zone) for zone in zones) for meeting in meetings)


def unserved(found: Iterable[Served], past: Collection[Meeting], coming: Collection[Meeting]) -> list[Served]:
    """Those for whom no session of four weeks was by day, or none will be; weeks without any session warn of nobody."""
    return [one for one in found if (past and not one.past) or (coming and not one.coming)]


class Better(NamedTuple):
    """An hour at which a session would be by day for most of those whom none meets."""

    hour: datetime
    people: int


def better_hour(zones: Collection[Collection[str]], day: datetime) -> Better | None:
    """The full hour of the UTC day from `day` on at which an hour is by day for most; None where there is nobody."""
    if not zones:
        return None
    found = []
    for number in range(24):
        hour = day + number * _HOUR
        people = sum(any(by_day(hour, hour + _HOUR, zone) for zone in mine) for mine in zones)
        found.append(Better(hour, people))
    return max(found, key=lambda each: each.people)
