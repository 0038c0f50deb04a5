"""A request's bytes as they arrive: cut into pieces, and whether there are more than there should be."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import IO, Any

from werkzeug.exceptions import ClientDisconnected

from portal.reports import rules


def pieces(
    stream: IO[bytes], most: int | None, beside: int = 0, between: Callable[[], object] = lambda: None
) -> Iterator[memoryview]:
    """The stream in pieces of 8 MiB, up to `most` bytes. Where it breaks off, what had come is the last piece.

    A piece stays what it is until `beside` others have come after it; then the next comes to its place, because new
    memory would take longer to get than a piece to come. `between` is called each time that some bytes have come, while
    others are awaited.
    """
    taken, rooms = 0, deque[memoryview]()
    while most is None or taken < most:
        wanted = rules.PART if most is None else min(rules.PART, most - taken)
        if len(rooms) <= beside:
            rooms.append(memoryview(bytearray(wanted)))
        else:
            rooms.rotate(-1)
        piece = _fill(stream, rooms[-1][:wanted], between)
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


def _fill(stream: Any, room: memoryview, between: Callable[[], object]) -> memoryview:
    """The room with what fits into it, or less at the end of the stream, however it ends."""
    end = 0
    while end < len(room):
        try:
            came = stream.readinto(room[end:])
        except (ClientDisconnected, OSError):
            break
        if not came:
            break
        end += came
        between()
    return room[:end]
