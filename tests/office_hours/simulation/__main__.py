"""Print what came of both seasons under each policy, and fail if anything is wrong.

With `--storm`: let sixty-four people want every other session at once, in processes that are killed, for twelve weeks
on either database. The tests do so for three weeks.
"""

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

from portal.office_hours.models import Booking
from tests.faults.stage import backstage
from tests.office_hours.simulation.checks import faults
from tests.office_hours.simulation.figures import table
from tests.office_hours.simulation.play import POLICIES, Played, play
from tests.office_hours.simulation.rows import Rows
from tests.office_hours.simulation.storm import Storm
from tests.office_hours.simulation.stormy import Stormy
from tests.office_hours.simulation.weeks import Weeks
from tests.office_hours.simulation.world import AUTUMN, SEASONS, SPRING, Season, build


def main() -> int:
    """All four runs, on SQLite."""
    runs = [(season, policy) for season in SEASONS for policy in POLICIES]
    played = [(f"{season.name}, {policy}", _play(season, policy)) for season, policy in runs]
    print(table([(name, one.figures) for name, one in played]))
    wrong = {name: one.faults for name, one in played if one.faults}
    print(wrong or "Nothing is wrong.")
    return 1 if wrong else 0


def storms() -> int:
    """A whole season on each database."""
    wrong = {kind: _storm(kind, season) for kind, season in (("sqlite", SPRING), ("postgresql", AUTUMN))}
    print({kind: found for kind, found in wrong.items() if found} or "Nothing is wrong.")
    return 1 if any(wrong.values()) else 0


def _storm(kind: str, season: Season) -> dict[str, Rows]:
    with tempfile.TemporaryDirectory() as folder, backstage(kind, Path(folder)) as behind, behind.session() as session:
        storm = Storm(behind.environ["PORTAL_DATABASE_URL"])
        weeks = Weeks(session, build(session, season))
        Stormy(weeks, storm)
        weeks.run()
        taken = session.scalar(sa.select(sa.func.count()).select_from(Booking))
        print(f"{kind}, {season.name}: {taken} bookings, {storm.killed} processes killed; of those who asked there "
              f"{storm.heard} had been answered and {storm.lost} had not")  # fmt: skip
        return faults(session)


def _play(season: Season, policy: str) -> Played:
    with (
        tempfile.TemporaryDirectory() as folder,
        backstage("sqlite", Path(folder)) as behind,
        behind.session() as session,
    ):
        return play(session, season, policy)


if __name__ == "__main__":
    sys.exit(storms() if "--storm" in sys.argv[1:] else main())
