"""The draw, without a database: fair, exact, the same for everybody who draws it again."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core import seeds
from portal.office_hours.rules.access import Access
from portal.office_hours.rules.draw import Ask, Drawn, Tier, draw, exponents, key, order, share, tier_of, weight_of
from portal.office_hours.rules.recipe import RECIPE
from portal.office_hours.rules.rounds import Outcome, holds, told, why
from tests.cast import NOON

# The same examples on every machine, however busy it is.
steady = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SEED = "5eed" * 16
WEIGHTS = tuple(weight_of(Access(1, recent, 1)) for recent in range(4))
wishes = st.lists(st.integers(1, 6), unique=True, max_size=6).map(tuple)
asks = st.lists(
    st.builds(Ask, st.integers(0, 999).map("{:032x}".format), st.sampled_from(Tier), st.sampled_from(WEIGHTS), wishes),
    unique_by=lambda ask: ask.id, max_size=8,
)  # fmt: skip
seats = st.dictionaries(st.integers(1, 6), st.integers(0, 3))


def ask(name: str, *slots: int, tier: Tier = Tier.OTHERS, share: Fraction = Fraction(1)) -> Ask:
    return Ask(name, tier, share, slots)


def protocol(
    drawn: Sequence[Drawn], given: Mapping[int, int], barred: Mapping[str, list[int]] | None = None
) -> dict[str, object]:
    return told(7, seeds.commitment(SEED), SEED, dict.fromkeys(given, NOON), given, drawn, barred or {})


@steady
@given(st.data(), asks, seats)
def test_the_order_in_which_requests_came_is_of_no_account(
    data: st.DataObject, made: list[Ask], given: dict[int, int]
) -> None:
    assert draw(SEED, data.draw(st.permutations(made)), given) == draw(SEED, made, given)


@steady
@given(asks, seats, st.integers(0, 2**64))
def test_no_seat_twice_nothing_unasked_and_everybody_once(made: list[Ask], given: dict[int, int], number: int) -> None:
    drawn = draw(f"{number:064x}", made, given)

    assert sorted(one.ask for one in drawn) == sorted(made)
    assert [one.place for one in drawn] == list(range(1, len(made) + 1))
    assert all(one.slot is None or one.slot in one.ask.wishes for one in drawn)
    taken = Counter(one.slot for one in drawn if one.slot is not None)
    assert all(number <= given[slot] for slot, number in taken.items())


@steady
@given(asks, seats)
def test_nobody_goes_without_while_a_seat_that_they_named_is_left(made: list[Ask], given: dict[int, int]) -> None:
    drawn = draw(SEED, made, given)

    left = Counter(given) - Counter(one.slot for one in drawn if one.slot is not None)
    for one in drawn:
        dearer = one.ask.wishes if one.slot is None else one.ask.wishes[: one.ask.wishes.index(one.slot)]
        assert one.full == dearer
        assert not any(left[slot] for slot in dearer)


@steady
@given(asks, seats, st.integers(0, 7), wishes)
def test_another_list_than_the_true_one_never_helps(
    made: list[Ask], given: dict[int, int], which: int, other: tuple[int, ...]
) -> None:
    if not made:
        return
    true = made[which % len(made)]
    honest = next(one.slot for one in draw(SEED, made, given) if one.ask.id == true.id)
    lied = [one._replace(wishes=other) if one.id == true.id else one for one in made]
    got = next(one.slot for one in draw(SEED, lied, given) if one.ask.id == true.id)

    value = {slot: -rank for rank, slot in enumerate(true.wishes)}
    assert value.get(got or 0, -99) <= value.get(honest or 0, -99)


@steady
@given(asks, seats)
def test_the_tiers_come_one_after_the_other(made: list[Ask], given: dict[int, int]) -> None:
    tiers = [one.ask.tier for one in draw(SEED, made, given)]

    assert tiers == sorted(tiers)


@pytest.mark.parametrize(
    ("access", "tier"),
    [
        (Access(1), Tier.FIRST),
        (Access(1, owed=1), Tier.OWED),
        (Access(1, recent=1, total=1), Tier.OTHERS),
        (Access(1, total=3), Tier.OTHERS),
        (Access(1, recent=2, total=3, owed=2), Tier.OWED),
    ],
)
def test_whom_one_is_owed_then_first_timers_then_the_others(access: Access, tier: Tier) -> None:
    assert tier_of(access) is tier


@pytest.mark.parametrize("weights", [(1, Fraction(1, 2)), (1, Fraction(1, 3)), (Fraction(2, 3), Fraction(1, 5))])
def test_who_chooses_first_is_as_probable_as_the_weights_say(weights: tuple[Fraction, Fraction]) -> None:
    """Every pair of numbers of six bits: so many of 4,096 put the first one first, up to what so few bits can tell."""
    one, other = (Fraction(each) for each in weights)
    exponent, bits = exponents([one, other]), 6
    most = max(exponent.values())
    numbers = [f"{number:x}" for number in range(2**bits)]
    keys = {each: [key(number, exponent[each], most, bits) for number in numbers] for each in (one, other)}

    first = sum(mine > theirs for mine, theirs in product(keys[one], keys[other]))
    equal = sum(mine == theirs for mine, theirs in product(keys[one], keys[other]))

    expected = one / (one + other)
    assert abs(Fraction(2 * first + equal, 2 * 4**bits) - expected) < Fraction(1, 2**bits)


def test_all_orders_of_three_come_as_often_as_they_should() -> None:
    """Twelve thousand seeds, counted; the probabilities are those of drawing without replacement."""
    weights = {"a": Fraction(1), "b": Fraction(1, 2), "c": Fraction(1, 3)}
    made = [ask(name, share=each) for name, each in weights.items()]
    tries = 12_000
    counted = Counter("".join(one.id for one, _ in order(f"{number:064x}", made)) for number in range(tries))

    for names in permutations("abc"):
        left, chance = dict(weights), Fraction(1)
        for name in names:
            chance *= left[name] / sum(left.values())
            del left[name]
        # Four standard deviations, of what is the same in every run.
        spread = float(tries * chance * (1 - chance)) ** 0.5
        assert abs(counted["".join(names)] - float(tries * chance)) < 4 * spread, names
    assert counted == {"abc": 3985, "acb": 2656, "bac": 2382, "cab": 1451, "bca": 815, "cba": 711}


@steady
@given(
    st.fractions(Fraction(1, 9), 3, max_denominator=9),
    st.fractions(Fraction(1, 9), 3, max_denominator=9),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_keys_compare_as_the_paper_has_them(one: Fraction, other: Fraction, mine: int, theirs: int) -> None:
    exponent = exponents([one, other])
    most = max(exponent.values())
    exact = key(f"{mine:x}", exponent[one], most, 8) - key(f"{theirs:x}", exponent[other], most, 8)

    near = ((mine + 1) / 256) ** float(1 / one) - ((theirs + 1) / 256) ** float(1 / other)
    assert abs(near) < 1e-9 or (exact > 0) == (near > 0)


def test_a_known_draw() -> None:
    """Written down once: what a release says must not be another thing in the next one."""
    made = [
        ask("a" * 32, 1, 2),
        ask("b" * 32, 1),
        ask("c" * 32, 2, 1, share=Fraction(1, 2)),
        ask("d" * 32, 1, tier=Tier.FIRST),
    ]

    assert [(one.ask.id[0], one.slot, one.number[:8]) for one in draw(SEED, made, {1: 1, 2: 1})] == [
        ("d", 1, "c60fb395"), ("a", 2, "4551fe34"), ("b", None, "3bd3b68e"), ("c", None, "6d20ce5f"),
    ]  # fmt: skip


def test_a_thousand_requests() -> None:
    made = [
        Ask(f"{number:032x}", number % 3, WEIGHTS[number % len(WEIGHTS)], tuple(range(number % 40, 48)))
        for number in range(1000)
    ]  # fmt: skip

    drawn = draw(SEED, made, dict.fromkeys(range(48), 2))

    assert sum(one.slot is not None for one in drawn) == 96


@steady
@given(asks, seats)
def test_what_is_told_holds_and_a_change_does_not(made: list[Ask], given: dict[int, int]) -> None:
    written = json.loads(json.dumps(protocol(draw(SEED, made, given), given)))
    assert holds(written, seeds.commitment(SEED))
    assert not holds(written, seeds.commitment("0" * 64))
    for row in written["requests"]:
        row["slot"] = 1 if row["slot"] != 1 else None
        assert not holds(written, seeds.commitment(SEED))
        row["slot"] = 1 if row["slot"] is None else None
        break


def run(folder: Path, written: object) -> "subprocess.CompletedProcess[str]":
    (folder / "check.py").write_text(RECIPE, encoding="utf-8")
    (folder / "draw.json").write_text(json.dumps(written), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-I", "check.py", "draw.json"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_recipe_draws_it_again(tmp_path: Path) -> None:
    made = [
        ask(f"{number:032x}", 1, 2, 3, share=WEIGHTS[number % len(WEIGHTS)], tier=Tier(number % 3))
        for number in range(20)
    ]
    drawn = draw(SEED, made, {1: 1, 2: 2, 3: 0})

    answer = run(tmp_path, protocol(drawn, {1: 1, 2: 2, 3: 0}))

    assert answer.stderr == ""
    assert answer.stdout.splitlines() == [f"{one.place} {one.ask.id} {one.slot or '-'}" for one in drawn] + [
        "The draw holds."
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"seed": "0" * 64}, "This is not the seed that was bound to."),
        ({"seats": {"1": 2}}, "Not so: "),
    ],
)
def test_the_recipe_notices_what_was_changed(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    written = protocol(draw(SEED, [ask("a" * 32, 1), ask("b" * 32, 1)], {1: 1}), {1: 1})

    answer = run(tmp_path, {**written, **change})

    assert answer.returncode == 1
    assert complaint in answer.stderr


def test_an_empty_round_is_drawn_too(tmp_path: Path) -> None:
    written = protocol(draw(SEED, [], {1: 1}), {1: 1})

    assert holds(written, seeds.commitment(SEED))
    assert run(tmp_path, written).stdout == "The draw holds.\n"


def test_each_slot_of_a_request_says_what_became_of_it() -> None:
    made = [ask("a" * 32, 2, tier=Tier.OWED), ask("b" * 32, 2, 3, 4)]
    written = protocol(draw(SEED, made, {2: 1, 3: 1, 4: 1}), {2: 1, 3: 1, 4: 1, 5: 1}, {"b" * 32: [5]})

    found = why(written, "b" * 32, [5, 1, 2, 3, 4])

    assert found is not None
    assert (found.place, found.of, found.slot) == (2, 2, 3)
    assert found.slots == [
        (5, Outcome.BARRED), (1, Outcome.GONE), (2, Outcome.FULL), (3, Outcome.GIVEN), (4, Outcome.SPARED),
    ]  # fmt: skip
    assert why(written, "c" * 32, [1]) is None


def test_a_number_as_people_read_it() -> None:
    assert [share(number * 64) for number in "08f"] == [0.0, pytest.approx(8 / 15), pytest.approx(1)]
