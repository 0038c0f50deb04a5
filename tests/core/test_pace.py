"""Bytes at whatever pace, by a clock that goes on by as much as each read is said to take."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import pytest
from werkzeug.exceptions import ClientDisconnected

from portal.core import pace
from portal.core.errors import Unavailable
from portal.core.pace import Crowd, Pace, Patient, Places, TooMany, TooSlow, Watch, drop


@dataclass
class Line(io.RawIOBase):
    """What somebody sends: pieces, each with the seconds that it takes to come. Then nothing more."""

    coming: list[tuple[bytes, float]]
    now: float = 0.0
    asked: list[int] = field(default_factory=list)
    readinto = None  # type: ignore[assignment]

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


@dataclass
class Direct(Line):
    """A line that puts what comes where it is told to."""

    def readinto(self, room: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(room))
        room[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("kind", [Line, Direct])
def test_bytes_come_to_where_they_stay(kind: type[Line]) -> None:
    data = bytes(range(256)) * 4096
    line, room, end = kind([(data[:9], 0), (data[9:], 0)]), memoryview(bytearray(len(data) + 9)), 0
    patient = line.patient()

    while came := patient.readinto(room[end:]):
        end += came

    assert (end, room[:end], room[end:]) == (len(data), data, bytes(9))
    assert line.asked[:5] == [1, 2, 4, 8, 16], "small at first, however much room there is"


def test_who_is_slow_is_not_waited_for_either_way() -> None:
    patient, room = Direct([(b"x", 30)] * 3).patient(Pace(window=20)), memoryview(bytearray(9))

    assert (patient.readinto(room), patient.readinto(room)) == (1, 1)
    with pytest.raises(TooSlow):
        patient.readinto(room)


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


@dataclass
class Held(Line):
    """A line that gives nothing until somebody hangs up, then what has come."""

    patient: Patient | None = None
    looks: tuple[float, ...] = ()
    hung_up: int = 0

    def read(self, size: int = -1) -> bytes:
        if not self.hung_up:
            assert self.patient
            for each in self.looks:
                self.now = each
                self.patient.look()
        return super().read(size)

    def hang_up(self) -> None:
        self.hung_up += 1


def held(crowd: Crowd, *looks: float, came: bytes = b"") -> tuple[Held, Patient]:
    line = Held([(came, 0.0)] if came else [], looks=looks)
    bounds = Pace(window=20, notice=1, least=64, slow_at_once=1)
    line.patient = Patient(line, bounds, crowd, clock=lambda: line.now, hang_up=line.hang_up)
    return line, line.patient


def test_a_read_that_waits_is_ended_after_the_window_and_what_has_come_is_given() -> None:
    line, patient = held(Crowd(), 0.5, 1.0, 19.9, 20.0, 25.0, came=b"some")

    assert (patient.read(9), patient.slow, line.hung_up) == (b"s", True, 1)
    assert patient.read(9) + patient.read(9) == b"ome"
    for _ in range(2):
        with pytest.raises(TooSlow):
            patient.read(9)
    assert line.hung_up == 1


def test_a_read_that_waits_is_ended_soon_where_others_are_waited_for() -> None:
    crowd = Crowd()
    assert crowd.join(1)
    line, patient = held(crowd, 0.9)
    assert (patient.read(9), line.hung_up) == (b"", 0)

    line, patient = held(crowd, 0.9, 1.0)
    with pytest.raises(TooSlow):
        patient.read(9)
    assert line.hung_up == 1


def test_who_waits_leaves_the_crowd_at_the_end() -> None:
    crowd = Crowd()
    _, patient = held(crowd, 1.0)
    assert patient.read(9) == b""
    with pytest.raises(Unavailable):
        patient.check_room()

    patient.leave()

    patient.check_room()


def test_nobody_is_looked_at_who_does_not_wait() -> None:
    line, patient = held(Crowd(), came=b"x")
    assert patient.read(9) == b"x"
    line.now = 99.0

    patient.look()

    assert (patient.slow, line.hung_up) == (False, 0)


def test_what_a_server_raises_when_it_is_hung_up_on_is_slowness() -> None:
    class Torn(Held):
        def read(self, size: int = -1) -> bytes:
            super().read(size)
            raise OSError

    line = Torn([], looks=(1.0, 20.0))
    line.patient = Patient(line, Pace(), Crowd(), clock=lambda: line.now, hang_up=line.hang_up)
    with pytest.raises(TooSlow):
        line.patient.read(1)

    line = Torn([], looks=())
    line.patient = Patient(line, Pace(), Crowd(), hang_up=line.hang_up)
    with pytest.raises(OSError, match=r"^$"):
        line.patient.read(1)


def test_the_watch_looks_at_those_who_wait_again_and_again() -> None:
    class Watched(Patient):
        looked = 0

        def look(self) -> None:
            self.looked += 1
            (first if self.looked == 1 else second).set()

    watch, first, second = Watch(every=0.001), Event(), Event()
    patient = Watched(io.BytesIO(), Pace(), Crowd())
    for _ in range(2):
        watch.begin(patient)
        assert first.wait(10)
        assert second.wait(10)
        watch.end(patient)
        first.clear()
        second.clear()
        patient.looked = 0


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
