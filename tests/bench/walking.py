"""The walk over what is sealed."""

import hashlib
from collections.abc import Iterator

from portal.reports.walker import Recipients, Walker
from tests.bench.measuring import Result, Sizes, measure, medians, seconds
from tests.reports.openpgp import KEY_ID, recipient

CHUNK = 8 * 2**20
PART = 2**9
WALK = 1e9


def _sealed(size: int) -> bytes:
    """A message in the smallest parts that may be many: gpg writes 8 KiB, openpgp.js more, and the walk is by parts."""
    part = bytes([0xE0 | 9]) + bytes(PART)
    first = bytes([0xE0 | 9]) + b"\x01" + bytes(PART - 1)
    last = bytes([41]) + bytes(41)
    return recipient() + bytes([0xC0 | 18]) + first + part * (size // PART) + last


@measure("walker")
def walker(sizes: Sizes) -> Iterator[Result]:
    """Bytes a second through the walker, beside SHA-256, which every byte meets too."""
    sealed = memoryview(_sealed(sizes.walked))
    sets = [Recipients(1, (("triager", frozenset({KEY_ID})),))]

    def walk() -> None:
        walker = Walker(sets, limit=2 * len(sealed))
        for position in range(0, len(sealed), CHUNK):
            walker.feed(sealed[position : position + CHUNK])
        walker.finish()

    ours, bare = medians(
        lambda: len(sealed) / seconds(walk),
        lambda: len(sealed) / seconds(lambda: hashlib.sha256(sealed).digest()),
        rounds=sizes.rounds,
    )
    yield Result("walker", "MB/s", ours / 1e6, "≥ 1 GB/s", ours >= WALK, bare=bare / 1e6)
