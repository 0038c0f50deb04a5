"""The exact solver, held against trying all sets."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.selection.rules.solving import Candidate, Clash, Limit, Problem, Solution, programme, reasons, solve
from portal.selection.rules.solving.clashes import clash
from portal.selection.rules.solving.problem import by_profile, counted, reduced
from portal.selection.states import Because


def keeps(problem: Problem, some: tuple[Candidate, ...]) -> bool:
    """Whether the free `some` and the pinned keep everything."""
    numbers = counted((*some, *problem.pinned), len(problem.limits))
    return len(some) + len(problem.pinned) <= problem.places and all(
        limit.least <= many and (limit.most is None or many <= limit.most)
        for limit, many in zip(problem.limits, numbers, strict=True)
    )


def by_force(problem: Problem) -> frozenset[int] | None:
    """The best set of all: the most people, the highest sum, the lottery's word on equals."""
    ordered = sorted(problem.free, key=lambda one: (one.lottery, -one.id), reverse=True)
    sets = [some for size in range(len(ordered) + 1) for some in combinations(ordered, size) if keeps(problem, some)]
    if not sets:
        return None
    found = max(sets, key=lambda some: (len(some), sum(one.score for one in some), [one in some for one in ordered]))
    return frozenset(one.id for one in (*found, *problem.pinned))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small ones, with ties, pins, minima, maxima, too few and too many people."""
    limits = draw(st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(0, 4)), max_size=4))
    people = draw(
        st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 5), st.integers(0, 2 ** len(limits) - 1)), max_size=9)
    )
    made = tuple(Candidate(n, score, lottery, profile) for n, (score, lottery, profile) in enumerate(people))
    pins = draw(st.integers(0, 2))
    kept = tuple(Limit(least, most) for least, most in limits)
    return Problem(draw(st.integers(0, 6)), kept, made[pins:], made[:pins])


@settings(max_examples=400, deadline=None)
@given(problems())
def test_what_is_found_is_the_best_of_all_sets(problem: Problem) -> None:
    found = solve(problem)
    wanted = by_force(problem)
    assert (found.clash is None) == (wanted is not None)
    if wanted is not None:
        assert found.taken == wanted


@settings(max_examples=200, deadline=None)
@given(problems())
def test_columns_that_come_late_change_nothing(problem: Problem) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programme, "SHOWN", 2)
        found = solve(problem)
    assert found == solve(problem)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_a_clash_is_one_and_a_smallest_one(problem: Problem) -> None:
    if by_force(problem) is not None:
        return
    for told in (solve(problem).clash, clash(problem)):
        assert told is not None
        assert by_force(without(problem, told)) is None
        for smaller in leaving_out(told):
            assert by_force(without(problem, smaller)) is not None


def without(problem: Problem, told: Clash) -> Problem:
    """The problem with nothing but what a clash names."""
    limits = tuple(
        Limit(limit.least if n in told.minima else 0, limit.most if n in told.maxima else None)
        for n, limit in enumerate(problem.limits)
    )
    pinned = tuple(one for one in problem.pinned if one.id in told.pinned)
    loose = tuple(one for one in problem.pinned if one.id not in told.pinned)
    everybody = len(problem.free) + len(problem.pinned)
    return Problem(problem.places if told.places else everybody, limits, problem.free + loose, pinned)


def leaving_out(told: Clash) -> list[Clash]:
    """The clash without one of its parts."""
    found = [told._replace(minima=tuple(n for n in told.minima if n != gone)) for gone in told.minima]
    found += [told._replace(maxima=tuple(n for n in told.maxima if n != gone)) for gone in told.maxima]
    found += [told._replace(pinned=tuple(n for n in told.pinned if n != gone)) for gone in told.pinned]
    return found + ([told._replace(places=False)] if told.places else [])


@settings(max_examples=300, deadline=None)
@given(problems())
def test_every_reason_is_true(problem: Problem) -> None:
    taken = solve(problem).taken
    if by_force(problem) is None:
        return
    told = reasons(problem, taken)
    everybody = {one.id: one for one in (*problem.free, *problem.pinned)}
    assert set(told) == set(everybody)
    inside = [everybody[number] for number in taken]
    pinned = {one.id for one in problem.pinned}
    plain = sorted(everybody.values(), key=lambda one: one.rank, reverse=True)[: problem.places]
    for number, reason in told.items():
        one = everybody[number]
        if number in taken:
            expected = number not in pinned and one in plain
            assert (reason.because is Because.RANK) == expected
            assert (reason.because is Because.PINNED_IN) == (number in pinned)
            continue
        swaps = [
            other for other in inside
            if other.id not in pinned
            and keeps(problem, tuple(x for x in (*inside, one) if x is not other and x.id not in pinned))
        ]  # fmt: skip
        cheapest = min(swaps, key=lambda other: other.rank, default=None)
        if reason.because is Because.FULL:
            assert not swaps
            continue
        assert reason.rival == (cheapest.id if cheapest else None)
        if cheapest:
            assert reason.gap == one.score - cheapest.score <= 0
            assert cheapest.rank > one.rank
        if reason.because is Because.BLOCKED:
            assert reason.limits
        if reason.because is Because.TIE:
            assert reason.gap == 0


def test_what_cannot_be_in_the_best_set_is_left_out_of_the_question() -> None:
    people = tuple(Candidate(n, n % 7, n, n % 2) for n in range(50))
    problem = Problem(6, (Limit(0, 3),), people)
    kept = reduced(problem)
    assert {profile: len(alike) for profile, alike in kept.items()} == {0: 6, 1: 3}
    assert kept[0] == by_profile(people)[0][:6]


def test_scores_that_are_equal_leave_it_to_the_lottery() -> None:
    people = tuple(Candidate(n, 400, lottery, 0) for n, lottery in enumerate((5, 9, 7, 1)))
    assert solve(Problem(2, (), people)) == Solution(frozenset({1, 2}))


def test_minima_pull_in_and_maxima_hold_back() -> None:
    # Limit 0 wants one of those that it counts, limit 1 allows one of its own.
    people = (
        Candidate(1, 500, 1, 0b10), Candidate(2, 480, 2, 0b10), Candidate(3, 300, 3, 0), Candidate(4, 200, 4, 0b01),
        Candidate(5, 290, 5, 0),
    )  # fmt: skip
    problem = Problem(3, (Limit(1), Limit(0, 1)), people)
    taken = solve(problem).taken
    assert taken == {1, 3, 4}
    told = reasons(problem, taken)
    assert told[2] == (Because.BLOCKED, 1, -20, (1,))
    assert told[4] == (Because.PULLED, 5, -90, (0,))
    assert told[5] == (Because.SWAP, 3, -10, ())
    assert told[1].because is told[3].because is Because.RANK


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Problem(1, (), (), (Candidate(1, 0, 0, 0), Candidate(2, 0, 0, 0))), Clash(places=True, pinned=(1, 2))),
        (Problem(9, (Limit(2),), (Candidate(1, 0, 0, 1),)), Clash(minima=(0,))),
        (Problem(1, (Limit(2),), (Candidate(1, 0, 0, 1), Candidate(2, 0, 0, 1))), Clash(minima=(0,), places=True)),
        (Problem(9, (Limit(2, 1),), (Candidate(1, 0, 0, 1), Candidate(2, 0, 0, 1))), Clash(minima=(0,), maxima=(0,))),
        (Problem(9, (Limit(0, 0),), (), (Candidate(1, 0, 0, 1),)), Clash(maxima=(0,), pinned=(1,))),
    ],
)  # fmt: skip
def test_nonsense_is_told_at_once(problem: Problem, told: Clash) -> None:
    assert solve(problem).clash == told


def big(number: int, limits: int, seed: int) -> Problem:
    """So many people from everywhere, and limits of all sorts."""
    random = Random(seed)
    ends = [Limit(random.randint(0, 2), random.randint(3, 8)) for _ in range(limits)]
    people = tuple(
        Candidate(n, int(random.gauss(280, 70)), random.getrandbits(48),
                  sum(1 << random.randrange(limits) for _ in range(1)) | (random.random() < 0.1) << (limits - 1))
        for n in range(number)
    )  # fmt: skip
    return Problem(70, tuple(ends), people)


def test_the_order_in_which_people_come_does_not_matter() -> None:
    problem = big(600, 20, 1)
    shuffled = list(problem.free)
    Random(2).shuffle(shuffled)
    assert solve(problem) == solve(Problem(problem.places, problem.limits, tuple(shuffled)))
