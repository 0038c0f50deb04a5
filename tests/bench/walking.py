"""The walk over what is sealed."""

import hashlib
from collections.abc import Iterator, Sequence

from portal.reports.walker import Recipients, Walker
from tests.bench.measuring import Result, Sizes, measure, medians, seconds
from tests.reports.corpus import MEMBERS, NODE, corpus
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
    wanted = Recipients(1, (("triager", frozenset({KEY_ID})),))
    yield _walked("walker", [_sealed(sizes.walked)], wanted, sizes)
    with corpus() as made:
        yield _walked("walker, gpg", [made.gpg.seal(bytes(sizes.walked), MEMBERS)], made.wanted, sizes)
        # In parts of 1 KiB and of 64 KiB, as its reader gave them to it; to seal as much as that would take minutes.
        flowing = [made.files[name] for name in ("taken-js-flowing-1000", "taken-js-flowing-65536") if NODE]
        if flowing:
            yield _walked("walker, openpgp.js", flowing * (sizes.walked // 600_000), made.wanted, sizes)


def _walked(name: str, files: Sequence[bytes], wanted: Recipients, sizes: Sizes) -> Result:
    whole = sum(len(data) for data in files)

    def walk() -> None:
        for data in files:
            sealed = memoryview(data)
            walker = Walker([wanted], limit=2 * len(sealed))
            for position in range(0, len(sealed), CHUNK):
                walker.feed(sealed[position : position + CHUNK])
            walker.finish()

    def digest() -> None:
        for data in files:
            hashlib.sha256(data).digest()

    ours, bare = medians(lambda: whole / seconds(walk), lambda: whole / seconds(digest), rounds=sizes.rounds)
    return Result(name, "MB/s", ours / 1e6, "≥ 1 GB/s", ours >= WALK, bare=bare / 1e6)
