"""Why somebody gets a place, and why somebody does not."""

from collections.abc import Iterable
from typing import NamedTuple

from portal.selection.rules.solving.problem import Candidate, Problem, Profile, by_profile, masks, members
from portal.selection.states import Because


class Reason(NamedTuple):
    """Why. `rival` is whom the person would displace, `gap` how much the sum of scores would change by that.

    `limits` are those that stand in the way, or that pull somebody in.
    """

    because: Because
    rival: int | None = None
    gap: int | None = None
    limits: tuple[int, ...] = ()


def reasons(problem: Problem, taken: frozenset[int]) -> dict[int, Reason]:
    """The reason of every candidate of the problem, under its best set."""
    everybody = (*problem.free, *problem.pinned)
    inside = [one for one in everybody if one.id in taken]
    state = _State(problem, inside, *masks(problem, inside))
    outside = by_profile(one for one in problem.free if one.id not in taken)
    found = {one.id: Reason(Because.PINNED_IN) for one in problem.pinned}
    found |= _of_taken(state, everybody, [alike[0] for alike in outside.values()])
    for profile, alike in outside.items():
        found |= _of_alike(state, profile, alike)
    return found


class _State:
    """Who is in, and which limits are at an end."""

    def __init__(self, problem: Problem, inside: list[Candidate], full: Profile, floor: Profile) -> None:
        pinned = {one.id for one in problem.pinned}
        self.places = problem.places
        self.spare = len(inside) < problem.places
        self.full, self.floor = full, floor
        # Whoever can be displaced, the lowest first.
        self.lowest = sorted((one for one in inside if one.id not in pinned), key=lambda one: one.rank)

    def above(self, entering: Profile, leaving: Profile) -> Profile:
        """Limits at their maximum that an exchange would break."""
        return entering & ~leaving & self.full

    def below(self, entering: Profile, leaving: Profile) -> Profile:
        """Limits at their minimum that an exchange would break."""
        return leaving & ~entering & self.floor


def _of_alike(state: _State, profile: Profile, alike: list[Candidate]) -> dict[int, Reason]:
    """Reasons of candidates of one profile who are not taken: one search for all of them."""
    if not state.lowest and not state.spare:
        return {one.id: Reason(Because.FULL) for one in alike}
    removable = next((one for one in state.lowest if not state.below(profile, one.profile)), None)
    victim = next(
        (
            one
            for one in state.lowest
            if not state.below(profile, one.profile) and not state.above(profile, one.profile)
        ),
        None,
    )
    if state.spare:
        blocks, line = profile & state.full, None
    elif removable is None:
        blocks, line = state.below(profile, state.lowest[0].profile), None
    else:
        blocks, line = state.above(profile, removable.profile), removable
    limits = members(blocks)
    return {one.id: _against(one, victim, line, limits) for one in alike}


def _against(one: Candidate, victim: Candidate | None, line: Candidate | None, limits: tuple[int, ...]) -> Reason:
    """`victim` is the lowest whom the limits let this one displace, `line` the lowest without the maxima."""
    gap = one.score - victim.score if victim else None
    rival = victim.id if victim else None
    if limits and (victim is None or line is None or one.rank > line.rank):
        return Reason(Because.BLOCKED, rival, gap, limits)
    return Reason(Because.SWAP if gap else Because.TIE, rival, gap)


def _of_taken(state: _State, everybody: Iterable[Candidate], best_outside: list[Candidate]) -> dict[int, Reason]:
    """Whoever stands in the plain ranking's first places needs no other reason."""
    plain = sorted(everybody, key=lambda one: one.rank, reverse=True)[: state.places]
    first = {one.id for one in plain}
    ordered = sorted(best_outside, key=lambda one: one.rank, reverse=True)
    return {
        one.id: Reason(Because.RANK) if one.id in first else _not_by_rank(state, one, ordered) for one in state.lowest
    }


def _not_by_rank(state: _State, one: Candidate, outside: list[Candidate]) -> Reason:
    """A minimum pulls them in, or those above them are held back by maxima."""
    held_back: Profile = 0
    for other in outside:
        if other.rank < one.rank:
            break
        blocks = state.above(other.profile, one.profile)
        if not blocks:
            pulls = state.below(other.profile, one.profile)
            return Reason(Because.PULLED, other.id, one.score - other.score, members(pulls))
        held_back |= blocks
    return Reason(Because.MOVED_UP, limits=members(held_back))
