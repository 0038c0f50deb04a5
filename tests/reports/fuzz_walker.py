"""Look for bytes that the walker, or the reading of certificates, gets wrong, led by coverage (atheris, libFuzzer).

    python -m tests.reports.fuzz_walker [SECONDS] [--target walker|certificate] [--runs N] [--seed N] [--keep FOLDER]

It begins with what gpg, openpgp.js and Sequoia write, and goes on for ten minutes, or for so many runs. What it finds
is written to the working folder as crash-…, and the process ends with 77. With --keep the inputs that reached something
new stay in a folder, from which the next call goes on.

Of the walker it asks that nothing but a refusal comes out, that every way of cutting and putting aside gives the same
answer, and that it is the answer of the plain reading in `plainly.py`; of a certificate, that it is read or Unfit, in a
bounded time.
"""

import argparse
import base64
import contextlib
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[f"portal.reports.{name}" for name in ("walker", "certificates", "armor", "blocks", "keymaterial")]
):
    from portal.reports import certificates
    from portal.reports.walker import Recipients, Walker

from portal.reports import refusals
from tests.reports.corpus import Corpus, corpus
from tests.reports.plainly import judge

LIMIT = 1 << 20
LONGEST = {"walker": 2048, "certificate": 2048}
NOW = datetime.now(UTC)
ARMOR = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}-----END PGP PUBLIC KEY BLOCK-----\n"
Target = Callable[[bytes], None]


def answer(data: bytes, cuts: Sequence[int], sets: tuple[Recipients, ...], length: int | None) -> str | None:
    """The code of the refusal, None if the file is taken, with the walker put aside at each cut."""
    state = None
    try:
        for begin, end in itertools.pairwise([0, *cuts, len(data)]):
            walker = Walker.resume(state, sets, limit=LIMIT, length=length)
            walker.feed(data[begin:end])
            state = json.loads(json.dumps(walker.state()))
        Walker.resume(state, sets, limit=LIMIT, length=length).finish()
    except refusals.NotAcceptable as refusal:
        return refusal.code
    return None


def walker_target(sets: tuple[Recipients, ...]) -> Target:
    """The last three octets of an input say where it is cut."""

    def walk(given: bytes) -> None:
        data, places = given[:-3], given[-3:]
        cuts = sorted(place * len(data) // 255 for place in places)
        wanted = judge(data, sets, LIMIT).code
        for way in ((), cuts, range(1, len(data)) if len(data) < 64 else cuts[:1]):
            assert answer(data, tuple(way), sets, None) == wanted
        assert answer(data, tuple(cuts), sets, len(data)) == wanted

    return walk


def read_certificate(given: bytes) -> None:
    """The packets of a certificate, and armored text as it may be pasted."""
    armored = ARMOR.format(base64.encodebytes(given).decode())
    for text in (armored, given.decode("utf-8", "replace")):
        with contextlib.suppress(certificates.Unfit):
            certificates.inspect(text, at=NOW)
        with contextlib.suppress(certificates.Unfit):
            certificates.split(text)


def _begin(target: str, made: Corpus) -> tuple[Target, list[bytes]]:
    if target == "walker":
        seeds = [data[:cut] + b"\x40\x80\xc0" for data in made.files.values() for cut in (600, LONGEST[target] - 3)]
        return walker_target((made.wanted,)), seeds
    armored = [certificates.armor(data).encode() for data in made.certificates.values()]
    return read_certificate, [*made.certificates.values(), *armored]


def main(arguments: Sequence[str]) -> None:
    """Fuzz; it ends the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.reports.fuzz_walker")
    parser.add_argument("seconds", nargs="?", type=int, default=600)
    parser.add_argument("--target", choices=list(LONGEST), default="walker")
    parser.add_argument("--runs", type=int, help="so many, however long they take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        kept, seeds = asked.keep or Path(name) / "found", Path(name) / "seeds"
        for folder in (kept, seeds):
            folder.mkdir(exist_ok=True, parents=True)
        with corpus() as made:
            target, first = _begin(asked.target, made)
        for number, data in enumerate(first):
            (seeds / f"{number:04}").write_bytes(data[: LONGEST[asked.target]])
        bound = f"-runs={asked.runs}" if asked.runs else f"-max_total_time={asked.seconds}"
        flags = [bound, f"-seed={asked.seed}", f"-max_len={LONGEST[asked.target]}", "-timeout=10"]
        atheris.Setup([sys.argv[0], *flags, "-print_final_stats=1", str(kept), str(seeds)], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
