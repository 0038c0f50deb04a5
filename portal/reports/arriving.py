"""A request's bytes as they arrive: cut into pieces, and whether there are more than there should be."""

from collections.abc import Callable, Iterator
from typing import IO, Any

from werkzeug.exceptions import ClientDisconnected

from portal.reports import rules


def pieces(stream: IO[bytes], most: int | None, between: Callable[[], object] = lambda: None) -> Iterator[memoryview]:
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


def _fill(stream: Any, wanted: int, between: Callable[[], object]) -> memoryview:
    """`wanted` bytes, or fewer at the end of the stream, however it ends. They are copied once, to where they stay."""
    room, end = memoryview(bytearray(wanted)), 0
    while end < wanted:
        try:
            came = stream.readinto(room[end:])
        except (ClientDisconnected, OSError):
            break
        if not came:
            break
        end += came
        between()
    return room[:end]
