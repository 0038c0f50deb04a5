"""What a measure is, and how figures are taken."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True)
class Sizes:
    """How much of everything; `QUICK` only shows that the measures can be taken."""

    rounds: int = 5
    applications: int = 3500
    very_many: int = 350_000
    pool: int = 100_000
    requests: int = 200
    submissions: int = 60
    crowd: int = 64
    mails: int = 1000
    answers: int = 3500
    upload: int = 1024 * MIB
    walked: int = 256 * MIB
    sealed: int = 256 * MIB


FULL = Sizes()
QUICK = Sizes(
    rounds=1, applications=120, very_many=700, pool=400, requests=8, submissions=4, crowd=8, mails=20, answers=20,
    upload=24 * MIB, walked=8 * MIB, sealed=8 * MIB,
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """One figure of ours beside a bare one, each the median of its rounds, and whether it reaches what it should."""

    name: str
    unit: str
    ours: float
    reach: str
    reached: bool
    bare: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the bare one's."""
        return self.ours / self.bare if self.bare else None

    def as_json(self) -> dict[str, Any]:
        """All fields and the ratio."""
        return {**asdict(self), "ratio": self.ratio}


def compared(
    name: str, unit: str, ours: float, bare: float, least: float, *, note: str = "", fine: bool = True
) -> Result:
    """A figure that should be at least so large a part of the bare one; `fine` is whatever else is asked of it."""
    return Result(name, unit, ours, f"≥ {least:.0%} of bare", fine and ours >= least * bare, bare, note)


Measure = Callable[[Sizes], Iterator[Result]]
MEASURES: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    """Give a measure the name by which it is called; it may yield several results."""

    def register(function: Measure) -> Measure:
        MEASURES[name] = function
        return function

    return register


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(*works: Callable[[], float], rounds: int) -> list[float]:
    """The median of what each returns, asked in turn, so that a busy moment of the machine meets all of them."""
    taken: list[Sequence[float]] = [[work() for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]
