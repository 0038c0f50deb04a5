"""How evenly a selection treats groups of applicants, and how far its reviewers agree: arithmetic over counts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import sqrt
from typing import NamedTuple

# Of fewer applications than this a share says nothing: it is not shown.
FEW = 10
# Two-sided 95 % of the normal distribution.
_Z = 1.959964
# Groups that a page lists by name; the CSV has all.
LISTED = 15


class Steps(NamedTuple):
    """How many of some applications came how far; each step counts part of the first one."""

    applied: int = 0
    triaged: int = 0
    promising: int = 0
    reviewed: int = 0
    invited: int = 0
    accepted: int = 0


# What the steps are called, in their order.
LABELS = ("Applied", "Triaged", "Yes or maybe", "In review", "Invited", "Accepted")


class Group(NamedTuple):
    """Applications with something in common."""

    name: str
    steps: Steps


def together(parts: Iterable[Steps]) -> Steps:
    """The sum of several counts."""
    return Steps(*(sum(column) for column in zip(Steps(), *parts, strict=True)))


def grouped(parts: Iterable[tuple[str, Steps]]) -> list[Group]:
    """Counts with the same name added up, the largest group first."""
    found: dict[str, list[Steps]] = {}
    for name, steps in parts:
        found.setdefault(name, []).append(steps)
    groups = [Group(name, together(several)) for name, several in found.items()]
    return sorted(groups, key=lambda group: (-group.steps.applied, group.name))


def listed(groups: Sequence[Group]) -> list[Group]:
    """The largest groups, and all the others as one."""
    if len(groups) <= LISTED + 1:
        return list(groups)
    rest = groups[LISTED:]
    return [*groups[:LISTED], Group(f"{len(rest)} others", together(group.steps for group in rest))]


class Share(NamedTuple):
    """What part of a group came to a step.

    `low` and `high` bound where the true share may lie, by chance alone (95 %); `lift` is the share over that of all.
    All are None where the group is too small to say, `lift` also where nobody at all came there.
    """

    rate: float | None
    low: float | None
    high: float | None
    lift: float | None
    # "above" or "below" where chance alone hardly explains the difference from all.
    differs: str


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The bounds within which the true share may lie (score interval, 95 %).

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927), 209-212.
    """
    share, spread = part / whole, _Z * _Z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(group: Steps, whole: Steps, step: str = "invited") -> Share:
    """What part of a group came to a step, against all."""
    if group.applied < FEW:
        return Share(None, None, None, None, "")
    part, of_all = getattr(group, step), getattr(whole, step) / whole.applied
    low, high = wilson(part, group.applied)
    rate = part / group.applied
    differs = "above" if of_all < low else "below" if of_all > high else ""
    return Share(rate, low, high, rate / of_all if of_all else None, differs)


class Sums(NamedTuple):
    """What alpha needs of all applications with two reviews or more.

    `reviews` is their number, `scores` and `squares` the sums of scores and of squared scores, `within` the sum over
    applications of 2 (m Σx² − (Σx)²) / (m − 1), where m is the number of reviews: that of the squared differences of
    all ordered pairs of reviews, over m − 1.
    """

    reviews: int
    scores: float
    squares: float
    within: float


def alpha(sums: Sums) -> float | None:
    """Krippendorff's alpha for interval data: 1 is full agreement, 0 what chance would give, less is discord.

    None where nothing can vary: fewer than two reviews that can be compared, or all scores the same.
    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), https://repository.upenn.edu/asc_papers/43
    """
    if sums.reviews < 2:
        return None
    expected = 2 * (sums.reviews * sums.squares - sums.scores**2) / (sums.reviews * (sums.reviews - 1))
    return 1 - sums.within / sums.reviews / expected if expected > 1e-9 else None


class Load(NamedTuple):
    """What one person did in both passes, and how their scores lie against the others'.

    `offset`: points above (or below) the colleagues on the same applications, as fitted; `apart`: the mean distance
    from the mean of the others on the same applications.
    """

    name: str
    looks: int
    promising: int
    assigned: int
    reviews: int
    mean: float | None
    offset: float | None
    apart: float | None
    calibrated: bool


def quantile(counts: Mapping[int, int], part: float) -> int | None:
    """The least value that so great a part of all does not exceed; `counts` says how often each value occurs."""
    total, passed = sum(counts.values()), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= part * total:
            return value
    return None


# The histogram ends here: whoever waited longer is in its last column.
LAST_DAY = 35


def by_day(hours: Mapping[int, int]) -> list[tuple[str, int]]:
    """Waiting times in hours as a histogram of days, without a gap."""
    if not hours:
        return []
    days = [0] * (min(max(hours) // 24, LAST_DAY) + 1)
    for hour, number in hours.items():
        days[min(hour // 24, LAST_DAY)] += number
    return [(f"{day}+" if day == LAST_DAY else str(day), number) for day, number in enumerate(days)]


class WaveCounts(NamedTuple):
    """What one released wave answered."""

    number: int
    released_at: datetime
    invite: int
    waitlist: int
    decline: int
    skipped: int
    waiting: int
