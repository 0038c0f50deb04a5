"""Bytes that somebody else sends, at whatever pace: the waiting for them ends, and what had come is kept.

A read that waits cannot be interrupted, and no thread may be left behind with one: one of the servers stands still
when a request has been answered whose body is still being read. So reads are small while the bytes come slowly, the
time is looked at after each, and nobody may have so many requests on their way that they could take all threads. Who
falls wholly silent keeps a thread until the connection ends (gunicorn ends it by itself, and so does any proxy).
"""

import io
import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import IO, Any

from typing_extensions import override
from werkzeug.exceptions import ClientDisconnected

from portal.core.errors import PortalError, Unavailable
from portal.reports.rules.limits import Pace

# Reads grow while they are quick and shrink while they are not.
LARGEST_READ = 1 << 16
QUICK, SLUGGISH = 0.05, 0.5
# What is read of a request that is refused, so that the answer finds somebody who listens: bytes, seconds.
DROPPED, DROPPING = 9 << 20, 2.0


class TooSlow(ClientDisconnected):
    """The bytes came too slowly to be waited for."""

    code = 408
    description = "The bytes came too slowly. Those that had arrived are kept: go on from there."


class TooMany(PortalError):
    """Somebody sends more at once than others can bear."""

    status = 429
    title = "One after the other"
    retry_after = 2


class Crowd:
    """How many are waited for in this process although they are slow."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = Lock()

    def join(self, most: int) -> bool:
        """Whether one more may be waited for."""
        with self._lock:
            if self._count >= most:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        """One less."""
        with self._lock:
            self._count -= 1

    def check(self, most: int) -> None:
        """Raises Unavailable where nobody else could be waited for."""
        with self._lock:
            if self._count >= most:
                raise Unavailable("Several slow uploads are on their way. Nothing is lost; go on in a moment.")


class Places:
    """How much each sender may have on its way at once in this process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, sender: str, most: int) -> None:
        """Raises TooMany where all places of the sender are taken."""
        with self._lock:
            if self._taken[sender] >= most:
                raise TooMany(f"At most {most} files are taken at once. Wait until one has arrived, then go on.")
            self._taken[sender] += 1

    def leave(self, sender: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[sender] -= 1
            if not self._taken[sender]:
                del self._taken[sender]


class Patient(io.RawIOBase):
    """A stream that is read only while it is fast enough. Then `slow` is true and every read raises TooSlow.

    The first read is of `first` bytes.
    """

    def __init__(
        self, stream: IO[bytes], pace: Pace, crowd: Crowd, first: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.slow = False
        self._stream, self._pace, self._crowd, self._clock = stream, pace, crowd, clock
        self._size, self._waited, self._came = first, 0.0, 0
        self._in_crowd = False

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int = -1) -> bytes:
        """Some bytes, at most `size`; none at the end. Raises TooSlow, or what the stream raises."""
        if self.slow:
            raise TooSlow
        if size == 0:
            return b""
        begun = self._clock()
        found = self._stream.read(min(size, self._size) if size > 0 else self._size)
        took = self._clock() - begun
        if took < QUICK:
            self._size = min(self._size * 2, LARGEST_READ)
        elif took > SLUGGISH:
            self._size = max(self._size // 2, 1)
        self._came += len(found)
        self._waited += took
        self._look(ended=not found)
        return found

    @override
    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def leave(self) -> None:
        """Read no more."""
        if self._in_crowd:
            self._crowd.leave()
            self._in_crowd = False

    def _look(self, *, ended: bool) -> None:
        """Whether to go on. Only time that was waited for the sender counts."""
        if self._came >= self._pace.least * max(1.0, self._waited / self._pace.window):
            self._waited, self._came = 0.0, 0
            self.leave()
        elif ended or self._waited < self._pace.notice:
            return
        elif not self._in_crowd:
            self._in_crowd = self._crowd.join(self._pace.slow_at_once)
            self.slow = not self._in_crowd
        elif self._waited >= self._pace.window:
            self.slow = True


def drop(stream: IO[bytes], clock: Callable[[], float] = time.monotonic) -> None:
    """Read a bounded amount of what nobody wants, for a bounded time, however it ends."""
    left, until = DROPPED, clock() + DROPPING
    try:
        while left > 0 and clock() < until and (some := stream.read(min(left, LARGEST_READ))):
            left -= len(some)
    except (ClientDisconnected, OSError):
        return
