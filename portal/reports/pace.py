"""Bytes that somebody else sends, at whatever pace: the waiting for them ends, and what had come is kept.

No server that serves this application ends a request whose body comes too slowly, and a read cannot be interrupted. So
another thread reads, and whoever waits for it can stop waiting. A thread that is left behind ends with the connection,
which the server closes once the answer is out; until then it counts among its sender's.
"""

import io
import time
from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import IO, Any

from typing_extensions import override
from werkzeug.exceptions import ClientDisconnected

from portal.core.errors import PortalError
from portal.reports.rules.limits import Pace

# Reads grow while they are quick and shrink while they are not, so that little is lost with a read that never ends.
LARGEST_READ = 1 << 18
QUICK, SLUGGISH = 0.05, 0.5
# What is read of a request that is refused, so that the answer finds somebody who listens: bytes, seconds.
DROPPED, DROPPING = 9 << 20, 5.0


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
    """A stream that is read by another thread. Once it was too slow, `slow` is true and every read raises TooSlow."""

    def __init__(
        self, stream: IO[bytes], pace: Pace, crowd: Crowd, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.slow = False
        self._stream, self._pace, self._crowd, self._clock = stream, pace, crowd, clock
        self._asked: SimpleQueue[int | None] = SimpleQueue()
        self._given: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._reader: Thread | None = None
        self._ended: list[Callable[[], object]] = []
        self._size, self._waited, self._came = 1, 0.0, 0
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
        if self._reader is None:
            self._reader = Thread(target=self._work, name="reader", daemon=True)
            self._reader.start()
        begun = self._clock()
        self._asked.put(min(size, self._size) if size > 0 else self._size)
        found = self._wait()
        took = self._clock() - begun
        if took < QUICK:
            self._size = min(self._size * 2, LARGEST_READ)
        elif took > SLUGGISH:
            self._size = max(self._size // 2, 1)
        if isinstance(found, BaseException):
            raise found
        self._came += len(found)
        if self._came >= self._pace.least:
            self._new_window()
        return found

    @override
    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def leave(self, then: Callable[[], object] = lambda: None) -> None:
        """Read no more; `then` is called once nobody reads any more."""
        if self._in_crowd:
            self._crowd.leave()
            self._in_crowd = False
        if self._reader is None:
            then()
            return
        self._ended.append(then)
        self._asked.put(None)

    def _work(self) -> None:
        while (size := self._asked.get()) is not None:
            try:
                self._given.put(self._stream.read(size))
            except BaseException as error:
                self._given.put(error)
        for then in self._ended:
            then()

    def _wait(self) -> bytes | BaseException:
        """What has been read, once it is there. Only time that was waited for the sender counts."""
        while True:
            begun = self._clock()
            bound = self._pace.window if self._in_crowd else self._pace.notice
            try:
                return self._given.get(timeout=max(bound - self._waited, 0))
            except Empty:
                self._check_patience()
            finally:
                self._waited += self._clock() - begun

    def _check_patience(self) -> None:
        """The patience of a first moment, or that of a whole window, has ended."""
        if self._in_crowd or not self._crowd.join(self._pace.slow_at_once):
            self.slow = True
            raise TooSlow
        self._in_crowd = True

    def _new_window(self) -> None:
        self._waited, self._came = 0.0, 0
        if self._in_crowd:
            self._crowd.leave()
            self._in_crowd = False


def drop(stream: IO[bytes], clock: Callable[[], float] = time.monotonic) -> None:
    """Read a bounded amount of what nobody wants, for a bounded time, however it ends."""
    left, until = DROPPED, clock() + DROPPING
    try:
        while left > 0 and clock() < until and (some := stream.read(min(left, LARGEST_READ))):
            left -= len(some)
    except (ClientDisconnected, OSError):
        return
