"""Twelve weeks, seventy participants, three hosts, every host's clock changing: nothing is given twice, and it is fair.

What comes of them is told exactly: it is the same on either database, and whatever the zone of the machine.
"""

import time as machine
from collections.abc import Iterator
from fractions import Fraction

import pytest
from sqlalchemy.orm import Session

from portal.office_hours.rules.access import gini
from tests.office_hours.simulation.figures import Figures
from tests.office_hours.simulation.figures import gini as by_definition
from tests.office_hours.simulation.people import PLACES, REGIONS, everybody
from tests.office_hours.simulation.play import play
from tests.office_hours.simulation.world import AUTUMN, HOSTS, SEASONS, SERIES, SHORT, SPRING, Season

FIRST_COME = {
    SPRING: Figures(169, Fraction(7773, 11830), (28, 41, 50), (57, 69, 28, 15), most=15, missed=16),
    AUTUMN: Figures(170, Fraction(121, 175), (26, 36, 46), (52, 73, 29, 16), most=14, missed=10),
}
FAIR = {
    SPRING: Figures(171, Fraction(407, 1710), (52, 67, 70), (64, 56, 39, 12), most=7, missed=11),
    AUTUMN: Figures(173, Fraction(517, 1730), (53, 65, 66), (69, 60, 33, 11), most=6, missed=12),
}
SHORTLY_FAIR = Figures(45, Fraction(153, 350), (42, 42, 42), (16, 16, 10, 3), most=2, missed=5)
# A long season is played on one database, in one zone or another; the short one on both. What is fair takes most of the
# database, so that of the long ones only the other rule is played on PostgreSQL.
WHERE = [
    pytest.param(SPRING, "sqlite", "UTC", id="spring"),
    pytest.param(AUTUMN, "sqlite", "Pacific/Chatham", id="autumn"),
]
FIRST = [
    pytest.param(SPRING, "sqlite", "UTC", id="spring"),
    pytest.param(AUTUMN, "postgresql", "Pacific/Chatham", id="autumn"),
]
SHORTLY = [
    pytest.param(SHORT, "sqlite", "Pacific/Chatham", id="sqlite"),
    pytest.param(SHORT, "postgresql", "UTC", id="postgresql"),
]


@pytest.fixture
def machine_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own zone."""
    monkeypatch.setenv("TZ", zone)
    machine.tzset()
    yield
    monkeypatch.undo()
    machine.tzset()


def test_seventy_people_of_twenty_one_countries_and_three_hosts_in_three_zones() -> None:
    assert (len(everybody()), len({person.country for person in everybody()})) == (70, 21)
    assert sorted(PLACES) == sorted(country for countries in REGIONS.values() for country in countries)
    assert len(set(HOSTS.values())) == len(HOSTS) == len(SERIES) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize(("season", "database", "zone"), FIRST)
def test_twelve_weeks_first_come_first_served(session: Session, season: Season) -> None:
    played = play(session, season, "first come")

    assert played.faults == {}
    assert played.figures == FIRST_COME[season]


@pytest.mark.slow
@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize(("season", "database", "zone"), WHERE)
def test_twelve_weeks_by_the_fair_rules(session: Session, season: Season) -> None:
    played = play(session, season, "fair")

    assert played.faults == {}
    assert played.figures == FAIR[season]


@pytest.mark.parametrize("season", SEASONS, ids=lambda season: season.name)
def test_the_fair_rules_reach_more_people_with_as_many_seats(season: Season) -> None:
    fair, first_come = FAIR[season], FIRST_COME[season]

    assert fair.gini < first_come.gini / 2
    assert fair.most < first_come.most
    assert all(more > fewer for more, fewer in zip(fair.served, first_come.served, strict=True))


@pytest.mark.slow
@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize(("season", "database", "zone"), SHORTLY)
def test_three_weeks_come_out_the_same_everywhere(session: Session, season: Season) -> None:
    played = play(session, season, "fair")

    assert played.faults == {}
    assert played.figures == SHORTLY_FAIR


@pytest.mark.parametrize("counts", [[1, 1, 1], [0, 0, 0, 9], [1, 2, 3, 4, 10], list(range(70))])
def test_the_portal_reckons_the_same_gini(counts: list[int]) -> None:
    assert gini(counts) == by_definition(counts)


def test_gini_of_one_who_has_everything() -> None:
    assert by_definition([0, 0, 0, 9]) == Fraction(3, 4)
