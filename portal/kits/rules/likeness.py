"""How alike two names are, of 100: by their words, whatever their order, case, accents, punctuation and small slips.

A name is folded (NFKD, no marks, case folded, punctuation apart) into words. Words that are the same count in full;
words of five letters and more may differ by a letter in five (Damerau-Levenshtein); words with the same consonants, as
transliterations differ in vowels and doubled letters (Mohammed, Muhamad), count as 92. Initials and what many names
have (Ltd, GmbH, bin, van) weigh a quarter. A name is as like another as the smaller of the two is found in the larger:

    score = 100 · found · (0.8 + 0.2 · share of the larger one that was found)

Names of one word are alike only if the other is one word as well, but for what many names have.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

# Letters that NFKD leaves whole.
_LETTERS = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ə": "e",
    "ß": "ss", "ʼ": None, "’": None, "'": None, "‘": None, "`": None, "ʹ": None, "ʻ": None,
})  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
# What says little: forms of companies, parts of names.
_COMMON = (
    "ab ag as asa bv bvba co company corp corporation doo dba enterprise enterprises fze fzco fzc gmbh group holding "
    "holdings inc incorporated international intl jsc kft kg limited llc llp llt ltd ltda mbh nv oao ooo oy pjsc plc "
    "pte pty pvt private public pt sa sae sal sarl sas sdn bhd se sl spa sro srl sp zoo zao the and of for de la le el "
    "al bin ibn bint ben abu van von der den da di do dos du y e mr mrs ms dr prof technologies technology"
)
COMMON = frozenset(_COMMON.split())
_LITTLE = 0.25
_SOUNDS = (
    ("sch", "S"), ("tch", "C"), ("sh", "S"), ("ch", "C"), ("kh", "h"), ("gh", "g"), ("zh", "j"), ("dzh", "j"),
    ("dj", "j"), ("ph", "f"), ("th", "t"), ("ts", "z"), ("tz", "z"), ("ck", "k"), ("ks", "x"), ("q", "k"), ("c", "k"),
    ("w", "v"),
)  # fmt: skip
_VOWELS = re.compile(r"[aeiouy]+")
_DOUBLE = re.compile(r"(.)\1+")
_LEAST, _SOUNDING = 0.8, 0.92


def fold(text: str) -> str:
    """The words of a name as they are compared, apart by spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in apart if not unicodedata.category(sign).startswith("M"))
    words = _WORD.findall(bare.translate(_LETTERS))
    return " ".join(_joined(words))


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Single letters in a row are one word (U.S.A., G m b H), and the article is a part of what it stands before."""
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha() and word.isascii():
            run += word
            continue
        if run in ("al", "el"):
            yield run + word
        else:
            yield from [run] if run else []
            if word in ("al", "el"):
                run = word
                continue
            yield word
        run = ""
    if run:
        yield run


@lru_cache(maxsize=100_000)
def skeleton(word: str) -> str:
    """What transliterations of a word have in common: its consonants by their sound; nothing where they are too few."""
    sound = _DOUBLE.sub(r"\1", word)
    for letters, sign in _SOUNDS:
        sound = sound.replace(letters, sign)
    first = "A" if _VOWELS.match(sound) else ""
    bones = first + (_VOWELS.sub("", sound).rstrip("h") or sound)
    return bones if len(bones) >= 3 and word.isascii() and word.isalpha() else ""


def distance(one: str, other: str, most: int) -> int:
    """Letters to insert, delete, exchange or swap with their neighbour; `most` + 1 where it is more than `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    begin, end, least = 0, 0, min(len(one), len(other))
    while begin < least and one[begin] == other[begin]:
        begin += 1
    while end < least - begin and one[-1 - end] == other[-1 - end]:
        end += 1
    mine, theirs = one[begin : len(one) - end], other[begin : len(other) - end]
    if most == 1:  # by far the most frequent question
        swapped = len(mine) == 2 and mine == theirs[::-1]
        return max(len(mine), len(theirs)) if max(len(mine), len(theirs)) <= 1 else 1 if swapped else 2
    return _table(mine, theirs, most)


def _table(one: str, other: str, most: int) -> int:
    before, row = [0] * (len(other) + 1), list(range(len(other) + 1))
    for place, sign in enumerate(one, 1):
        earlier, before, row = before, row, [place] + [0] * len(other)
        for column, letter in enumerate(other, 1):
            row[column] = min(before[column] + 1, row[column - 1] + 1, before[column - 1] + (sign != letter))
            if place > 1 and column > 1 and sign == other[column - 2] and one[place - 2] == letter:
                row[column] = min(row[column], earlier[column - 2] + 1)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


@lru_cache(maxsize=200_000)
def word_likeness(one: str, other: str) -> float:
    """How alike two folded words are: 1 if they are the same, 0 where they are too different to be slips."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) == 1 and one[0] == other[0]:
        return 0.9
    longer = max(len(one), len(other))
    most = longer // 5
    slips = distance(one, other, most) if min(len(one), len(other)) >= 4 and most else most + 1
    near = 1 - slips / longer if slips <= most else 0.0
    bones = skeleton(one)
    sounding = _SOUNDING if bones and bones == skeleton(other) and len(one) > 3 and len(other) > 3 else 0.0
    found = max(near, sounding)
    return found if found >= _LEAST else 0.0


def weight(word: str) -> float:
    """How much a word tells of whom a name means."""
    return _LITTLE if word in COMMON or len(word) == 1 else 1.0


def score(one: str, other: str) -> int:
    """How alike two folded names are, of 100."""
    if one == other:
        return 100
    first, second = sorted((one, other))  # so that it is the same both ways
    mine, theirs = _aligned(first.split(), second.split())
    if min(_telling(mine), _telling(theirs)) < 2 and _telling(mine) != _telling(theirs):
        return 0
    pairs = sorted(
        ((word_likeness(a, b), i, j) for i, a in enumerate(mine) for j, b in enumerate(theirs) if word_likeness(a, b)),
        key=lambda pair: (-pair[0] * weight(mine[pair[1]]), pair[1], pair[2]),
    )
    return _total(mine, theirs, pairs)


def _total(mine: Sequence[str], theirs: Sequence[str], pairs: Sequence[tuple[float, int, int]]) -> int:
    taken_mine: set[int] = set()
    taken_theirs: set[int] = set()
    found, told = 0.0, 0
    for likeness, i, j in pairs:
        if i not in taken_mine and j not in taken_theirs:
            taken_mine.add(i)
            taken_theirs.add(j)
            found += likeness * min(weight(mine[i]), weight(theirs[j]))
            told += len(mine[i]) > 1 and len(theirs[j]) > 1 and weight(mine[i]) == weight(theirs[j]) == 1
    if not told:
        return 0  # an initial and a company's form are nobody
    small, large = sorted((sum(map(weight, mine)), sum(map(weight, theirs))))
    return min(99, round(100 * found / small * (0.8 + 0.2 * min(1.0, found / large)))) if found else 0


def _telling(words: Sequence[str]) -> int:
    return sum(word not in COMMON for word in words)


def _aligned(mine: Sequence[str], theirs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both, with neighbours written together where the other writes them so (Abdul Rahman, Abdulrahman)."""
    return _together(mine, set(theirs)), _together(theirs, set(mine))


def _together(words: Sequence[str], known: set[str]) -> list[str]:
    made: list[str] = []
    for word in words:
        if made and made[-1] + word in known:
            made[-1] += word
        else:
            made.append(word)
    return made
