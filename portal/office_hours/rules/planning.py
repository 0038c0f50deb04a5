"""How a series is made up, how its slots lie, and whose turn it is."""

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
    components: tuple[str, ...] = ()


class Plan(NamedTuple):
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
    question_due_minutes: int | None = None
    engineers: int = 1
    rolling_cap: int | None = None
    strike_limit: int | None = 2
    strike_days: int = 28
    strike_hours: int = 48
    late_strikes: bool = False
    round_hours: int | None = None

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
