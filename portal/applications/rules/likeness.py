"""How much of one text stands in another, and which of many texts are nearly equal.

Texts are compared by their shingles: every run of four words, whatever the case and the punctuation (Broder 1997).
The pairs whose likeness is at least `SAME` are counted exactly, not sampled: 3,500 texts take a second or two.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

RUN = 4
# Shared sentences are common among honest people who read the same call; three quarters of a text are not.
SAME = 0.75
# Shorter texts ("see my profile") say nothing.
LEAST = 24
# Enough to judge a text by. In a flood of equal ones not every pair is kept, only enough to hold them together.
NEIGHBOURS = 8
# Chinese and Japanese do not put spaces between words: there, each sign is one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


class Alike(NamedTuple):
    """Two texts by their keys, the smaller first, and how much they have in common (Jaccard, 0 to 1)."""

    low: int
    high: int
    share: float


def words(text: str) -> list[str]:
    """The words of a text in one spelling."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def shingles(*texts: str) -> frozenset[int]:
    """The runs of four words of all texts, as numbers that mean something within this process only."""
    found: set[int] = set()
    for text in texts:
        told = words(text)
        found.update(map(hash, zip(*(told[begin:] for begin in range(RUN)), strict=False)))
    return frozenset(found)


class Groups:
    """Union-find: which belong together, however long the chain."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def find(self, one: int) -> int:
        """The representative of a group: the smallest of its members."""
        above = self._above
        root = one
        while (up := above.get(root, root)) != root:
            root = up
        while one != root:
            above[one], one = root, above.get(one, one)
        return root

    def join(self, one: int, other: int) -> None:
        """Put two, and all that belong to them, together."""
        low, high = sorted((self.find(one), self.find(other)))
        self._above[low] = low
        self._above[high] = low

    def all(self) -> dict[int, int]:
        """Each member of a group of at least two, with the group's representative."""
        return {member: self.find(member) for member in list(self._above)}


def alike(texts: Mapping[int, frozenset[int]]) -> list[Alike]:
    """The pairs whose likeness is at least `SAME`, among texts that are long enough; exact, except in floods.

    Where a text has more than `NEIGHBOURS` others like it, pairs beyond those are left out as long as others hold the
    same texts together.
    """
    # The longer text of a pair comes later: what it has in common is then a share of its own length at least.
    ordered = sorted((key for key, told in texts.items() if len(told) >= LEAST), key=lambda key: (len(texts[key]), key))
    found, ordered = _without_copies(ordered, texts)
    groups, counts = Groups(), Counter[int]()
    for place, other, share in _alike([texts[key] for key in ordered]):
        one, two = ordered[place], ordered[other]
        if counts[one] >= NEIGHBOURS and counts[two] >= NEIGHBOURS and groups.find(one) == groups.find(two):
            continue
        found.append(Alike(min(one, two), max(one, two), share))
        groups.join(one, two)
        counts.update((one, two))
    return sorted(found)


def _without_copies(ordered: Sequence[int], texts: Mapping[int, frozenset[int]]) -> tuple[list[Alike], list[int]]:
    """Texts of which there are very many copies: these joined to the first of them, and what is left to compare."""
    copies: dict[frozenset[int], list[int]] = defaultdict(list)
    for key in ordered:
        copies[texts[key]].append(key)
    floods = [keys for keys in copies.values() if len(keys) > NEIGHBOURS]
    settled = {key for first, *rest in floods for key in rest}
    pairs = [Alike(first, key, 1.0) for first, *rest in floods for key in rest]
    return pairs, [key for key in ordered if key not in settled]


def _alike(texts: Sequence[frozenset[int]]) -> Iterator[tuple[int, int, float]]:
    """Pairs of places in a sequence that is ordered by length, the later first, with their likeness.

    For each text, the lists of the texts that hold one of its shingles are put in a row and counted.
    """
    import numpy as np  # takes half a second to load, which no page that compares nothing shall wait for

    if not texts:
        return
    sizes = np.array([len(told) for told in texts])
    every = np.fromiter(chain.from_iterable(texts), dtype=np.int64, count=int(sizes.sum()))
    _, shingle, held = np.unique(every, return_inverse=True, return_counts=True)
    owner = np.repeat(np.arange(len(texts)), sizes)
    # Whose a shingle is, shingle by shingle; where the list of each begins; and which ones each text has.
    owners, begins = owner[np.argsort(shingle, kind="stable")], np.concatenate(([0], np.cumsum(held)))
    mine = np.split(shingle, np.cumsum(sizes)[:-1])
    for place, size in enumerate(sizes.tolist()):
        shared = mine[place][held[mine[place]] > 1]
        if len(shared) < SAME * size:
            continue
        lists = [owners[begins[one] : begins[one + 1]] for one in shared.tolist()]
        common = np.bincount(np.concatenate(lists), minlength=place + 1)[:place]
        share = common / (sizes[:place] + size - common)
        for other in np.flatnonzero(share >= SAME).tolist():
            yield place, other, float(share[other])


class Part(NamedTuple):
    """A piece of a text, and whether it stands in the other text too."""

    text: str
    same: bool


def marked(text: str, other: str) -> list[Part]:
    """A text in pieces: what it has in common with another one, by runs of four words, and what not."""
    known = shingles(other)
    places = [found.span() for found in _WORD.finditer(text)]
    told = ["".join(words(text[begin:end])) for begin, end in places]
    same = [False] * len(places)
    for begin in range(len(told) - RUN + 1):
        if hash(tuple(told[begin : begin + RUN])) in known:
            same[begin : begin + RUN] = [True] * RUN
    return _pieces(text, places, same)


def _pieces(text: str, places: Sequence[tuple[int, int]], same: Sequence[bool]) -> list[Part]:
    parts: list[Part] = []
    begin, now = 0, False
    for index, (place, flag) in enumerate(zip(places, same, strict=True)):
        if flag != now:
            cut = place[0] if flag or not index else places[index - 1][1]
            parts.append(Part(text[begin:cut], now))
            begin, now = cut, flag
    if now and places:
        parts.append(Part(text[begin : places[-1][1]], True))
        begin, now = places[-1][1], False
    parts.append(Part(text[begin:], now))
    return [part for part in parts if part.text]
