"""What reviews add up to: a mean, and the same without the reviewers' harshness or mildness.

The model is additive: score = overall + application + reviewer + noise, where applications, reviewers and noise vary
around 0, each as much as the data say. Its solution shrinks what rests on few reviews towards the middle: an offset of
a reviewer with two reviews is hardly believed, and a single 5 ranks below three times 4.8. These are the best linear
unbiased predictions of a mixed model with two crossed random effects (C. R. Henderson 1975, Biometrics 31:423-447;
G. K. Robinson 1991, Statistical Science 6:15-32), found by twelve alternations that also estimate the variances (EM).
All values are in points of the scale from 0 to 5.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

ITERATIONS = 12
# Fewer reviews than these tell little of how harsh somebody is.
CALIBRATED = 10
# Half the width of an interval of 90 % of a normal distribution, in standard errors.
Z90 = 1.645
# What is believed of the standard deviations before there is data, weighing as much as so many observations.
PRIOR_NOISE, PRIOR_BETWEEN, PRIOR_REVIEWERS, PRIOR_WEIGHT = 0.7, 1.0, 0.5, 3


class Said(NamedTuple):
    """One review: who gave how many points to which application."""

    application: int
    reviewer: int
    score: float


class Scale(NamedTuple):
    """What scores are measured against: their mean, the standard deviation of one opinion and that of applications."""

    overall: float
    noise: float
    between: float


class Fitted(NamedTuple):
    """The scale, and by how much each reviewer scores above (or below) the others, with their numbers of reviews."""

    scale: Scale
    offsets: dict[int, float]
    counts: dict[int, int]


class Figures(NamedTuple):
    """What the reviews of one application come to. `error` is one standard error of `adjusted`, `spread` the standard
    deviation of the scores without the reviewers' offsets; None where there is nothing to tell it from."""

    reviews: int = 0
    mean: float | None = None
    adjusted: float | None = None
    error: float | None = None
    spread: float | None = None


class _Effects:
    """The deviations of all applications, or of all reviewers: shrunk means of what the others leave unexplained."""

    def __init__(self, keys: Sequence[int], prior: float) -> None:
        self.keys, self.prior, self.variance = keys, prior**2, prior**2
        self.counts: dict[int, int] = defaultdict(int)
        for key in keys:
            self.counts[key] += 1
        self.values = dict.fromkeys(self.counts, 0.0)

    def solve(self, rest: Iterable[float], noise: float) -> float:
        """Take the deviations anew from what is left for them; returns the uncertainty that remains, summed."""
        sums, ridge, doubt = dict.fromkeys(self.counts, 0.0), noise / self.variance, 0.0
        for key, value in zip(self.keys, rest, strict=True):
            sums[key] += value
        squares = PRIOR_WEIGHT * self.prior
        for key, count in self.counts.items():
            value = self.values[key] = sums[key] / (count + ridge)
            unsure = noise / (count + ridge)
            squares += value * value + unsure
            doubt += count * unsure
        self.variance = squares / (PRIOR_WEIGHT + len(self.counts))
        return doubt

    def each(self) -> list[float]:
        """The deviation that belongs to each review."""
        values = self.values
        return [values[key] for key in self.keys]


def fit(said: Sequence[Said]) -> Fitted | None:
    """How harsh or mild everybody is; None where nobody has said anything. 15,000 reviews take 0.2 s."""
    if not said:
        return None
    scores = [one.score for one in said]
    applications = _Effects([one.application for one in said], PRIOR_BETWEEN)
    reviewers = _Effects([one.reviewer for one in said], PRIOR_REVIEWERS)
    overall, noise = sum(scores) / len(scores), PRIOR_NOISE**2
    of_application, of_reviewer = applications.each(), reviewers.each()
    for _ in range(ITERATIONS):
        rest = [s - overall - a for s, a in zip(scores, of_application, strict=True)]
        doubt = reviewers.solve(rest, noise)
        of_reviewer = reviewers.each()
        rest = [s - overall - r for s, r in zip(scores, of_reviewer, strict=True)]
        doubt += applications.solve(rest, noise)
        of_application = applications.each()
        rest = [s - a - r for s, a, r in zip(scores, of_application, of_reviewer, strict=True)]
        overall = sum(rest) / len(rest)
        squares = sum((value - overall) ** 2 for value in rest) + doubt
        noise = (squares + PRIOR_WEIGHT * PRIOR_NOISE**2) / (len(rest) + PRIOR_WEIGHT)
    scale = Scale(overall, sqrt(noise), sqrt(applications.variance))
    return Fitted(scale, reviewers.values, dict(reviewers.counts))


def figures(scores: Sequence[tuple[int, float]], scale: Scale | None, offsets: Mapping[int, float]) -> Figures:
    """What (reviewer, score) of one application come to, by the offsets as they are known.

    Before anything was fitted the adjusted score is the mean, and nobody knows how far off it is.
    """
    if not scores:
        return Figures()
    count, plain = len(scores), sum(score for _, score in sorted(scores))
    # Sorted, so that the same reviews give the same sum to the last bit whatever their order.
    fair = [score - offsets.get(reviewer, 0.0) for reviewer, score in sorted(scores)]
    middle = sum(fair) / count
    spread = sqrt(sum((value - middle) ** 2 for value in fair) / (count - 1)) if count > 1 else None
    if scale is None:
        return Figures(count, plain / count, plain / count, None, spread)
    weight = count + (scale.noise / scale.between) ** 2
    adjusted = scale.overall + count * (middle - scale.overall) / weight
    return Figures(count, plain / count, adjusted, scale.noise / sqrt(weight), spread)


def weighted(marks: Mapping[int, int], weights: Mapping[int, int]) -> float | None:
    """The mean of the marks by the weights of their criteria; None where no criterion that counts has a mark."""
    counted = {criterion: mark for criterion, mark in marks.items() if criterion in weights}
    if not counted:
        return None
    return sum(weights[c] * mark for c, mark in counted.items()) / sum(weights[c] for c in counted)


class Ranked(NamedTuple):
    """An application with its adjusted score and one standard error of it."""

    application: int
    adjusted: float
    error: float


def rank_ranges(ranked: Sequence[Ranked]) -> dict[int, tuple[int, int]]:
    """The best and the worst rank of each application.

    It is the place that it would have among the others' scores if its own lay at the upper or at the lower end of its
    interval of 90 % (score ± 1.645 standard errors).
    """
    points = sorted(one.adjusted for one in ranked)
    total = len(points)

    def ranks(one: Ranked) -> tuple[int, int]:
        better = total - bisect_right(points, one.adjusted + Z90 * one.error)
        not_worse = total - bisect_left(points, one.adjusted - Z90 * one.error)
        return better + 1, max(not_worse, 1)

    return {one.application: ranks(one) for one in ranked}


def is_calibrated(reviews: int) -> bool:
    """Whether somebody has reviewed enough for their harshness to be known."""
    return reviews >= CALIBRATED
