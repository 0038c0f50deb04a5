"""Integer programmes, handed to HiGHS (https://highs.dev), which is loaded only when something is solved."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class Programme:
    """Columns of whole numbers between 0 and `upper`, each worth something, and rows that hold sums of them."""

    worth: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    # The rows in which a column counts once.
    within: list[Sequence[int]] = field(default_factory=list)
    rows: list[tuple[int, int]] = field(default_factory=list)
    # A last row may weigh its columns otherwise: (weights, total).
    weighed: tuple[list[int], int] | None = None

    def add(self, worth: int, upper: int, within: Sequence[int]) -> None:
        """One more column."""
        self.worth.append(worth)
        self.upper.append(upper)
        self.within.append(within)


# How many columns the relaxation begins with, and how many more it is shown at a time.
SHOWN = 2000
_NOTHING = 1e-7


class Bound(NamedTuple):
    """What the relaxation proves: no set is worth more than `most`, and each column's price of leaving its bound."""

    most: float
    prices: "NDArray[np.float64]"


def best(programme: Programme) -> list[int] | None:
    """The columns of a set of the greatest worth; None where nothing keeps all rows."""
    if not programme.worth:
        return [] if all(least <= 0 <= most for least, most in programme.rows) and _weighs_nothing(programme) else None
    values = _run(programme, whole=True)
    return None if values is None else [round(value) for value in values[0]]


def _weighs_nothing(programme: Programme) -> bool:
    return programme.weighed is None or programme.weighed[1] == 0


def relaxed(programme: Programme) -> Bound | None:
    """The bound by linear programming; None where not even fractions keep all rows.

    Weak duality makes the bound true for any prices y of the rows: a set x is worth c·x = y·Ax + (c − yA)·x. That is at
    most what the rows' ends allow of the first part, and each column's end of the second. Each unit by which a column
    leaves its end costs |c − yA| of that. So neither rounding errors of the solver nor the columns that it was not
    shown can make the bound wrong; they are shown as long as one of them would improve it (column generation).
    """
    import numpy as np

    starts, index = _columns(programme)
    worth, upper = np.asarray(programme.worth, dtype=float), np.asarray(programme.upper, dtype=float)
    ends = np.asarray(programme.rows, dtype=float)
    shown = _promising(programme)
    while True:
        found = _run(_only(programme, shown), whole=False)
        if found is None:
            if len(shown) == len(worth):
                return None
            shown = list(range(len(worth)))
            continue
        prices = -np.asarray(found[1])  # of a minimum of −worth
        left = worth - _paid(prices, starts, index)
        hidden = np.flatnonzero(left > _NOTHING)
        new = sorted(set(hidden[np.argsort(-left[hidden])].tolist()) - set(shown), key=lambda n: -left[n])
        if not new:
            most = np.maximum(prices * ends[:, 0], prices * ends[:, 1]).sum()
            return Bound(float(most + (np.maximum(left, 0) * upper).sum()), left)
        shown = sorted({*shown, *new[:SHOWN]})


def _promising(programme: Programme) -> list[int]:
    """The columns to begin with: those that are worth most, at all and within each row that wants some."""
    if len(programme.worth) <= SHOWN:
        return list(range(len(programme.worth)))
    ordered = sorted(range(len(programme.worth)), key=lambda n: -programme.worth[n])
    wanted = {row: SHOWN // len(programme.rows) + most for row, (most, _) in enumerate(programme.rows) if most > 0}
    chosen = set(ordered[: SHOWN // 2])
    for n in ordered:
        for row in programme.within[n]:
            if wanted.get(row, 0) > 0:
                wanted[row] -= 1
                chosen.add(n)
    return sorted(chosen)


def _only(programme: Programme, shown: Sequence[int]) -> Programme:
    if len(shown) == len(programme.worth):
        return programme
    part = Programme(rows=programme.rows)
    for n in shown:
        part.add(programme.worth[n], programme.upper[n], programme.within[n])
    return part


def _paid(
    prices: "NDArray[np.float64]", starts: "NDArray[np.int64]", index: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    """What each column pays for its rows."""
    import numpy as np

    sums = np.concatenate([[0.0], np.cumsum(prices[index])])
    return np.asarray(sums[starts[1:]] - sums[starts[:-1]])


def _columns(programme: Programme) -> tuple["NDArray[np.int64]", "NDArray[np.int64]"]:
    """Where each column's rows begin, and all rows one column after the other."""
    import numpy as np

    lengths = np.fromiter((len(rows) for rows in programme.within), dtype=np.int64, count=len(programme.within))
    index = np.fromiter((row for rows in programme.within for row in rows), dtype=np.int64, count=int(lengths.sum()))
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), index


def _run(programme: Programme, *, whole: bool) -> tuple[list[float], list[float]] | None:
    """Values of the columns and duals of the rows at the optimum."""
    import highspy
    import numpy as np

    starts, index = _columns(programme)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(programme.worth), len(programme.rows)
    model.col_cost_ = -np.asarray(programme.worth, dtype=np.float64)
    model.col_lower_ = np.zeros(model.num_col_)
    model.col_upper_ = np.asarray(programme.upper, dtype=np.float64)
    ends = np.asarray(programme.rows, dtype=np.float64).reshape(-1, 2)
    model.row_lower_, model.row_upper_ = ends[:, 0].copy(), ends[:, 1].copy()
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = starts, index
    model.a_matrix_.value_ = np.ones(len(index))
    if whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * model.num_col_
    # The wrapper `highspy.Highs` does no more than set up callbacks, by which it prints its name on standard output.
    solver = highspy._core._Highs()
    for option, value in _OPTIONS.items():
        solver.setOptionValue(option, value)
    solver.passModel(model)
    if programme.weighed:
        _weigh(solver, programme.weighed)
    solver.run()
    status = solver.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        raise ArithmeticError(f"the solver ended without an answer: {solver.modelStatusToString(status)}")
    solution = solver.getSolution()
    return list(solution.col_value), list(solution.row_dual)


# Worths are whole numbers: a set within half of the bound is the best. One thread and one seed: the same every time.
_OPTIONS: dict[str, bool | float] = {
    "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 0.0, "mip_abs_gap": 0.5,
}  # fmt: skip


def _weigh(solver: object, weighed: tuple[list[int], int]) -> None:
    weights, total = weighed
    counting = [(column, float(weight)) for column, weight in enumerate(weights) if weight]
    solver.addRow(  # type: ignore[attr-defined]
        float(total), float(total), len(counting), [column for column, _ in counting], [w for _, w in counting]
    )
