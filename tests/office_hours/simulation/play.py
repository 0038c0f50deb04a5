"""Playing a season through under a policy."""

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import NamedTuple
from unittest import mock

from sqlalchemy.orm import Session

from portal.core import seeds
from portal.office_hours.actions import requests
from tests.office_hours.simulation.checks import faults
from tests.office_hours.simulation.fair import ROUND_HOURS, Fair
from tests.office_hours.simulation.figures import Figures, figures
from tests.office_hours.simulation.first_come import FirstCome
from tests.office_hours.simulation.rows import Rows
from tests.office_hours.simulation.weeks import Weeks
from tests.office_hours.simulation.world import Season, build


class Policy(NamedTuple):
    """Who asks for seats when, and what of the series is otherwise."""

    begin: Callable[[Weeks], object]
    plan: dict[str, object]


POLICIES = {"first come": Policy(FirstCome, {}), "fair": Policy(Fair, {"round_hours": ROUND_HOURS})}


class Played(NamedTuple):
    """What came of a season, and what is wrong with it."""

    figures: Figures
    faults: dict[str, Rows]


def play(session: Session, season: Season, name: str) -> Played:
    """Play a season on an empty database."""
    policy = POLICIES[name]
    world = build(session, season, **policy.plan)
    weeks = Weeks(session, world)
    policy.begin(weeks)
    with no_chance():
        weeks.run()
    return Played(figures(session, world), faults(session))


@contextmanager
def no_chance() -> Iterator[None]:
    """Let the portal draw the same seeds and names in every run."""
    numbers = itertools.count()

    def digits(_bytes: int = 32) -> str:
        return hashlib.sha256(str(next(numbers)).encode()).hexdigest()

    def name() -> uuid.UUID:
        return uuid.UUID(digits()[:32])

    with (
        mock.patch.object(seeds, "draw", digits),
        mock.patch.object(requests, "uuid", SimpleNamespace(uuid4=name)),
    ):
        yield
