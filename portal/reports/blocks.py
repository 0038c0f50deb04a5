"""Where armored blocks begin and end in a text that somebody has pasted (RFC 9580, section 6.2).

One pass over the text and no looking back, so that nothing that is pasted takes long.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_MARK = re.compile(r"-----(BEGIN|END) PGP ([A-Z ]+)-----")


class Block(NamedTuple):
    """An armored block: its kind, its lines of base64 with the checksum, and all of it as it was pasted."""

    kind: str
    body: str
    text: str


def blocks(text: str) -> list[Block]:
    """The blocks of a text that have a beginning, an end of the same kind, and nothing but headers before the body."""
    return list(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    for begin, end in pairwise(_MARK.finditer(text)):
        if (begin[1], end[1]) == ("BEGIN", "END") and begin[2] == end[2]:
            body = _body(text[begin.end() : end.start()])
            if body is not None:
                yield Block(begin[2], body, text[begin.start() : end.end()])


def _body(inside: str) -> str | None:
    """What follows the headers and the empty line after them; None if something else is there."""
    lines = inside.split("\n")
    if lines[0].strip():
        return None
    for index, line in enumerate(lines[1:], 1):
        if not line.strip():
            return "\n".join(lines[index + 1 :])
        if ":" not in line:
            return None
    return None
