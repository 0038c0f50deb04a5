"""What commits the team to a known issue: a hash of its text and a salt, in a list whose lines seal those before.

A commitment is the SHA-256 of the UTF-8 bytes of

    known-issue/1 ⏎ the challenge's name in addresses ⏎ the salt ⏎ the text

where the salt is sixty-four hexadecimal digits and ⏎ one line feed: neither name nor salt holds one, so no two issues
have the same bytes. `sha256sum` alone can tell it. A line of the list is

    known-issue-list/1 ⏎ name ⏎ number ⏎ the head before (for the first, sixty-four zeros) ⏎ commitment ⏎ time ⏎

and its SHA-256 is the new head. Each line is signed with the key of the receipts.
"""

import hashlib
import re
from datetime import datetime
from typing import NamedTuple

from portal.reports.statements import instant

NO_HEAD = "0" * 64
MOST_BYTES = 20_000
_HASH = re.compile(r"[0-9a-f]{64}")


class Listed(NamedTuple):
    """How far the list went at a time: the number of its last line, 0 where it had none, and its head there."""

    number: int
    head: str


EMPTY = Listed(0, NO_HEAD)


def is_hash(text: object) -> bool:
    """Whether this can be a commitment or a salt."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def commitment(slug: str, salt: str, text: str) -> str:
    """The commitment to a text, in hexadecimal."""
    return hashlib.sha256(f"known-issue/1\n{slug}\n{salt}\n{text}".encode()).hexdigest()


def line(slug: str, number: int, before: str, made: str, at: datetime) -> bytes:
    """One line of the list, as it is signed."""
    return f"known-issue-list/1\n{slug}\n{number}\n{before}\n{made}\n{instant(at)}\n".encode()


def head(signed: bytes) -> str:
    """What the list is worth up to a line."""
    return hashlib.sha256(signed).hexdigest()


def recipe(slug: str, salt: str, file: str) -> str:
    """What tells the commitment to the text in a file, with a shell and sha256sum."""
    return f"{{ printf 'known-issue/1\\n%s\\n%s\\n' {slug} {salt}; cat {file}; }} | sha256sum"


def walk(address: str, count: int) -> str:
    """What recomputes the heads of all lines with a shell, and prints the last one; `address` is that of the list."""
    return (
        f"(head={NO_HEAD}\n"
        f"for n in $(seq {count}); do\n"
        f'  curl -fsS "{address}/$n.line" -o K-$n.line || exit 1\n'
        '  [ "$(sed -n 4p K-$n.line)" = "$head" ] || { echo "K-$n does not follow"; exit 1; }\n'
        "  head=$(sha256sum < K-$n.line | cut -d' ' -f1)\n"
        "done\n"
        'echo "$head")'
    )
