"""Bytes that come, cut into pieces."""

import io

import pytest

from portal.reports import rules
from portal.reports.arriving import pieces


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PART", 1000)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000, 5432])
@pytest.mark.parametrize("more", [None, 0, 3])
@pytest.mark.parametrize("beside", [0, 1, 2, 9])
def test_all_bytes_come_in_order_and_stay_while_so_many_others_come(size: int, more: int | None, beside: int) -> None:
    data = bytes(index * 7 % 251 for index in range(size))
    most = None if more is None else size
    beginnings = range(0, size, 1000)
    shown: list[memoryview] = []

    for number, piece in enumerate(pieces(io.BytesIO(data + bytes(more or 0)), most, beside)):
        shown.append(piece)
        for begun, each in list(zip(beginnings, shown, strict=False))[max(0, number - beside) :]:
            assert each == data[begun : begun + 1000]

    assert [len(each) for each in shown] == [min(1000, size - begun) for begun in beginnings]


def test_no_more_memory_is_taken_than_for_those_that_stay() -> None:
    rooms = {id(piece.obj) for piece in pieces(io.BytesIO(bytes(20_000)), None, 2)}

    assert len(rooms) == 3


def test_a_piece_has_what_had_come_when_its_stream_broke_off() -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            if self.tell() >= 2500:
                raise OSError("gone")
            return super().readinto(buffer[:500])

    data = bytes(range(250)) * 20
    looks: list[None] = []
    came = [bytes(piece) for piece in pieces(Broken(data), None, 1, lambda: looks.append(None))]

    assert came == [data[:1000], data[1000:2000], data[2000:2500]]
    assert len(looks) == 5
