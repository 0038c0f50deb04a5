"""Names that mean the same people, and names that do not."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kits.postal import Address
from portal.kits.rules.likeness import distance, fold, score
from portal.kits.rules.screening import THRESHOLD, Index, hits
from tests.kits.conftest import BERLIN

SAME = [
    ("Ivan Sidorov", "SIDOROV, Ivan Petrovich"),  # another order, one name more
    ("Mohammed Hassan", "Muhammad HASAN"), ("Youssef Haddad", "Yusuf HADAD"),  # transliterations
    ("Aleksandr Lukashenko", "LUKASHENKA, Alexander"), ("Sergey Ivanov", "Sergei IVANOV"),
    ("Dzhokhar Umarov", "Djokhar UMAROV"), ("Abdulrahman Yusuf", "Abdul Rahman YOUSSEF"),
    ("Vladimr Petrov", "Vladimir PETROV"), ("Vlaidmir Petrov", "Vladimir PETROV"),  # slips
    ("Jürgen Weiß", "JURGEN WEISS"), ("Đorđe Łukasz", "Dorde Lukasz"),  # marks and letters
    ("Li Na", "NA Li"), ("Kim Jong Un", "KIM, Jong-un"), ("O’Brien Patrick", "OBRIEN, Patrick"),
    ("Al-Qaeda", "AL QAIDA"), ("Quixotic", "Quixotic Technologies Co., Ltd."),  # what many names have
    ("Quixotic Widgets GmbH", "QUIXOTIC WIDGETS"), ("V. Petrov", "Vladimir PETROV"),
    ("Иван Сидоров", "СИДОРОВ Иван Петрович"), ("北京航空航天大学", "北京航空航天大学"),
    ("ΝΙΚΟΣ Παππάς", "Νίκος ΠΑΠΠΑΣ"),
]  # fmt: skip
OTHERS = [
    ("Li Na", "LI NAN"), ("Wei Li", "WEI LU"), ("Tom Lee", "Tim LEE"), ("Chen Yu", "CHEN YUN"),  # short names
    ("Ali", "ALI HASSAN MOHAMMED"), ("Ivan", "IVAN Petrov"),  # one word of several
    ("Anna Schmidt", "Hans SCHMIDT"), ("Rosa Researcher", "ROSA Garcia"), ("Jan de Vries", "Piet de VRIES"),
    ("Security Lab GmbH", "Safety Group GmbH"), ("Acme Ltd", "Acme Widgets Ltd"), ("M. H.", "Mohammed Hassan"),
    ("Technical University of Berlin", "Technical University of Brno"), ("Co Ltd", "Quixotic Co Ltd"),
    ("", "Ivan Petrov"), ("Иван Сидоров", "Пётр СИДОРОВ"), ("北京大学", "南京航空航天大学"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_people_are_alike(one: str, other: str) -> None:
    assert score(fold(one), fold(other)) >= THRESHOLD
    assert score(fold(other), fold(one)) >= THRESHOLD


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_people_are_not(one: str, other: str) -> None:
    assert score(fold(one), fold(other)) < THRESHOLD
    assert score(fold(other), fold(one)) < THRESHOLD


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_index_finds_what_comparing_all_would(one: str, other: str) -> None:
    index = Index([("other", fold("Somebody Else")), ("same", fold(other))])
    assert [found.digest for found in index.like(one, THRESHOLD)] == ["same"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_scores_are_of_100_and_the_same_both_ways(one: str, other: str) -> None:
    mine, theirs = fold(one), fold(other)
    assert 0 <= score(mine, theirs) == score(theirs, mine) <= 100


def table(one: str, other: str) -> int:
    """Damerau and Levenshtein's distance (optimal string alignment), plainly."""
    rows = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            cost = one[i - 1] != other[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@given(st.text("abc", max_size=9), st.text("abc", max_size=9), st.integers(1, 3))
def test_the_distance_is_the_plain_one(one: str, other: str, most: int) -> None:
    assert distance(one, other, most) == min(table(one, other), most + 1)


def test_the_likest_part_of_an_address_is_told() -> None:
    index = Index([("a", fold("Quixotic Widgets")), ("b", "\n".join([fold("Nobody Here"), fold("Researcher, Rosa")]))])
    address = Address.of(BERLIN.content() | {"company": "Quixotic Widgts Ltd", "latin_company": "Quixotic Widgets"})

    assert [(hit.digest, hit.score, hit.field) for hit in hits(address, index, 90)] == [
        ("a", 100, "latin_company"), ("b", 99, "recipient"),
    ]  # fmt: skip


def test_an_empty_list_and_an_address_without_letters_hit_nothing() -> None:
    assert hits(BERLIN, Index([]), 60) == []
    nobody = Address.of(BERLIN.content() | {"recipient": "– . –"})
    assert hits(nobody, Index([("a", fold("Rosa Researcher"))]), 60) == []


@pytest.mark.slow
def test_twenty_thousand_entries_are_held_against_a_hundred_addresses_in_seconds() -> None:
    dice = random.Random(20)
    sounds = ("ba", "be", "do", "fa", "ki", "lo", "mu", "na", "ra", "so", "ta", "vi", "za", "sha", "khan", "med", "mir",
              "ov", "sky", "man", "berg", "ner")  # fmt: skip
    words = ["".join(dice.choices(sounds, k=dice.randint(2, 4))) for _ in range(8000)]
    names = [" ".join(dice.choices(words, k=dice.randint(2, 4))) for _ in range(20_000)]
    people = [dice.choice(names) for _ in range(50)] + [" ".join(dice.choices(words, k=2)) for _ in range(50)]
    begun = time.process_time()

    index = Index((str(number), fold(name)) for number, name in enumerate(names))
    found = [hits(Address.of(BERLIN.content() | {"recipient": person}), index, 90) for person in people]

    assert time.process_time() - begun < 20  # two or three, where nothing else runs
    assert all(found[:50])
