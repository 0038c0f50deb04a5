"""Bytes of a file whose length nobody has told, up to what its participant's files may take together."""

from typing import IO


class Bounded:
    """A stream that ends after `room` bytes; `overrun` says whether more would have come."""

    def __init__(self, stream: IO[bytes], room: int) -> None:
        self.overrun = False
        self._stream, self._left = stream, room

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end. One byte more than there is room for is asked for, and lost."""
        if self.overrun:
            return b""
        some = self._stream.read(min(size, self._left + 1))
        self.overrun = len(some) > self._left
        kept = some[: self._left]
        self._left -= len(kept)
        return kept
