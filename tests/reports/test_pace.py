"""Bytes at whatever pace: a clock that is told the time, and streams that come when the test lets them."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event

import pytest
from werkzeug.exceptions import ClientDisconnected

from portal.reports import pace
from portal.reports.pace import Crowd, Patient, Places, TooMany, TooSlow, drop
from portal.reports.rules import Pace

# Patience that ends at once: a read that does not find its bytes there is too slow.
NONE = Pace(window=0, notice=0)


@dataclass
class Line(io.RawIOBase):
    """What somebody sends; a read waits until there is something, as a server's does."""

    coming: SimpleQueue[bytes] = field(default_factory=SimpleQueue)
    left: bytes = b""
    asked: list[int] = field(default_factory=list)

    def read(self, size: int = -1) -> bytes:
        self.asked.append(size)
        self.left = self.left or self.coming.get()
        found, self.left = self.left[:size], self.left[size:]
        return found


def test_everything_arrives_in_order() -> None:
    data = bytes(range(256)) * 4096
    patient = Patient(io.BytesIO(data), Pace(), Crowd())

    assert b"".join(iter(lambda: patient.read(1 << 20), b"")) == data
    patient.leave()


def test_it_is_a_stream_like_others() -> None:
    patient = Patient(io.BytesIO(b"one\ntwo\n"), Pace(), Crowd())

    assert patient.readable()
    assert patient.read(0) == b""
    assert patient.readline() == b"one\n"
    assert patient.readall() == b"two\n"
    patient.leave()


def test_reads_grow_so_that_a_fast_sender_is_not_kept_and_little_is_lost_with_a_slow_one() -> None:
    line = Line()
    line.coming.put(bytes(10 << 20))
    patient = Patient(line, Pace(), Crowd(), clock=lambda: 0.0)

    for _ in range(25):
        patient.read(1 << 20)

    assert line.asked == [*(1 << n for n in range(19)), *[pace.LARGEST_READ] * 6]
    patient.leave()


def test_what_does_not_come_is_not_waited_for_and_what_came_is_kept() -> None:
    line = Line()
    line.coming.put(b"ab")
    patient = Patient(line, Pace(window=0.01, notice=0), Crowd())
    assert (patient.read(9), patient.read(9), patient.slow) == (b"a", b"b", False)

    with pytest.raises(TooSlow):
        patient.read(9)

    assert patient.slow
    with pytest.raises(TooSlow):
        patient.read(9)
    line.coming.put(b"")
    patient.leave()


def test_the_pace_counts_by_windows_of_waiting() -> None:
    """A byte now and then does not make up for a window; enough of them begins a new one."""
    times = iter([0.0, 0.0, 4.0, 4.0, 4.0, 4.0, 8.0, 8.0, 8.0, 8.0, 12.0, 12.0])
    line = Line()
    for _ in range(3):
        line.coming.put(b"x")
    patient = Patient(line, Pace(window=10, notice=10, least=3), Crowd(), clock=lambda: next(times))

    patient.read(1)
    patient.read(1)
    assert (patient._waited, patient._came) == (8.0, 2)
    patient.read(1)
    assert (patient._waited, patient._came) == (0.0, 0)
    patient.leave()


def test_only_a_few_slow_ones_are_waited_for() -> None:
    crowd, lines = Crowd(), [Line() for _ in range(3)]
    slow = Pace(window=0.05, notice=0, slow_at_once=0)
    assert crowd.join(1)
    assert not crowd.join(1)

    patient = Patient(lines[0], slow, crowd)
    with pytest.raises(TooSlow):
        patient.read(1)
    lines[0].coming.put(b"")
    patient.leave()
    crowd.leave()
    assert crowd.join(1)


def test_a_slow_one_leaves_the_crowd_when_it_ends() -> None:
    crowd, line = Crowd(), Line()
    patient = Patient(line, Pace(window=0, notice=0, slow_at_once=1), crowd)
    with pytest.raises(TooSlow):
        patient.read(1)
    assert not crowd.join(1)

    patient.leave()

    assert crowd.join(1)
    line.coming.put(b"")


def test_a_place_is_given_back_only_when_nobody_reads_any_more() -> None:
    line, ended = Line(), Event()
    patient = Patient(line, NONE, Crowd())
    with pytest.raises(TooSlow):
        patient.read(1)

    patient.leave(ended.set)

    assert not ended.is_set()
    line.coming.put(b"late")
    assert ended.wait(10)


def test_where_nothing_was_read_the_place_is_given_back_at_once() -> None:
    ended = Event()

    Patient(Line(), NONE, Crowd()).leave(ended.set)

    assert ended.is_set()


def test_a_line_that_breaks_says_so() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    patient = Patient(Broken(), Pace(), Crowd())

    with pytest.raises(ConnectionResetError):
        patient.read(1)
    patient.leave()


def test_places_are_counted_by_sender() -> None:
    places = Places()
    places.take("ada", 2)
    places.take("ada", 2)
    places.take("bob", 2)

    with pytest.raises(TooMany, match="At most 2 files"):
        places.take("ada", 2)

    places.leave("ada")
    places.take("ada", 2)


@pytest.mark.parametrize("fault", [ClientDisconnected, OSError, TooSlow])
def test_dropping_ends_with_the_line(fault: type[Exception]) -> None:
    class Ending(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise fault

    drop(Ending())


@pytest.mark.parametrize(
    ("clock", "dropped"), [(lambda: 0.0, pace.DROPPED), (iter([0.0, 0.0, 9.0]).__next__, pace.LARGEST_READ)]
)
def test_dropping_is_bounded_by_bytes_and_by_time(clock: Callable[[], float], dropped: int) -> None:
    stream = io.BytesIO(bytes(20 << 20))

    drop(stream, clock)

    assert stream.tell() == dropped
