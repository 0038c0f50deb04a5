"""Which clock runs over a report, and when it runs out.

A clock runs from the arrival of the report (from an appeal, a reopening, another look or a dispute where there was
one) and stands still while the report waits for its researcher, to the microsecond; several pauses add up. A clock of
calendar days runs all the time. A clock of business days runs in working hours only, as they are in the challenge's
zone, not on weekends and holidays; a business day is as much running time as its working hours are long by the wall
clock. So what arrives on Monday at 15:00 and has one business day from 9:00 to 18:00 is due on Tuesday at 15:00, what
arrives on Saturday on Monday at 18:00, and what remains of the working time when a pause begins is carried over to its
end. Where clocks are changed within working hours, that day has an hour more or less of running time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.reports.models import Report
from portal.reports.states import RUNS, ClockName, ReportState

# Nobody waits longer, whatever the holidays are.
FAR = timedelta(days=3660)
# So long after its end the leads learn of it.
DAY = timedelta(days=1)
# Monday to Friday, as bits.
WEEK = 0b0011111

Span = tuple[datetime, datetime]


class Term(NamedTuple):
    """How long a clock runs, and after how many percent of it somebody is reminded."""

    days: int
    business: bool = False
    warn_percent: int = 80


TERMS: Mapping[ClockName, Term] = MappingProxyType(
    {
        ClockName.FIRST_ANSWER: Term(1),
        ClockName.TRIAGE: Term(3),
        ClockName.DECISION: Term(14),
        ClockName.FIX: Term(30),
    }
)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How the triagers of a challenge work: its zone, working hours (24 is midnight), workdays as bits, holidays."""

    zone: str
    opens_at: int = 9
    closes_at: int = 18
    workdays: int = WEEK
    holidays: frozenset[date] = frozenset()
    terms: Mapping[ClockName, Term] = field(default_factory=lambda: TERMS)

    def works_on(self, day: date) -> bool:
        """Whether a day is a business day."""
        return bool(self.workdays >> day.weekday() & 1) and day not in self.holidays

    def day(self, term: Term) -> timedelta:
        """How much running time one day of a term is."""
        return timedelta(hours=self.closes_at - self.opens_at) if term.business else timedelta(days=1)


class Timing(NamedTuple):
    """When a clock runs out, and when somebody is to be reminded of it."""

    due_at: datetime
    warn_at: datetime


class Clock(NamedTuple):
    """The clock of a report. While it is paused it has no end; `paused_since` is since when."""

    name: ClockName
    label: str
    due_at: datetime | None
    late: bool
    paused_since: datetime | None = None


def timing(calendar: Calendar, state: ReportState, since: datetime, pauses: Iterable[Span]) -> Timing | None:
    """When the clock of a state runs out that runs from `since`; None where none runs. Spans are in UTC."""
    name = RUNS.get(state)
    return term_timing(calendar, name, since, pauses) if name else None


def term_timing(calendar: Calendar, name: ClockName, since: datetime, pauses: Iterable[Span]) -> Timing:
    """When one clock runs out that runs from `since`, but for the pauses."""
    term, still = calendar.terms[name], sorted(pauses)
    whole = calendar.day(term) * term.days
    part = whole * term.warn_percent / 100
    return Timing(*(_after(_running(calendar, term, since, still), length, since) for length in (whole, part)))


def _after(spans: Iterator[Span], length: timedelta, since: datetime) -> datetime:
    """The first instant by which so much of the spans has passed."""
    for begins, ends in spans:
        if length <= ends - begins:
            return begins + length
        length -= ends - begins
    return since + FAR


def _running(calendar: Calendar, term: Term, since: datetime, pauses: list[Span]) -> Iterator[Span]:
    """When a clock runs from `since` on, in order."""
    hours = _working(calendar, since) if term.business else iter([(since, since + FAR)])
    for begins, ends in hours:
        for paused, resumed in pauses:
            if begins < paused < ends:
                yield begins, paused
            begins = max(begins, min(resumed, ends)) if paused < ends else begins
        if begins < ends:
            yield begins, ends


def _working(calendar: Calendar, since: datetime) -> Iterator[Span]:
    """Working hours from `since` on."""
    zone, begun = ZoneInfo(calendar.zone), since.astimezone(UTC)
    first = since.astimezone(zone).date()
    for number in range(FAR.days):
        day = first + timedelta(days=number)
        if not calendar.works_on(day):
            continue
        opens, ends = (_instant(day, hour, zone) for hour in (calendar.opens_at, calendar.closes_at))
        if opens.astimezone(zone).date() != day:  # a day that the zone left out
            continue
        if begun < ends:
            yield max(begun, opens), ends


def _instant(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """An hour of a day as an instant; 24 is the midnight after it."""
    return datetime.combine(day + timedelta(days=hour // 24), time(hour % 24), zone).astimezone(UTC)


def clock_of(report: Report, at: datetime) -> Clock | None:
    """Which clock runs or is paused, when it runs out, and whether it has."""
    if report.state is ReportState.NEEDS_INFO:
        return Clock(ClockName.DECISION, "decision", None, False, report.state_since)
    name = RUNS.get(report.state)
    if name is None or report.due_at is None:
        return None
    return Clock(name, name.replace("_", " "), report.due_at, report.due_at < at)


def paused(report: Report, at: datetime) -> int:
    """For how many seconds a report has waited for the researcher, the present wait included."""
    waiting = report.state is ReportState.NEEDS_INFO
    return report.paused_seconds + (int((at - report.state_since).total_seconds()) if waiting else 0)
