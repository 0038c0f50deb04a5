"""Addresses held against lists of names: which entries are like the recipient or the company."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from portal.kits.postal import Address
from portal.kits.rules.likeness import COMMON, fold, score, skeleton, word_likeness

# From this score on a likeness holds a parcel, unless a list says otherwise: at 90, one slip in one of two words, or
# another transliteration of both, is still a hit; two people of whose names only one is the same are none.
THRESHOLD = 90
# The parts of an address that name somebody.
FIELDS = ("recipient", "latin_recipient", "company", "latin_company")


class Likeness(NamedTuple):
    """An entry of a list that is like a part of an address, and how much, of 100."""

    digest: str
    score: int
    field: str = ""


class Index:
    """The names of a list, to be asked for those that are like another. It compares a small part of them."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """`entries` are digests, and keys one a line."""
        self._digests: list[str] = []
        self._names: list[str] = []
        self._words: defaultdict[str, list[int]] = defaultdict(list)
        self._single: set[str] = set()
        # Names of single letters beside one word: a hit may share only that one.
        self._brief: set[int] = set()
        for digest, keys in entries:
            for key in keys.split("\n"):
                self._add(digest, key)
        self._blocks: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._single:
            for block in _blocks(word):
                self._blocks[block].append(word)

    def _add(self, digest: str, key: str) -> None:
        number, words = len(self._names), key.split()
        self._digests.append(digest)
        self._names.append(key)
        told = _telling(words)
        self._single.update(told)
        for word in {*told, *_pairs(words)}:
            self._words[word].append(number)
        if any(len(word) == 1 for word in words):
            self._brief.add(number)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._names)

    def like(self, name: str, threshold: int) -> Iterator[Likeness]:
        """The entries with a name that is at least so much like this one, each once."""
        key = fold(name)
        best: dict[str, int] = {}
        for number in self._candidates(key.split()):
            reached = score(key, self._names[number])
            if reached >= max(threshold, best.get(self._digests[number], 0)):
                best[self._digests[number]] = reached
        return (Likeness(digest, reached) for digest, reached in best.items())

    def _candidates(self, words: Sequence[str]) -> Iterator[int]:
        """Names that share two words with these, as far as there are two."""
        told = _telling(words)
        shared = Counter(number for word in told for number in self._sharing(word))
        shared.update(number for pair in _pairs(words) for number in self._words.get(pair, ()) for _ in range(2))
        needed = min(2, sum(len(word) > 1 and word not in COMMON for word in words))
        return (number for number, count in shared.items() if count >= needed or number in self._brief)

    def _sharing(self, word: str) -> set[int]:
        near = {word} | {
            other for block in _blocks(word) for other in self._blocks.get(block, ()) if word_likeness(word, other)
        }
        return {number for other in near for number in self._words.get(other, ())}


def _telling(words: Sequence[str]) -> list[str]:
    """The words by which a name is found."""
    longer = [word for word in dict.fromkeys(words) if len(word) > 1]
    return [word for word in longer if word not in COMMON] or longer


def _pairs(words: Sequence[str]) -> set[str]:
    """Neighbours written together: only the very same are looked for."""
    return {first + second for first, second in pairwise(words) if len(first) > 1 < len(second)}


def _blocks(word: str) -> list[str]:
    """Words of five letters and more that are a slip apart begin or end alike; those that sound alike have their bones
    in common."""
    bones = skeleton(word)
    ends = [f"^{word[:3]}", f"{word[-3:]}$"] if len(word) > 4 else [f"^{word}$"]
    return [*ends, bones] if bones else ends


def names_in(address: Address) -> list[tuple[str, str]]:
    """Whom an address names, by field; what is written twice is asked once."""
    told: dict[str, str] = {}
    for field in FIELDS:
        key = fold(getattr(address, field))
        if key and key not in told:
            told[key] = field
    return [(field, getattr(address, field)) for field in told.values()]


def hits(address: Address, index: Index, threshold: int) -> list[Likeness]:
    """Every entry that is like somebody named in the address, with the part that is most like it, the likest first."""
    best: dict[str, Likeness] = {}
    for field, name in names_in(address):
        for found in index.like(name, threshold):
            if found.digest not in best or found.score > best[found.digest].score:
                best[found.digest] = found._replace(field=field)
    return sorted(best.values(), key=lambda found: (-found.score, found.digest))
