"""What the results say of a challenge, worked out from its reports and awards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.challenges.models import Challenge
from portal.challenges.rules import ends_at
from portal.core.errors import Invalid, Refused
from portal.reports.rules import UNDER_WAY
from portal.reports.states import ReportState, Severity


class Outcome(StrEnum):
    """How a submission ended, for the public."""

    FIXED = "fixed"
    CONFIRMED = "confirmed"
    BY_DESIGN = "by_design"
    DUPLICATE = "duplicate"
    NOT_REPRODUCIBLE = "not_reproducible"
    OUT_OF_SCOPE = "out_of_scope"
    UNREADABLE = "unreadable"
    OPEN = "open"


S = ReportState
# A fix may be under way without being out; what triage has not judged is open.
OUTCOMES = {
    S.FIXED: Outcome.FIXED, S.CLOSED: Outcome.FIXED, S.CONFIRMED: Outcome.CONFIRMED, S.FIXING: Outcome.CONFIRMED,
    S.BY_DESIGN: Outcome.BY_DESIGN, S.DUPLICATE: Outcome.DUPLICATE, S.NOT_REPRODUCIBLE: Outcome.NOT_REPRODUCIBLE,
    S.OUT_OF_SCOPE: Outcome.OUT_OF_SCOPE, S.UNREADABLE: Outcome.UNREADABLE,
}  # fmt: skip
SERIOUS = frozenset({Severity.CRITICAL, Severity.IMPORTANT})
REAL = frozenset({Outcome.FIXED, Outcome.CONFIRMED})
UNRATED = "unrated"


class Submission(NamedTuple):
    """What is counted of a report that has arrived and was not withdrawn; `achieved` are codes of scenarios."""

    id: int
    state: ReportState
    severity: Severity | None
    improved: bool
    achieved: frozenset[str]
    received_at: datetime
    release: str | None
    fixed_on: date | None
    # How many links it has: two or more are a chain.
    links: int = 0

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return OUTCOMES.get(self.state, Outcome.OPEN)


@dataclass(frozen=True, slots=True)
class Money:
    """What was awarded: the sum, the largest and the smallest award (None without awards)."""

    amount: Decimal
    currency: str
    largest: Decimal | None
    smallest: Decimal | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of a challenge. `participants` are people, not teams; `countries` are theirs.

    Days to fix are days of the challenge's zone from a report's arrival to the release with its fix.
    """

    challenge: str
    applications: int
    participants: int
    countries: int
    submissions: int
    improvements: int
    critical_or_important: int
    eligible: int
    awarded: Money
    by_design: int
    scenarios_achieved: tuple[str, ...]
    by_outcome: dict[str, int]
    by_severity: dict[str, int]
    median_days_to_fix: float | None
    median_days_to_fix_critical: float | None
    days_to_fix_most_serious_chain: int | None
    teams: int
    single_researchers: int
    as_of: datetime


class Span(NamedTuple):
    """One line of the programme's timeline: from `first` to `last`, which are one day for a single event.

    `start` and `width` are per cent of the whole course.
    """

    label: str
    first: date
    last: date
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the product, and how many reports it fixes."""

    name: str
    day: date
    fixes: int


class Picture(NamedTuple):
    """What the pictures of the results page show. Weeks are told by their first day in the challenge's zone."""

    by_week: list[tuple[date, int]]
    money_by_scenario: list[tuple[str, Decimal]]
    awards_by_amount: list[tuple[Decimal, int]]
    releases: list[Release]


def by_outcome(submissions: Sequence[Submission]) -> dict[str, int]:
    """How many ended how; every outcome is there, and together they are all submissions."""
    counted = Counter(submission.outcome for submission in submissions)
    return {outcome.value: counted[outcome] for outcome in Outcome}


def by_severity(submissions: Sequence[Submission]) -> dict[str, int]:
    """How many are how severe; what has no severity is "unrated", and together they are all submissions."""
    counted = Counter(submission.severity for submission in submissions)
    return {**{severity.value: counted[severity] for severity in Severity}, UNRATED: counted[None]}


def programme(challenge: Challenge, shipped: Sequence[Release], out: date | None) -> list[Span]:
    """The course of the whole programme, in its order: days of the challenge's zone."""
    zone = ZoneInfo(challenge.zone)
    opened, closed = (at.astimezone(zone).date() for at in (challenge.apply_from, challenge.apply_until))
    lines = [
        ("Announced", challenge.announced_on, challenge.announced_on),
        ("Applications", opened, closed),
        ("Research", challenge.starts_on, challenge.ends_on),
        *((f"Release {each.name}", each.day, each.day) for each in shipped),
        *([("Results", out, out)] if out else []),
    ]
    begin, end = min(line[1] for line in lines), max(line[2] for line in lines)
    whole = (end - begin).days + 1
    return [
        Span(label, first, last, 100 * (first - begin).days / whole, 100 * ((last - first).days + 1) / whole)
        for label, first, last in lines
    ]


def achieved(submissions: Sequence[Submission], order: Sequence[str]) -> tuple[str, ...]:
    """The scenarios that real findings have achieved, in the order of the rules."""
    codes = {code for submission in submissions if submission.outcome in REAL for code in submission.achieved}
    return tuple(code for code in order if code in codes)


def days_to_fix(submission: Submission, zone: str) -> int | None:
    """Days from the arrival to the release with the fix; None where it is not fixed."""
    if submission.fixed_on is None or submission.outcome is not Outcome.FIXED:
        return None
    return (submission.fixed_on - submission.received_at.astimezone(ZoneInfo(zone)).date()).days


def median_days(submissions: Sequence[Submission], zone: str) -> float | None:
    """The median number of days to the fix; None where nothing is fixed."""
    days = [days for submission in submissions if (days := days_to_fix(submission, zone)) is not None]
    return float(median(days)) if days else None


def most_serious_chain(submissions: Sequence[Submission], awarded: Mapping[int, Decimal]) -> Submission | None:
    """Of the real findings with two links or more the most severe; of equals the one that was awarded most, then the
    one with more links, then the first that arrived. None where there is no chain."""
    ranks = {severity: rank for rank, severity in enumerate(Severity)}
    chains = [each for each in submissions if each.links > 1 and each.outcome in REAL and each.severity is not None]

    def seriousness(chain: Submission) -> tuple[int, Decimal, int, datetime]:
        rank = ranks[chain.severity] if chain.severity else len(ranks)
        return (rank, -awarded.get(chain.id, Decimal(0)), -chain.links, chain.received_at)

    return min(chains, key=seriousness, default=None)


def weekly(submissions: Sequence[Submission], first: date, last: date, zone: str) -> list[tuple[date, int]]:
    """Submissions by week, from the week of `first` to that of `last`, also those in which nothing came.

    What is still under way on `last` may come on the day after, and begin one more week with it.
    """
    latest = _monday(last + UNDER_WAY)
    days = [submission.received_at.astimezone(ZoneInfo(zone)).date() for submission in submissions]
    counted = Counter(min(_monday(day), latest) for day in days)
    weeks, week = [], min([_monday(first), *counted])
    while week <= max([_monday(last), *counted]):
        weeks.append((week, counted[week]))
        week += timedelta(weeks=1)
    return weeks


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def releases(submissions: Sequence[Submission]) -> list[Release]:
    """The releases with fixes, in their order."""
    days: dict[str, date] = {}
    counted: Counter[str] = Counter()
    for submission in submissions:
        if submission.release is not None and submission.fixed_on is not None:
            counted[submission.release] += 1
            days[submission.release] = min(days.get(submission.release, submission.fixed_on), submission.fixed_on)
    return sorted((Release(name, days[name], count) for name, count in counted.items()), key=lambda found: found.day)


def released(challenge: Challenge, at: datetime) -> bool:
    """Whether everybody may see the results."""
    return challenge.results_released_at is not None and challenge.results_released_at <= at


def check_release(challenge: Challenge, at: datetime) -> None:
    """Raises Refused where the results cannot be released at an instant, yet or again."""
    if challenge.results_released_at is not None:
        raise Refused("The results are released already.")
    if at < ends_at(challenge):
        raise Refused("The challenge is still running. Results are released when its last day is over.")


def before_end(challenge: Challenge, release_at: datetime | None) -> bool:
    """Whether results would come out at this instant while the challenge is still open for reports."""
    return release_at is not None and release_at < ends_at(challenge)


def check_end(challenge: Challenge, at: datetime) -> None:
    """Raises Invalid where a challenge would be open for reports again although its results are out."""
    if released(challenge, at) and before_end(challenge, challenge.results_released_at):
        raise Invalid({
            "ends_on": "The results are out: reports cannot be open again after them. Begin another challenge.",
        })  # fmt: skip


def check_hour(challenge: Challenge, release_at: datetime | None, at: datetime) -> None:
    """Raises Refused where no release can be proposed, Invalid for an hour that is none."""
    if release_at is not None and release_at <= at:
        raise Invalid({"day": "This hour is over. Choose one that is still to come."})
    check_release(challenge, release_at or at)
