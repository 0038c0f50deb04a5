"""How alike texts are, and which belong together."""

from collections.abc import Iterable
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.applications.rules.likeness import (
    LEAST,
    NEIGHBOURS,
    SAME,
    Groups,
    alike,
    marked,
    shingles,
    words,
)
from portal.demo import essays

TEXTS = st.text(st.sampled_from("ab cΩ漢 \n.,'E\u0301"), max_size=200)


def jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    """The share of what either has that both have."""
    common = len(first & second)
    return common / (len(first) + len(second) - common) if common else 0.0


def essay(random: Random) -> str:
    return " ".join(make(random) for make in (essays.experience, essays.plan, essays.kit_use))


def test_words_are_the_same_in_every_spelling() -> None:
    assert words("The  ＮETWORK—daemon’s\tΟΔΟΣ.") == ["the", "network", "daemon", "s", "οδοσ"]
    assert words("固件を読む") == list("固件を読む")


def test_texts_of_three_words_have_no_shingles() -> None:
    assert shingles("one two three", "", "four five six") == frozenset()
    assert len(shingles("one two three four")) == 1


@given(TEXTS, TEXTS)
def test_likeness_is_symmetric_and_whole_for_the_same(first: str, second: str) -> None:
    one, two = shingles(first), shingles(second)
    assert jaccard(one, two) == jaccard(two, one)
    assert jaccard(one, one) == (1.0 if one else 0.0)
    assert shingles(first.upper(), second) >= two


@given(st.lists(st.frozensets(st.integers(0, 60), min_size=LEAST - 4, max_size=40), max_size=NEIGHBOURS))
@settings(max_examples=200)
def test_exactly_the_pairs_that_are_alike_are_found(texts: list[frozenset[int]]) -> None:
    by_key = {key * 3: told for key, told in enumerate(texts)}
    expected = {
        (low, high): jaccard(by_key[low], by_key[high])
        for low, high in combinations(by_key, 2)
        if min(len(by_key[low]), len(by_key[high])) >= LEAST and jaccard(by_key[low], by_key[high]) >= SAME
    }
    assert {(low, high): share for low, high, share in alike(by_key)} == pytest.approx(expected)


def test_a_copy_with_changes_is_found_among_hundreds_and_nothing_else_is() -> None:
    random = Random(20)
    texts = {number: essay(random) for number in range(600)}
    changed = texts[7].replace("I would", "I'd").split()
    changed[10:11] = ["very", "own"]
    texts[1000] = " ".join(changed)
    texts[1001] = texts[42].upper()

    found = alike({number: shingles(text) for number, text in texts.items()})

    assert [(low, high) for low, high, _ in found] == [(7, 1000), (42, 1001)]
    assert found[0].share < 1.0 == found[1].share


def test_essays_with_shared_sentences_are_no_duplicates() -> None:
    random = Random(9)
    assert alike({number: shingles(essay(random)) for number in range(800)}) == []


@pytest.mark.parametrize("vary", [False, True])
def test_a_flood_of_one_text_is_one_cluster_of_few_pairs(vary: bool) -> None:
    random, base = Random(1), [f"word{number}" for number in range(200)]
    texts = {}
    for key in range(300):
        told = list(base)
        if vary:
            told[random.randrange(200)] = f"other{key}"
        texts[key] = shingles(" ".join(told))

    found = alike(texts)

    groups = Groups()
    for low, high, _ in found:
        groups.join(low, high)
    assert set(groups.all().values()) == {0}
    assert len(groups.all()) == 300
    assert len(found) <= 300 * (NEIGHBOURS + 1)


def _by_search(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Clusters by following every pair until nothing changes."""
    smallest = {number: number for pair in pairs for number in pair}
    while True:
        before = dict(smallest)
        for one, other in pairs:
            smallest[one] = smallest[other] = min(smallest[one], smallest[other])
        if before == smallest:
            return smallest


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(lambda pair: pair[0] != pair[1]), max_size=60))
def test_groups_are_what_searching_finds(pairs: list[tuple[int, int]]) -> None:
    groups = Groups()
    for one, other in pairs:
        groups.join(one, other)
    assert groups.all() == _by_search(pairs)


@given(TEXTS, TEXTS)
def test_marking_loses_no_letter(text: str, other: str) -> None:
    assert "".join(part.text for part in marked(text, other)) == text
    assert all(one.same != two.same for one, two in zip(marked(text, other), marked(text, other)[1:], strict=False))


def test_what_is_equal_is_marked() -> None:
    parts = marked("First, I read the Kernel source. Then I sleep.", "yes i read the kernel source again")
    assert parts == [("First, ", False), ("I read the Kernel source", True), (". Then I sleep.", False)]
