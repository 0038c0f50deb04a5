"""Bytes of a file whose length nobody has told, up to what its participant's files may take together."""

import io
from typing import Any

from typing_extensions import override


class Bounded(io.RawIOBase):
    """A stream that ends after `room` bytes; `overrun` says whether more would have come."""

    def __init__(self, stream: Any, room: int) -> None:
        super().__init__()
        self.overrun = False
        self._stream, self._left = stream, room

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        """Fill what there is room for. One byte more than that is asked for, and lost."""
        if self.overrun:
            return 0
        came: int = self._stream.readinto(memoryview(buffer)[: self._left + 1])
        self.overrun = came > self._left
        kept = min(came, self._left)
        self._left -= kept
        return kept
