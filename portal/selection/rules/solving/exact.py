"""The best set, exactly."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from portal.selection.rules.solving.clashes import clash
from portal.selection.rules.solving.problem import (
    Candidate,
    Problem,
    Profile,
    Solution,
    members,
    nonsense,
    reduced,
)
from portal.selection.rules.solving.programme import Bound, Programme, best, relaxed

# How far from its bound's price (in hundredths of the score) a column may lie to be looked at first.
_NEAR = 16
# What floating point may err by, far below the one hundredth that a sum differs by at least.
_ERROR = 1e-4
# Lottery numbers that are compared at once, by powers of two: sums stay far below what a float keeps exactly.
_AT_ONCE = 20


class Cell(NamedTuple):
    """Candidates who are equal to all limits and in score, the higher lottery number first."""

    profile: Profile
    score: int
    people: tuple[Candidate, ...]


def solve(problem: Problem) -> Solution:
    """Who gets a place, or what clashes. Deterministic, and exact: see `Problem` for what is best."""
    wrong = nonsense(problem)
    if wrong:
        return Solution(clash=wrong)
    cells = _cells(problem)
    chosen = _choose(problem, cells)
    if chosen is None:
        return Solution(clash=clash(problem))
    return Solution(frozenset(one.id for one in (*problem.pinned, *chosen)))


def _cells(problem: Problem) -> list[Cell]:
    found = []
    for profile, alike in reduced(problem).items():
        by_score: dict[int, list[Candidate]] = {}
        for one in alike:
            by_score.setdefault(one.score, []).append(one)
        found += [Cell(profile, score, tuple(people)) for score, people in by_score.items()]
    return found


class Table(NamedTuple):
    """The rows of a problem: how many are taken, and every limit that can bind. `row_of` leads from limits to rows."""

    rows: list[tuple[int, int]]
    row_of: dict[int, int]

    def within(self, profile: Profile) -> list[int]:
        """The rows in which a profile counts."""
        return [0, *(self.row_of[n] for n in members(profile) if n in self.row_of)]


def _table(problem: Problem, cells: Sequence[Cell], number: int) -> Table:
    available = [0] * len(problem.limits)
    for cell in cells:
        for n in members(cell.profile):
            available[n] += len(cell.people)
    rows, row_of = [(number, number)], {}
    for n, many in enumerate(available):
        least, most = problem.least(n), min(many, problem.most(n))
        if least > 0 or most < many:
            row_of[n] = len(rows)
            rows.append((least, most))
    return Table(rows, row_of)


def _choose(problem: Problem, cells: list[Cell]) -> list[Candidate] | None:
    """The best set of the free for the highest number that can be taken; None where nothing keeps the limits."""
    number = min(problem.seats, sum(len(cell.people) for cell in cells))
    table = _table(problem, cells, number)
    chosen = _of_number(cells, table)
    if chosen is not None:
        return chosen
    number_of = Programme(rows=[(0, number), *table.rows[1:]])
    for cell in cells:
        number_of.add(1, len(cell.people), table.within(cell.profile))
    most = best(number_of)
    return None if most is None else _of_number(cells, Table([(sum(most),) * 2, *table.rows[1:]], table.row_of))


def _of_number(cells: list[Cell], table: Table) -> list[Candidate] | None:
    whole = Programme(rows=table.rows)
    for cell in cells:
        whole.add(cell.score, len(cell.people), table.within(cell.profile))
    if not cells:
        return [] if best(whole) is not None else None
    bound = relaxed(whole)
    found = bound and _core(whole, bound)
    if bound is None or found is None:
        return None
    values, total = found
    # A column whose price is above the gap stands at its end in every best set.
    gap = bound.most - total + _ERROR
    settled = [abs(price) > gap for price in bound.prices]
    chosen = [one for cell, value, sure in zip(cells, values, settled, strict=True) if sure
              for one in cell.people[:value]]  # fmt: skip
    open_ = [cell for cell, sure in zip(cells, settled, strict=True) if not sure]
    left = sum(value * cell.score for cell, value, sure in zip(cells, values, settled, strict=True) if not sure)
    rows = _left(whole, [value if sure else 0 for value, sure in zip(values, settled, strict=True)])
    return chosen + _by_lottery(open_, Table(rows, table.row_of), left)


def _core(whole: Programme, bound: Bound) -> tuple[list[int], int] | None:
    """Solve for the columns near the cut only, the others fixed at their ends, as long as that proves the optimum.

    A set that is worth more than `total` has no column off its end that costs more than `bound.most - total`. So when
    all columns that cost less were looked at, the set that was found is the best of all.
    """
    near = float(_NEAR)
    while True:
        looked = [number for number, price in enumerate(bound.prices) if abs(price) <= near]
        fixed = [
            0 if abs(price) <= near or price < 0 else upper
            for price, upper in zip(bound.prices, whole.upper, strict=True)
        ]
        part = Programme(rows=_left(whole, fixed))
        for number in looked:
            part.add(whole.worth[number], whole.upper[number], whole.within[number])
        found = best(part)
        if found is not None:
            for number, value in zip(looked, found, strict=True):
                fixed[number] = value
            total = sum(value * worth for value, worth in zip(fixed, whole.worth, strict=True))
            if len(looked) == len(fixed) or bound.most - total + _ERROR < near:
                return fixed, total
        elif len(looked) == len(fixed):
            return None
        near *= 4


def _left(whole: Programme, values: Sequence[int]) -> list[tuple[int, int]]:
    """What the rows still need and allow beside these values."""
    used = [0] * len(whole.rows)
    for value, within in zip(values, whole.within, strict=True):
        if value:
            for row in within:
                used[row] += value
    return [(least - many, most - many) for (least, most), many in zip(whole.rows, used, strict=True)]


def _by_lottery(cells: list[Cell], table: Table, total: int) -> list[Candidate]:
    """Of the sets with this sum, the one that the lottery wants.

    Rows that these cells cannot break are forgotten; whoever is equal in the rest and in score is exchangeable, so the
    lower lottery number of such equals never comes before the higher, and where one of them cannot be taken, nobody
    after them can. So whole groups are settled with each question.
    """
    groups = _merged(cells, table)
    rows, chosen = list(table.rows), list[Candidate]()
    while groups and rows[0][1] > 0:
        heads = sorted(((one.lottery, -one.id, key) for key, people in groups.items() for one in people), reverse=True)
        asked = heads[:_AT_ONCE]
        taken = _ask(groups, asked, rows, total)
        for key, (many, wanted) in taken.items():
            chosen += groups[key][:many]
            total -= many * key[1]
            for row in key[0]:
                rows[row] = (rows[row][0] - many, rows[row][1] - many)
            groups[key] = groups[key][many:] if many == wanted else []
        groups = {key: people for key, people in groups.items() if people}
    return chosen


Key = tuple[tuple[int, ...], int]


def _merged(cells: list[Cell], table: Table) -> dict[Key, list[Candidate]]:
    """People by the rows that they could break and by score, the higher lottery number first."""
    available = [0] * len(table.rows)
    for cell in cells:
        for row in table.within(cell.profile):
            available[row] += len(cell.people)
    binding: Callable[[int], bool] = lambda row: (  # noqa: E731
        row == 0 or table.rows[row][0] > 0 or table.rows[row][1] < available[row]
    )
    groups: dict[Key, list[Candidate]] = {}
    for cell in cells:
        key = (tuple(row for row in table.within(cell.profile) if binding(row)), cell.score)
        groups.setdefault(key, []).extend(cell.people)
    for people in groups.values():
        people.sort(key=lambda one: one.rank, reverse=True)
    return groups


def _ask(
    groups: dict[Key, list[Candidate]], asked: Sequence[tuple[int, int, Key]], rows: list[tuple[int, int]], total: int
) -> dict[Key, tuple[int, int]]:
    """Of each group, how many of those asked for can be taken, and how many they are."""
    programme, columns, wanted = Programme(rows=rows), list[Key | None](), dict[Key, int]()
    for place, (_, _, key) in enumerate(asked):
        programme.add(1 << (_AT_ONCE - 1 - place), 1, key[0])
        columns.append(key)
        wanted[key] = wanted.get(key, 0) + 1
    weights = [key[1] for _, _, key in asked]
    for key, people in groups.items():
        rest = len(people) - wanted.get(key, 0)
        if rest:
            programme.add(0, rest, key[0])
            columns.append(None)
            weights.append(key[1])
    programme.weighed = (weights, total)
    values = best(programme)
    if values is None:
        raise ArithmeticError("the lottery found no set of the sum that was found before")
    taken = dict.fromkeys(wanted, 0)
    for column, value in zip(columns, values, strict=True):
        if column is not None:
            taken[column] += value
    return {key: (many, wanted[key]) for key, many in taken.items()}
