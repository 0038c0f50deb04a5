"""A request's bytes as they arrive: cut into pieces, and whether there are more than there should be."""

from collections.abc import Callable, Iterator
from typing import IO

from werkzeug.exceptions import ClientDisconnected

from portal.reports import rules

# What is asked for at a time; whoever reads for us may give less.
_READ = 1 << 20


def pieces(stream: IO[bytes], most: int | None, between: Callable[[], object] = lambda: None) -> Iterator[bytes]:
    """The stream in pieces of 8 MiB, up to `most` bytes. Where it breaks off, what had come is the last piece.

    `between` is called each time that some bytes have come, while others are awaited.
    """
    taken = 0
    while most is None or taken < most:
        wanted = rules.PART if most is None else min(rules.PART, most - taken)
        piece = _fill(stream, wanted, between)
        if piece:
            taken += len(piece)
            yield piece
        if len(piece) < wanted:
            return


def goes_on(stream: IO[bytes]) -> bool:
    """Whether a further byte comes, which is then lost. A stream that breaks off does not go on."""
    try:
        return bool(stream.read(1))
    except (ClientDisconnected, OSError):
        return False


def _fill(stream: IO[bytes], wanted: int, between: Callable[[], object]) -> bytes:
    """`wanted` bytes, or fewer at the end of the stream, however it ends. One copy at most is held beside them."""
    got: list[bytes] = []
    missing = wanted
    while missing:
        try:
            some = stream.read(min(missing, _READ))
        except (ClientDisconnected, OSError):
            break
        if not some:
            break
        got.append(some)
        missing -= len(some)
        between()
    return b"".join(got)
