"""Who should read what: as evenly as conflicts allow."""

import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import NamedTuple

# What tells nothing about which organisation it is.
_FORMS = {
    "ag",
    "bv",
    "co",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "kg",
    "limited",
    "llc",
    "ltd",
    "plc",
    "sa",
    "sarl",
    "se",
    "the",
}
# Not an affiliation, whatever it is called.
_NOBODY = {"", "freelance", "freelancer", "independent", "independent researcher", "n a", "none", "private", "self",
           "self employed", "student"}  # fmt: skip


@lru_cache(maxsize=8192)
def organisation(affiliation: str) -> str:
    """An affiliation without what people write differently: case, accents, punctuation, legal form. "" for none."""
    plain = unicodedata.normalize("NFKD", affiliation).casefold()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    words = re.findall(r"\w+", plain.replace("&", " and "))
    name = " ".join(word for word in words if word not in _FORMS)
    return "" if name in _NOBODY else name


class Seat(NamedTuple):
    """A reviewer who can be assigned something: how many they have already, and how many they can have at most."""

    reviewer: int
    load: int
    capacity: int | None = None


class Need(NamedTuple):
    """An application that lacks so many readers; `barred` are those who have it already or must not have it."""

    application: int
    number: int
    barred: Set[int]


class Assigned(NamedTuple):
    """Who additionally reads what, and what nobody could be found for: (application, how many readers lack)."""

    pairs: list[tuple[int, int]]
    missing: list[tuple[int, int]]


@dataclass
class _Table:
    """The state of a distribution: loads, and what has been given out by it."""

    seats: Mapping[int, Seat]
    needs: Mapping[int, Need]
    chance: Random
    load: dict[int, int] = field(default_factory=dict)
    given: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    readers: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def has_room(self, reviewer: int) -> bool:
        capacity = self.seats[reviewer].capacity
        return capacity is None or self.load[reviewer] < capacity

    def can_read(self, application: int, reviewer: int) -> bool:
        return reviewer not in self.needs[application].barred and reviewer not in self.readers[application]

    def give(self, application: int, reviewer: int, sign: int = 1) -> None:
        self.load[reviewer] += sign
        (self.given[reviewer].add if sign > 0 else self.given[reviewer].discard)(application)
        (self.readers[application].add if sign > 0 else self.readers[application].discard)(reviewer)

    def place(self, application: int) -> bool:
        """Find one more reader for the application, if need be by letting others swap what was given out just now."""
        free = [reviewer for reviewer in self.seats if self.can_read(application, reviewer)]
        least = min((self.load[reviewer] for reviewer in self.seats if self.has_room(reviewer)), default=None)
        if least is None or not free:
            return False
        now = [reviewer for reviewer in free if self.has_room(reviewer) and self.load[reviewer] == least]
        path = [(application, self.chance.choice(now))] if now else self._way(application, free)
        for application_, reviewer in path:
            self.give(application_, reviewer)
        return bool(path)

    def _way(self, application: int, free: Sequence[int]) -> list[tuple[int, int]]:
        """The swaps that end at the least loaded reviewer who can be reached; see `distribute`."""
        came: dict[int, tuple[int, int | None]] = dict.fromkeys(free, (application, None))
        waiting = deque(free)
        while waiting:
            at = waiting.popleft()
            for held in sorted(self.given[at]):
                for other in self.seats:
                    if other not in came and self.can_read(held, other):
                        came[other] = (held, at)
                        waiting.append(other)
        ends = [reviewer for reviewer in came if self.has_room(reviewer)]
        if not ends:
            return []
        least = min(self.load[reviewer] for reviewer in ends)
        return self._walk(came, next(reviewer for reviewer in ends if self.load[reviewer] == least))

    def _walk(self, came: Mapping[int, tuple[int, int | None]], end: int) -> list[tuple[int, int]]:
        """Follow the way back, taking from each on it what the next one gets."""
        path, reviewer = [], end
        while True:
            held, before = came[reviewer]
            path.append((held, reviewer))
            if before is None:
                return path
            self.give(held, before, sign=-1)
            reviewer = before


def distribute(needs: Iterable[Need], seats: Iterable[Seat], chance: Random) -> Assigned:
    """Give each application the readers that it lacks, always the ones with the fewest to read, by chance among equals.

    Each reader is found along the shortest way of swaps to the least loaded reviewer, which keeps the loads as even as
    they can be (N. Harvey, R. Ladner, L. Lovász, T. Tamir 2006, "Semi-matchings for bipartite graphs and load
    balancing", J. Algorithms 59:53-78). Nothing that was assigned before is moved. Chance mixes who reads together
    with whom: only where reviewers have applications in common can their scores be compared.
    """
    wanted = {need.application: need for need in needs}
    table = _Table({seat.reviewer: seat for seat in seats}, wanted, chance)
    table.load = {seat.reviewer: seat.load for seat in table.seats.values()}
    for turn in range(max((need.number for need in wanted.values()), default=0)):
        for need in wanted.values():
            if turn < need.number:
                table.place(need.application)
    pairs = [(number, reviewer) for number in wanted for reviewer in sorted(table.readers[number])]
    lacking = [(number, need.number - len(table.readers[number])) for number, need in wanted.items()]
    return Assigned(pairs, [(number, lack) for number, lack in lacking if lack > 0])
