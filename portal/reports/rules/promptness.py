"""How prompt the team was: how long answers took, and how many came in time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.reports.models import Report
from portal.reports.rules.clocks import Calendar, Span, term_timing
from portal.reports.states import ClockName, Severity

EVERY = "all"


class Course(NamedTuple):
    """When what happened to one report. `done` has the clocks that have ended, each with its instant."""

    received_at: datetime
    severity: Severity | None
    done: Mapping[ClockName, datetime]
    pauses: Sequence[Span]


class Line(NamedTuple):
    """One clock, over all reports or those of one severity. Times are in days without pauses, or None."""

    clock: ClockName
    severity: str
    total: int
    median: float | None
    most: float | None
    in_time: int


def lines(courses: Iterable[Course], calendar: Calendar) -> list[Line]:
    """How prompt the team was, by clock, then over all severities and by each; `most` is the 90th percentile."""
    found: dict[tuple[ClockName, str], list[tuple[float, bool]]] = {}
    for course in courses:
        for name, at in course.done.items():
            took = (at - course.received_at - paused_before(course, at)) / timedelta(days=1)
            in_time = at <= term_timing(calendar, name, course.received_at, course.pauses).due_at
            for group in (EVERY, course.severity or "not assessed"):
                found.setdefault((name, group), []).append((took, in_time))
    groups = [EVERY, *Severity, "not assessed"]
    return [_line(name, group, found.get((name, group), [])) for name in ClockName for group in groups]


def paused_before(course: Course, at: datetime) -> timedelta:
    """How long a report had waited for its researcher until an instant."""
    return sum((min(ends, at) - begins for begins, ends in course.pauses if begins < at), timedelta())


def _line(name: ClockName, group: str, found: Sequence[tuple[float, bool]]) -> Line:
    days = [took for took, _ in found]
    return Line(name, group, len(found), percentile(days, 50), percentile(days, 90), sum(fits for _, fits in found))


def days_to_fix(report: Report, zone: str) -> int | None:
    """Days of a zone from the arrival of a report to the release with its fix; None while it is not out."""
    if report.fixed_on is None or report.received_at is None:
        return None
    return (report.fixed_on - report.received_at.astimezone(ZoneInfo(zone)).date()).days


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The value below which so many percent lie, between neighbours in proportion; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
