"""Bytes that somebody else sends, at whatever pace: the waiting for them ends, and what had come is kept.

Reads are small while the bytes come slowly, and the time is looked at after each. Whoever falls wholly silent does so
in the middle of one: it is ended from another thread, in the way that the server offers, and gives what had come until
then. Where a server offers none, such a read lasts as long as the connection.
"""

import io
import time
from collections import Counter
from collections.abc import Callable
from threading import Condition, Lock, Thread
from typing import IO, Any, NamedTuple

from typing_extensions import override
from werkzeug.exceptions import ClientDisconnected

from portal.core.errors import PortalError, Unavailable

# Reads grow while they are quick and shrink while they are not.
LARGEST_READ = 1 << 20
QUICK, SLUGGISH = 0.05, 0.5
# What is read of a request that is refused, so that the answer finds somebody who listens: bytes, seconds.
DROPPED, DROPPING = 9 << 20, 2.0
# How often reads that wait are looked at, in seconds.
LOOKING = 0.1


class Pace(NamedTuple):
    """How slowly bytes may come, and how many requests with files may be on their way at once in one process.

    In each `window` seconds of waiting at least `least` bytes must come. Who has been waited for `notice` seconds with
    less than that is slow, and only `slow_at_once` slow ones are waited for: pages need threads too. A participant
    may have `at_once` requests on their way.
    """

    window: float = 20.0
    least: int = 64 * 1024
    notice: float = 1.0
    slow_at_once: int = 2
    at_once: int = 2


class TooSlow(ClientDisconnected):
    """The bytes came too slowly to be waited for."""

    code = 408
    description = "The bytes came too slowly to be waited for. Nothing was changed; try it again."


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
    """A stream that is waited for only while it is fast enough. Then `slow` is true and reads raise TooSlow.

    The first read is of `first` bytes. After `hang_up` nothing of the stream is waited for, neither by a read that
    waits already nor by a later one: they give what has come, then nothing. Without it what has come may be lost.
    """

    def __init__(
        self,
        stream: IO[bytes],
        pace: Pace,
        crowd: Crowd,
        first: int = 1,
        clock: Callable[[], float] = time.monotonic,
        hang_up: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.slow = False
        self.pace = pace
        self._stream, self._crowd, self._clock, self._hang_up = stream, crowd, clock, hang_up
        self._size, self._waited, self._came = first, 0.0, 0
        self._begun: float | None = None
        self._in_crowd = False
        self._lock = Lock()

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int = -1) -> bytes:
        """Some bytes, at most `size`; none at the end. All that come, without one. Raises TooSlow, or what the stream
        raises.
        """
        if size < 0:
            return self.readall()
        found = b""

        def take(most: int) -> int:
            nonlocal found
            found = self._stream.read(most)
            return len(found)

        self._wait(size, take)
        return found

    @override
    def readinto(self, buffer: Any) -> int:
        """As `read`, to where the bytes stay: without a copy in between where the stream can do so as well."""
        if direct := getattr(self._stream, "readinto", None):
            return self._wait(len(buffer), lambda most: direct(memoryview(buffer)[:most]))
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def look(self) -> None:
        """From another thread, now and then: end a read that has waited for too long."""
        with self._lock:
            if self._begun is None or self.slow:
                return
            if self._too_slow(self._waited + self._clock() - self._begun):
                self._give_up()

    def check_room(self) -> None:
        """Raises Unavailable where nobody could be waited for."""
        self._crowd.check(self.pace.slow_at_once)

    def leave(self) -> None:
        """Read no more."""
        if self._in_crowd:
            self._crowd.leave()
            self._in_crowd = False

    def _give_up(self) -> None:
        if self._hang_up and not self.slow:
            self._hang_up()
        self.slow = True

    def _wait(self, size: int, take: Callable[[int], int]) -> int:
        """Let some bytes be taken, at most `size`; how many it were."""
        if self.slow and self._hang_up is None:
            raise TooSlow
        if size == 0:
            return 0
        count, took = self._timed(min(size, self._size), take)
        if took < QUICK:
            self._size = min(self._size * 2, LARGEST_READ)
        elif took > SLUGGISH:
            self._size = max(self._size // 2, 1)
        self._came += count
        self._waited += took
        if not self.slow and self._too_slow(self._waited, ended=not count):
            self._give_up()
        return count

    def _timed(self, size: int, take: Callable[[int], int]) -> tuple[int, float]:
        begun = self._begun = self._clock()
        try:
            count = take(size)
        except TooSlow:
            self.slow = True
            raise
        except Exception as error:
            if self.slow:
                raise TooSlow from error
            raise
        finally:
            with self._lock:
                self._begun = None
        if self.slow and not count:
            raise TooSlow
        return count, self._clock() - begun

    def _too_slow(self, waited: float, *, ended: bool = False) -> bool:
        """Whether to wait no more. Only time that was waited for the sender counts."""
        if self._came >= self.pace.least * max(1.0, waited / self.pace.window):
            self._waited, self._came = 0.0, 0
            self.leave()
        elif not ended and waited >= self.pace.notice:
            if self._in_crowd:
                return waited >= self.pace.window
            self._in_crowd = self._crowd.join(self.pace.slow_at_once)
            return not self._in_crowd
        return False


class Watch:
    """Looks at those who are waited for, from a thread of its own that runs while there are any."""

    def __init__(self, every: float = LOOKING) -> None:
        self._every = every
        self._watched: set[Patient] = set()
        self._changed = Condition()
        self._thread: Thread | None = None

    def begin(self, patient: Patient) -> None:
        """Look at this one now and then."""
        with self._changed:
            self._watched.add(patient)
            if self._thread is None:
                # Begun late: some servers fork once the application is there, and threads do not come along.
                self._thread = Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
            elif len(self._watched) == 1:
                self._changed.notify()

    def end(self, patient: Patient) -> None:
        """Look at it no more."""
        with self._changed:
            self._watched.discard(patient)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._watched)
                watched = list(self._watched)
            for each in watched:
                each.look()
            time.sleep(self._every)


def drop(stream: IO[bytes], clock: Callable[[], float] = time.monotonic) -> None:
    """Read a bounded amount of what nobody wants, for a bounded time, however it ends."""
    left, until = DROPPED, clock() + DROPPING
    try:
        while left > 0 and clock() < until and (some := stream.read(min(left, LARGEST_READ))):
            left -= len(some)
    except (ClientDisconnected, OSError):
        return
