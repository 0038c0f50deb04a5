"""Why nothing keeps all limits: a smallest set of them that cannot be kept together."""

from collections import Counter
from collections.abc import Callable, Iterable

from portal.selection.rules.solving.problem import Clash, Problem, counted, members
from portal.selection.rules.solving.programme import Programme, best

# What can be given up: ("least", limit), ("most", limit), ("places", 0), ("pin", application).
Item = tuple[str, int]


def clash(problem: Problem) -> Clash:
    """Limits that clash, found by leaving out one after the other whatever is not needed for that (a deletion filter).

    What remains is minimal: without any one of it, the rest could be kept. It need not be the only such set.
    """
    items: list[Item] = [("pin", one.id) for one in problem.pinned]
    items += [("most", n) for n, limit in enumerate(problem.limits) if limit.most is not None]
    items += [("places", 0)]
    items += [("least", n) for n, limit in enumerate(problem.limits) if limit.least > 0]
    kept = shrunk(items, lambda some: not _possible(problem, frozenset(some)))
    return Clash(
        minima=tuple(n for kind, n in kept if kind == "least"),
        maxima=tuple(n for kind, n in kept if kind == "most"),
        places=("places", 0) in kept,
        pinned=tuple(number for kind, number in kept if kind == "pin"),
    )


def shrunk(items: list[Item], clashing: Callable[[Iterable[Item]], bool]) -> list[Item]:
    """A minimal part of `items` that is clashing: halves are tried first, single ones last."""
    size = max(1, len(items) // 2)
    while True:
        start = 0
        while start < len(items):
            rest = items[:start] + items[start + size :]
            if clashing(rest):
                items = rest
            else:
                start += size
        if size == 1:
            return items
        size //= 2


def _possible(problem: Problem, items: frozenset[Item]) -> bool:
    """Whether something keeps these; a pin that is not among them leaves its holder free."""
    pinned = [one for one in problem.pinned if ("pin", one.id) in items]
    loose = Counter(one.profile for one in problem.free)
    loose.update(one.profile for one in problem.pinned if ("pin", one.id) not in items)
    held, everybody = counted(pinned, len(problem.limits)), sum(loose.values())
    seats = problem.places - len(pinned) if ("places", 0) in items else everybody
    rows, row_of = [(0, seats)], {}
    for n, limit in enumerate(problem.limits):
        least = limit.least - held[n] if ("least", n) in items else 0
        most = limit.most - held[n] if limit.most is not None and ("most", n) in items else everybody
        if most < max(0, least):
            return False
        if least > 0 or most < everybody:
            row_of[n] = len(rows)
            rows.append((max(0, least), most))
    if seats < 0:
        return False
    programme = Programme(rows=rows)
    for profile, many in loose.items():
        programme.add(0, many, [0, *(row_of[n] for n in members(profile) if n in row_of)])
    return best(programme) is not None
