"""What is to be solved: who stands for how many places, under which limits."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

# What a candidate is, as far as limits ask: bit n is set where limit n counts them.
Profile = int


class Candidate(NamedTuple):
    """Somebody who may get a place. The score is in hundredths: whoever people see as equal is equal."""

    id: int
    score: int
    lottery: int
    profile: Profile

    @property
    def rank(self) -> tuple[int, int, int]:
        """Greater is better: score, then lottery (then the number, should even the lottery be equal)."""
        return (self.score, self.lottery, -self.id)


class Limit(NamedTuple):
    """At least and at most so many of those whom it counts."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Problem:
    """Take so many of the free candidates, beside the pinned ones, that every limit holds.

    Wanted is, in this order: as many as there are places, the highest sum of scores, and among equals whoever has the
    higher lottery number: the set in which the holder of the highest number stands, if one of the best sets has them,
    then the holder of the second highest, and so on.
    """

    places: int
    limits: tuple[Limit, ...]
    free: tuple[Candidate, ...]
    pinned: tuple[Candidate, ...] = ()

    @cached_property
    def seats(self) -> int:
        """Places that the pinned leave."""
        return self.places - len(self.pinned)

    @cached_property
    def held(self) -> tuple[int, ...]:
        """How many of the pinned each limit counts."""
        return counted(self.pinned, len(self.limits))

    def least(self, number: int) -> int:
        """How many a limit still needs of the free."""
        return max(0, self.limits[number].least - self.held[number])

    def most(self, number: int) -> int:
        """How many a limit still allows of the free; negative where the pinned are too many already."""
        most = self.limits[number].most
        return self.seats if most is None else min(self.seats, most - self.held[number])


class Clash(NamedTuple):
    """Limits (by their index), the number of places, and pinned people who cannot all be had together.

    Without any one of them the others could be kept.
    """

    minima: tuple[int, ...] = ()
    maxima: tuple[int, ...] = ()
    places: bool = False
    pinned: tuple[int, ...] = ()


class Solution(NamedTuple):
    """Who gets a place, the pinned among them, or what clashes."""

    taken: frozenset[int] = frozenset()
    clash: Clash | None = None


def counted(people: Iterable[Candidate], limits: int) -> tuple[int, ...]:
    """How many people each limit counts."""
    found = [0] * limits
    for profile, many in Counter(one.profile for one in people).items():
        for n in members(profile):
            found[n] += many
    return tuple(found)


def members(profile: Profile) -> tuple[int, ...]:
    """The limits that count a profile."""
    found = []
    while profile:
        lowest = profile & -profile
        found.append(lowest.bit_length() - 1)
        profile ^= lowest
    return tuple(found)


def by_profile(people: Iterable[Candidate]) -> dict[Profile, list[Candidate]]:
    """Candidates who are alike to all limits, the best first."""
    found: dict[Profile, list[Candidate]] = {}
    for one in people:
        found.setdefault(one.profile, []).append(one)
    for alike in found.values():
        alike.sort(key=lambda one: one.rank, reverse=True)
    return found


def reduced(problem: Problem) -> dict[Profile, list[Candidate]]:
    """Only those who can be in the best set: of each profile the best so many as can be taken of it.

    Proof: candidates of one profile are exchangeable to every limit. Say that the best set holds somebody of a profile
    but not somebody of the same profile with a higher rank. Exchanging the two keeps every limit and the number taken,
    and either raises the sum of scores or, where the scores are equal, puts a higher lottery number in and a lower one
    out: the set was not the best. So of each profile the best set takes the highest ranks, from the first on, and never
    more than there are seats, or than the tightest maximum among the profile's limits allows.
    """
    kept, most = {}, [problem.most(n) for n in range(len(problem.limits))]
    for profile, alike in by_profile(problem.free).items():
        many = min([problem.seats, *(most[n] for n in members(profile))])
        if many > 0:
            kept[profile] = alike[:many]
    return kept


def nonsense(problem: Problem) -> Clash | None:
    """What clashes at first sight, without solving anything."""
    if problem.seats < 0:
        return Clash(places=True, pinned=tuple(one.id for one in problem.pinned[: problem.places + 1]))
    available = counted(problem.free, len(problem.limits))
    for n, limit in enumerate(problem.limits):
        if limit.most is not None and problem.held[n] > limit.most:
            holders = tuple(one.id for one in problem.pinned if one.profile >> n & 1)
            return Clash(maxima=(n,), pinned=holders[: limit.most + 1])
        if limit.least > available[n] + problem.held[n]:
            return Clash(minima=(n,))
        if limit.most is not None and limit.least > limit.most:
            return Clash(minima=(n,), maxima=(n,))
        if limit.least > problem.places:
            return Clash(minima=(n,), places=True)
    return None


def masks(problem: Problem, taken: Sequence[Candidate]) -> tuple[Profile, Profile]:
    """Which limits are at their maximum, and which at their minimum, when these are taken."""
    full = floor = 0
    for n, many in enumerate(counted(taken, len(problem.limits))):
        full |= (many == problem.limits[n].most) << n
        floor |= (many == problem.limits[n].least) << n
    return full, floor
