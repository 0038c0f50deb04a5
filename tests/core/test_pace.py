"""Bytes at whatever pace, by a clock that goes on by as much as each read is said to take."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from werkzeug.exceptions import ClientDisconnected

from portal.core import pace
from portal.core.errors import Unavailable
from portal.core.pace import Crowd, Pace, Patient, Places, TooMany, TooSlow, drop


@dataclass
class Line(io.RawIOBase):
    """What somebody sends: pieces, each with the seconds that it takes to come. Then nothing more."""

    coming: list[tuple[bytes, float]]
    now: float = 0.0
    asked: list[int] = field(default_factory=list)

    def read(self, size: int = -1) -> bytes:
        self.asked.append(size)
        if not self.coming:
            return b""
        data, took = self.coming.pop(0)
        self.now += took
        if data[size:]:
            self.coming.insert(0, (data[size:], 0.0))
        return data[:size]

    def patient(self, bounds: Pace | None = None, crowd: Crowd | None = None) -> Patient:
        return Patient(self, bounds or Pace(), crowd or Crowd(), clock=lambda: self.now)


def test_everything_arrives_in_order() -> None:
    data = bytes(range(256)) * 4096

    assert b"".join(iter(lambda: Line([(data, 0)]).patient().read(1 << 20), data[:1])) == b""
    patient = Line([(data, 0)]).patient()
    assert b"".join(iter(lambda: patient.read(1 << 20), b"")) == data


def test_it_is_a_stream_like_others() -> None:
    patient = Line([(b"one\ntwo\n", 0)]).patient()

    assert patient.readable()
    assert patient.read(0) == b""
    assert patient.readline() == b"one\n"
    assert patient.readall() == b"two\n"


def test_reads_grow_while_they_are_quick_and_shrink_while_they_are_not() -> None:
    line = Line([(bytes(1023), 0), *[(bytes(1 << 20), 0.6)] * 4])
    patient = line.patient()

    while patient.read(1 << 20):
        pass

    assert line.asked[:14] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 512, 1024, 2048]
    assert max(line.asked) == pace.LARGEST_READ


def test_a_byte_a_second_is_not_waited_for_for_ever() -> None:
    """What came before is given out, byte by byte; after a window of waiting nothing more is read."""
    line = Line([(b"x", 1.0)] * 100)
    patient = line.patient(Pace(window=20, notice=1, least=64, slow_at_once=1))

    for _ in range(20):
        assert patient.read(1 << 20) == b"x"

    assert patient.slow
    with pytest.raises(TooSlow):
        patient.read(1)
    assert line.now == 20


def test_who_sends_enough_in_each_window_is_waited_for() -> None:
    line = Line([(b"x" * 64, 15.0)] * 50)
    patient = line.patient(Pace(window=20, notice=1, least=64, slow_at_once=1))

    assert len(b"".join(iter(lambda: patient.read(64), b""))) == 50 * 64
    assert not patient.slow


def test_only_a_few_slow_ones_are_waited_for_and_each_leaves_its_place() -> None:
    crowd, bounds = Crowd(), Pace(window=20, notice=1, least=64, slow_at_once=1)
    first, second = (Line([(b"x", 1.5)] * 9 + [(b"x" * 64, 0)]).patient(bounds, crowd) for _ in range(2))
    assert first.read(1) == second.read(1) == b"x"
    assert (first.slow, second.slow) == (False, True)
    with pytest.raises(Unavailable, match="go on in a moment"):
        crowd.check(1)

    while first.read(64):
        pass

    crowd.check(1)
    assert not first.slow


def test_the_end_of_a_slow_one_is_no_fault() -> None:
    patient = Line([(b"x", 0.5), (b"", 40.0)]).patient(Pace(notice=1, slow_at_once=0))

    assert (patient.read(9), patient.read(9), patient.slow) == (b"x", b"", False)


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
