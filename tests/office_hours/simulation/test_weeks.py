"""Twelve weeks, seventy participants, three hosts, every clock changing: nothing is given twice, and it is fair.

Each season runs on either database and on machines in two very different zones; the figures are the same.
"""

import time as machine
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from tests.office_hours.simulation.people import PLACES, REGIONS, everybody
from tests.office_hours.simulation.play import play
from tests.office_hours.simulation.world import AUTUMN, HOSTS, SEASONS, SERIES, SPRING, Season

pytestmark = pytest.mark.slow


@pytest.fixture
def machine_zone(season: Season, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own zone: each season sees both, one on either database."""
    monkeypatch.setenv("TZ", "UTC" if (season is SPRING) == (database == "sqlite") else "Pacific/Chatham")
    machine.tzset()
    yield
    monkeypatch.undo()
    machine.tzset()


def test_seventy_people_of_twenty_one_countries_and_three_hosts_in_three_zones() -> None:
    assert (len(everybody()), len({person.country for person in everybody()})) == (70, 21)
    assert sorted(PLACES) == sorted(country for countries in REGIONS.values() for country in countries)
    assert len(set(HOSTS.values())) == len(HOSTS) == len(SERIES) == 3


@pytest.mark.parametrize("season", SEASONS, ids=lambda season: season.name)
def test_first_come(session: Session, season: Season, machine_zone: None) -> None:
    played = play(session, season, "first come")

    assert played.faults == {}
    assert played.figures.served[-1] == {SPRING: 45, AUTUMN: 47}[season]
