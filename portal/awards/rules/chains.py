"""What hangs together: reports of which one gives what the other assumes."""

from collections.abc import Collection


def together(start: int, pairs: Collection[tuple[int, int]]) -> list[int]:
    """All numbers that hang together with `start` by pairs (before, after), in that order; else the lower one first."""
    found = {start}
    while more := {each for pair in pairs if found & set(pair) for each in pair} - found:
        found |= more
    ordered: list[int] = []
    rest = sorted(found)
    while rest:
        waiting = {after for before, after in pairs if before in rest and after in rest}
        # Where they go round in a circle, somebody has to be the first.
        ordered.append(next((each for each in rest if each not in waiting), rest[0]))
        rest.remove(ordered[-1])
    return ordered
