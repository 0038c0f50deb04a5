"""How a series is made up, how its slots lie, and whose turn it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.office_hours.models import Series
from portal.office_hours.time import Weekly


class Span(NamedTuple):
    """From one instant up to, not including, another."""

    since: datetime
    until: datetime

    def meets(self, other: "Span") -> bool:
        """Whether the two have a moment in common."""
        return self.since < other.until and other.since < self.until


class Share(NamedTuple):
    """A host of a series and how much of it they take."""

    account_id: int
    weight: int = 1
    weekly_max: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that makes a series. Lengths are in minutes unless they say otherwise."""

    title: str
    rule: Weekly
    hosts: tuple[Share, ...]
    slots: int
    slot_minutes: int
    seats: int = 1
    buffer_before: int = 0
    buffer_after: int = 0
    notice_minutes: int = 120
    cutoff_minutes: int = 720
    advance_days: int = 28
    weekly_quota: int = 1
    meeting_url: str = ""

    @property
    def whole(self) -> timedelta:
        """How long a session lasts, buffers included."""
        return timedelta(minutes=self.slots * (self.buffer_before + self.slot_minutes + self.buffer_after))


class Place(NamedTuple):
    """Where one slot of a session lies: itself, and the time for which it keeps its host busy."""

    position: int
    slot: Span
    busy: Span


def layout(starts_at: datetime, series: Series) -> list[Place]:
    """The slots of a session that starts at `starts_at` (UTC), one after another with the buffers between them."""
    length = timedelta(minutes=series.slot_minutes)
    before, after = timedelta(minutes=series.buffer_before), timedelta(minutes=series.buffer_after)
    begins = [starts_at + number * (before + length + after) for number in range(series.slots)]
    return [
        Place(number, Span(begin, begin + length), Span(begin - before, begin + length + after))
        for number, begin in enumerate(begins, start=1)
    ]


@dataclass(slots=True)
class HostLoad:
    """What a host has taken on: slots of the series in all, slots of any series in the week, and when they are busy."""

    account_id: int
    weight: int = 1
    weekly_max: int | None = None
    total: int = 0
    weeks: dict[str, int] = field(default_factory=dict)
    busy: list[Span] = field(default_factory=list)

    def can_take(self, busy: Span, week: str) -> bool:
        """Whether one more slot fits into the host's week and calendar."""
        full = self.weekly_max is not None and self.weeks.get(week, 0) >= self.weekly_max
        return not full and not any(busy.meets(other) for other in self.busy)

    def take(self, busy: Span, week: str) -> None:
        """Count one more slot."""
        self.total += 1
        self.weeks[week] = self.weeks.get(week, 0) + 1
        self.busy.append(busy)


def next_host(hosts: Iterable[HostLoad], busy: Span, week: str) -> HostLoad | None:
    """The host whose turn it is: who is furthest behind their share among those who are free, or None."""
    free = [host for host in hosts if host.can_take(busy, week)]
    return min(free, key=lambda host: (host.total / host.weight, host.account_id), default=None)
