"""Weekly rules in the hosts' zone and the instants that they mean.

A rule is expanded as naive wall-clock times; the zone is attached to each occurrence by itself, and everything after
that (lengths, buffers, notice) is added in UTC. A rule expanded in UTC would drift by an hour twice a year.
"""

import functools
import importlib.metadata
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from portal.office_hours.states import Wall

WEEK = timedelta(weeks=1)
MAX_INTERVAL = 4
MAX_COUNT = 104
# How many weeks back make a viewer's "usual" time.
USUAL_WEEKS = 8


class Occurrence(NamedTuple):
    """One recurrence of a rule; `recurrence_local` (naive, in the rule's zone) is its key for ever."""

    number: int
    recurrence_local: datetime
    starts_at: datetime
    wall: Wall


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every `interval` weeks from the naive local time `first`, up to the day `until` or `count` times."""

    first: datetime
    zone: str
    interval: int = 1
    until: date | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        if self.first.tzinfo is not None:
            raise ValueError("a weekly rule begins at a naive local time")
        if not 1 <= self.interval <= MAX_INTERVAL:
            raise ValueError(f"the interval is 1 to {MAX_INTERVAL} weeks")
        if (self.until is None) == (self.count is None):
            raise ValueError("a weekly rule ends on a day or after a count")
        if self.count is not None and not 1 <= self.count <= MAX_COUNT:
            raise ValueError(f"the count is 1 to {MAX_COUNT}")


@functools.cache
def known_zones() -> frozenset[str]:
    """The names that a zone field accepts."""
    return frozenset(zoneinfo.available_timezones())


def wall(local: datetime, zone: str) -> Wall:
    """Whether the naive `local` exists once, never (clocks jump over it) or twice in `zone`."""
    place = zoneinfo.ZoneInfo(zone)
    earlier = local.replace(tzinfo=place, fold=0).astimezone(UTC)
    if earlier.astimezone(place).replace(tzinfo=None, fold=0) != local:
        return Wall.GAP
    later = local.replace(tzinfo=place, fold=1).astimezone(UTC)
    return Wall.ONCE if later == earlier else Wall.FOLD


def instant(local: datetime, zone: str) -> datetime:
    """The UTC instant of the naive `local` in `zone`.

    As RFC 5545 has it: in a gap the offset before the gap holds, of a repeated time the first one is meant.
    """
    return local.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0).astimezone(UTC)


def expand(rule: Weekly, since: datetime, before: datetime) -> Iterator[Occurrence]:
    """The occurrences that start at or after `since` and before `before` (aware instants), in order."""
    step = rule.interval * WEEK
    # Two days of slack cover every zone and every jump of its clocks.
    skip = max(0, (since.astimezone(UTC).replace(tzinfo=None) - rule.first - timedelta(days=2)) // step)
    number = skip + 1
    while rule.count is None or number <= rule.count:
        local = rule.first + (number - 1) * step
        starts_at = instant(local, rule.zone)
        if starts_at >= before or (rule.until is not None and local.date() > rule.until):
            return
        if starts_at >= since:
            yield Occurrence(number, local, starts_at, wall(local, rule.zone))
        number += 1


def iso_week(moment: datetime, zone: str) -> str:
    """The ISO week of `moment` as people in `zone` count it, such as "2020-W53"."""
    year, week, _ = moment.astimezone(zoneinfo.ZoneInfo(zone)).isocalendar()
    return f"{year}-W{week:02}"


def _ahead(local: datetime, zone: str, viewer: str) -> timedelta:
    """How far the viewer's clock is ahead of the hosts' when it is `local` there."""
    moment = instant(local, zone)
    theirs = moment.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() or timedelta()
    ours = moment.astimezone(zoneinfo.ZoneInfo(viewer)).utcoffset() or timedelta()
    return ours - theirs


def shift(local: datetime, zone: str, viewer: str) -> timedelta:
    """How much later than usual a weekly session at `local` in `zone` begins on the viewer's clock.

    Usual is the commonest of the eight weeks before. Weeks in which only one of the zones has changed clocks differ.
    """
    before = Counter(_ahead(local - weeks * WEEK, zone, viewer) for weeks in range(1, USUAL_WEEKS + 1))
    return _ahead(local, zone, viewer) - before.most_common(1)[0][0]


class Face(NamedTuple):
    """One instant as a person reads it: on the viewer's clock, with the hosts' and UTC beside it."""

    iso: str
    day: date
    clock: str
    zone: str
    hosts: str
    utc: str


def face(moment: datetime, viewer: str, hosts: str) -> Face:
    """`moment` for a viewer in the zone `viewer`; `hosts` is the zone of the series."""
    here = moment.astimezone(zoneinfo.ZoneInfo(viewer))
    there = moment.astimezone(zoneinfo.ZoneInfo(hosts))
    utc = moment.astimezone(UTC)
    return Face(
        iso=utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        day=here.date(),
        clock=f"{here:%H:%M}",
        zone=f"{here:%Z}",
        hosts=f"{there:%a %d %b %H:%M %Z} ({hosts})",
        utc=f"{utc:%a %d %b %H:%M} UTC",
    )


@functools.cache
def zone_rules_version() -> str:
    """Which edition of the time-zone database is read here: the system's where there is one, else the package's."""
    for folder in zoneinfo.TZPATH:
        listing = Path(folder, "tzdata.zi")
        if listing.is_file():
            with listing.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version").strip()
    return importlib.metadata.version("tzdata")


def spoken_day(moment: datetime, zone: str) -> str:
    """The day of an instant on the clock of `zone`: "16 June 2020"."""
    day = moment.astimezone(zoneinfo.ZoneInfo(zone))
    return f"{day.day} {day:%B %Y}"


def spoken(since: datetime, until: datetime, zone: str) -> str:
    """A span on the clock of `zone` for a mail: "Tuesday 16 June 2020, 17:00–17:30 (Europe/Berlin)"."""
    begin, end = (moment.astimezone(zoneinfo.ZoneInfo(zone)) for moment in (since, until))
    return f"{begin:%A} {begin.day} {begin:%B %Y}, {begin:%H:%M}–{end:%H:%M} ({zone})"


def spoken_moment(moment: datetime, zone: str) -> str:
    """An instant on the clock of `zone` for a mail: "Tuesday 16 June 2020, 17:00 (Europe/Berlin)"."""
    there = moment.astimezone(zoneinfo.ZoneInfo(zone))
    return f"{there:%A} {there.day} {there:%B %Y, %H:%M} ({zone})"
