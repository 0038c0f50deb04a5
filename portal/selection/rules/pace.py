"""How fast a wave goes out, and at which hours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.selection.models import Wave

# How often the worker looks; so much of the rate may go out at once.
TICK = timedelta(seconds=10)
ALL_DAYS = 0b1111111
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Nobody plans further than that.
_HORIZON = 3660


class Pace(NamedTuple):
    """Answers in a minute (None: as many as can), hours of the day and days of the week (bit 0: Monday) in a zone."""

    rate: int | None = None
    open_from: int = 0
    open_until: int = 24
    weekdays: int = ALL_DAYS
    zone: str = "UTC"

    @property
    def always(self) -> bool:
        """Whether every hour of every day will do."""
        return (self.open_from, self.open_until, self.weekdays) == (0, 24, ALL_DAYS)

    @property
    def each(self) -> timedelta:
        """The time that one answer takes."""
        return timedelta(minutes=1) / self.rate if self.rate else timedelta()

    def openings(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When it may go out from `at` on: beginnings and ends, in UTC. Hours are those that clocks show there."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        for number in range(_HORIZON):
            day = today + timedelta(days=number)
            if self.weekdays >> day.weekday() & 1:
                begins, ends = self._hour(day, self.open_from), self._hour(day, self.open_until)
                if ends > max(begins, at):
                    yield max(begins, at), ends

    def _hour(self, day: date, hour: int) -> datetime:
        day, hour = (day + timedelta(days=1), 0) if hour == 24 else (day, hour)
        return datetime.combine(day, time(hour), ZoneInfo(self.zone)).astimezone(UTC)

    def opens(self, at: datetime) -> datetime:
        """When the next answer may go out: `at` itself while it is open."""
        return next(self.openings(at), (at, at))[0]

    def since(self, paced_until: datetime | None, at: datetime) -> datetime:
        """From when the time up to `at` may be used. What was missed in a pause is not made up for."""
        return max(paced_until or at - self.each, at - max(TICK, self.each))

    def allowance(self, paced_until: datetime | None, at: datetime, limit: int) -> int:
        """How many answers may go out now, at most `limit`."""
        if self.opens(at) > at:
            return 0
        return min(limit, (at - self.since(paced_until, at)) // self.each) if self.rate else limit

    def finish(self, count: int, at: datetime) -> datetime:
        """When the last of so many answers will be out, if it goes on from `at`."""
        left = self.each * count
        if self.always:
            return at + left
        begins = ends = at
        for begins, ends in self.openings(at):
            if begins + left <= ends:
                return begins + left
            left -= ends - begins
        return ends


def pace_of(wave: Wave, zone: str) -> Pace:
    """The pace of a wave in the zone of its challenge."""
    return Pace(wave.rate, wave.open_from, wave.open_until, wave.weekdays, zone)


def days_of(weekdays: int) -> list[str]:
    """The names of the days in a mask."""
    return [name for number, name in enumerate(DAYS) if weekdays >> number & 1]
