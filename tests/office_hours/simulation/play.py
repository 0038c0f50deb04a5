"""Playing a season through under a policy."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.orm import Session

from tests.office_hours.simulation.checks import Rows, faults
from tests.office_hours.simulation.figures import Figures, figures
from tests.office_hours.simulation.first_come import FirstCome
from tests.office_hours.simulation.weeks import Weeks
from tests.office_hours.simulation.world import Season, build

POLICIES: dict[str, Callable[[Weeks], object]] = {"first come": FirstCome}


class Played(NamedTuple):
    """What came of a season, and what is wrong with it."""

    figures: Figures
    faults: dict[str, Rows]


def play(session: Session, season: Season, policy: str) -> Played:
    """Play a season on an empty database."""
    world = build(session, season)
    weeks = Weeks(session, world)
    POLICIES[policy](weeks)
    weeks.run()
    return Played(figures(session, world), faults(session))
