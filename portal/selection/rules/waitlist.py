"""Who of the waiting list comes next, under limits that were made for everybody."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from portal.selection.rules.drafts import Answer, Applicant, Question, Wish, answer, question, told_reason
from portal.selection.rules.solving import Limit
from portal.selection.rules.solving.clashes import clash
from portal.selection.rules.solving.exact import solve
from portal.selection.rules.solving.problem import Problem


class Proposed(NamedTuple):
    """What was found, the limits of each row's reason in words, and the minima that nobody can keep any more."""

    answer: Answer
    labels: tuple[tuple[str, ...], ...]
    given_up: tuple[str, ...]


def proposed(
    waiting: Sequence[Applicant], holders: Sequence[Applicant], wishes: Sequence[Wish], barred: Collection[str],
    places: int, seed: str,
) -> Proposed:  # fmt: skip
    """The best of those who wait for the places that the holders leave; the holders count in every limit.

    More people may hold places than there are, or more of a kind than a limit allows: then nobody more gets one.
    Minima that those who wait cannot fill are given up, one by one, as few as a clash names.
    """
    pins = {one.id: True for one in holders}
    asked = question([*waiting, *holders], wishes, pins, barred, max(places, len(holders)), seed)
    asked, given_up = _feasible(asked)
    found = answer(asked, {})
    kept = tuple(row for row in found.rows if row.candidate.id not in pins)
    labels = tuple(tuple(told_reason(asked, row.reason)) for row in kept)
    return Proposed(Answer(kept), labels, given_up)


def _feasible(asked: Question) -> tuple[Question, tuple[str, ...]]:
    """The question without what nobody can keep."""
    problem, given_up = asked.problem, list[str]()
    limits = tuple(
        Limit(limit.least, None if limit.most is None else max(limit.most, held))
        for limit, held in zip(problem.limits, problem.held, strict=True)
    )
    problem = Problem(problem.places, limits, problem.free, problem.pinned)
    while solve(problem).clash is not None:
        n = clash(problem).minima[0]
        given_up.append(asked.labels[n])
        changed = [*problem.limits]
        changed[n] = Limit(0, changed[n].most)
        problem = Problem(problem.places, tuple(changed), problem.free, problem.pinned)
    return replace(asked, problem=problem), tuple(given_up)
