"""What a measure is, and how figures are taken."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """One figure of ours beside a bare one, each the median of its rounds, and whether it reaches what it should."""

    name: str
    unit: str
    ours: float
    reach: str
    reached: bool
    bare: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours by the bare one's."""
        return self.ours / self.bare if self.bare else None

    def as_json(self) -> dict[str, Any]:
        """All fields and the ratio."""
        return {**asdict(self), "ratio": self.ratio}


Measure = Callable[[], Result]
MEASURES: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    """Give a measure the name by which it is called."""

    def register(function: Measure) -> Measure:
        MEASURES[name] = function
        return function

    return register


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(*works: Callable[[], float], rounds: int = 5) -> list[float]:
    """The median of what each returns, asked in turn, so that a busy moment of the machine meets all of them."""
    taken = [[work() for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]
