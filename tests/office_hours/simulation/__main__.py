"""Print what came of both seasons under each policy, and fail if anything is wrong."""

import sys
import tempfile
from pathlib import Path

from tests.faults.stage import backstage
from tests.office_hours.simulation.figures import table
from tests.office_hours.simulation.play import POLICIES, Played, play
from tests.office_hours.simulation.world import SEASONS, Season


def main() -> int:
    """All four runs, on SQLite."""
    runs = [(season, policy) for season in SEASONS for policy in POLICIES]
    played = [(f"{season.name}, {policy}", _play(season, policy)) for season, policy in runs]
    print(table([(name, one.figures) for name, one in played]))
    wrong = {name: one.faults for name, one in played if one.faults}
    print(wrong or "Nothing is wrong.")
    return 1 if wrong else 0


def _play(season: Season, policy: str) -> Played:
    with (
        tempfile.TemporaryDirectory() as folder,
        backstage("sqlite", Path(folder)) as behind,
        behind.session() as session,
    ):
        return play(session, season, policy)


if __name__ == "__main__":
    sys.exit(main())
