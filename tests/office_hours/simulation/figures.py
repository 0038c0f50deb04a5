"""What came of the weeks: who had how many seats, and when they had their first one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy.orm import Session

from tests.office_hours.simulation.people import REGIONS, everybody
from tests.office_hours.simulation.rows import instant, rows
from tests.office_hours.simulation.world import World

MARKS = (4, 8, 12)
# When a session is a session at day: from eight to nine in the evening, as the portal counts.
DAY = range(8, 21)


class Figures(NamedTuple):
    """What is told of a run."""

    seats: int
    gini: Fraction
    # How many people had had a seat by the end of weeks 4, 8 and 12.
    served: tuple[int, ...]
    # Seats by part of the world.
    regions: tuple[int, ...]
    most: int
    missed: int


def gini(counts: Sequence[int]) -> Fraction:
    """Half of the mean difference between any two, as a share of the mean: the definition, not the portal's formula."""
    differences = sum(abs(one - other) for one in counts for other in counts)
    return Fraction(differences, 2 * len(counts) * sum(counts))


def figures(session: Session, world: World) -> Figures:
    """Count what the database has. A seat is one that was taken: attended, missed, or given back too late."""
    taken = rows(
        session,
        "SELECT participant_id, starts_at, state FROM office_booking "
        "WHERE state IN ('attended', 'no_show', 'late_cancelled') ORDER BY starts_at, id",
    )
    session.rollback()
    seats = Counter(world.people[who].number for who, _, _ in taken)
    first: dict[int, int] = {}
    for who, starts_at, _ in taken:
        first.setdefault(who, world.season.week_of(instant(starts_at)))
    by_region = Counter(world.people[who].region for who, _, _ in taken)
    return Figures(
        seats=len(taken),
        gini=gini([seats[person.number] for person in everybody()]),
        served=tuple(sum(week <= mark for week in first.values()) for mark in MARKS),
        regions=tuple(by_region[name] for name in REGIONS),
        most=max(seats.values()),
        missed=sum(state == "no_show" for _, _, state in taken),
    )


def without_a_day(session: Session) -> int:
    """For how many people no session of the season began between eight in the morning and nine in the evening."""
    starts = [instant(at) for (at,) in rows(session, "SELECT starts_at FROM office_session")]
    session.rollback()
    return sum(not any(int(person.hour(at)) in DAY for at in starts) for person in everybody())


def table(found: Iterable[tuple[str, Figures]]) -> str:
    """All runs, one a line."""
    head = ["", "seats", "Gini", *(f"served by week {mark}" for mark in MARKS), "most", "missed", *REGIONS]
    lines = [head, *([name, *_cells(one)] for name, one in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cells(one: Figures) -> list[str]:
    numbers = [*one.served, one.most, one.missed, *one.regions]
    return [str(one.seats), f"{float(one.gini):.3f}", *map(str, numbers)]
