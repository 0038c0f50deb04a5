"""Files in pieces: cut, read back whole and in part, and told under names that break no header."""

import hashlib
import io
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from portal.core.blobs import Blobs
from portal.core.pieces import Damaged, Piece, cut, fits, gmac, parse_range, read_range, sha256
from portal.core.web.files import attachment


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (None, None),
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,5-6", None),
        ("lines=1-2", None),
    ],
)
def test_ranges(given: str | None, part: tuple[int, int] | None) -> None:
    assert parse_range(given, 100) == part


@pytest.mark.parametrize("given", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_ranges_beyond_the_end(given: str) -> None:
    with pytest.raises(ValueError, match="no such bytes"):
        parse_range(given, 100)


@pytest.fixture
def store(tmp_path: Path) -> Blobs:
    return Blobs(f"file://{tmp_path}")


def kept(store: Blobs, content: bytes, size: int) -> list[Piece]:
    pieces = []
    for number, data in enumerate(cut(io.BytesIO(content), size)):
        piece = Piece(f"a/{number}", gmac(data), number * size, len(data))
        store.put(piece.key, data)
        pieces.append(piece)
    return pieces


class Trickle(io.BytesIO):
    """A connection that gives three bytes at a time, whatever is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 3, 3))


def test_a_stream_is_cut_into_whole_pieces_however_it_trickles() -> None:
    assert list(cut(Trickle(b"0123456789"), 4)) == [b"0123", b"4567", b"89"]
    assert list(cut(io.BytesIO(b"01234567"), 4)) == [b"0123", b"4567"]
    assert list(cut(io.BytesIO(b""), 4)) == []


@pytest.mark.parametrize("data", [b"", b"one", bytes(100_000)])
def test_tags_fit_their_bytes_alone(data: bytes) -> None:
    for tag in (gmac(data), sha256(hashlib.sha256(data).hexdigest())):
        assert fits(data, tag)
        assert not any(fits(other, tag) for other in (data + b"\0", data[:-1] + b"\1", b"\0" + data))
    assert gmac(data) != gmac(data), "each has a key of its own"


def test_a_tag_is_what_another_program_makes_of_it() -> None:
    """GCM in steps, with nothing to encrypt."""
    key, data = bytes(range(16)), b"sealed " * 1000
    other = Cipher(AES(key), GCM(bytes(12))).encryptor()
    other.authenticate_additional_data(data)
    other.finalize()
    assert fits(data, f"gmac:{key.hex()}{other.tag.hex()}")


@pytest.mark.parametrize("begin", range(10))
@pytest.mark.parametrize("length", [1, 3, 4, 5, 10])
def test_every_range_is_what_the_file_says(store: Blobs, begin: int, length: int) -> None:
    content = b"0123456789"
    end = min(begin + length, 10)
    assert b"".join(read_range(store, kept(store, content, 4), begin, end)) == content[begin:end]


def test_only_the_pieces_of_the_range_are_fetched(store: Blobs) -> None:
    pieces = kept(store, b"0123456789", 4)
    store.delete("a/0")
    store.delete("a/2")
    assert b"".join(read_range(store, pieces, 4, 8)) == b"4567"


def test_damage_is_noticed_before_it_leaves(store: Blobs) -> None:
    pieces = kept(store, b"0123456789", 4)
    store.put("a/1", b"4x67")
    reading = read_range(store, pieces, 0, 10)
    assert next(reading) == b"0123"
    with pytest.raises(Damaged, match="a/1"):
        next(reading)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sdk-20.07.txt", 'attachment; filename="sdk-20.07.txt"'),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("a\r\nSet-Cookie: x", "attachment; filename=\"a__Set-Cookie_ x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"),
        ("日本", "attachment; filename=\"download\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC"),
        ("é.txt", "attachment; filename=\"e.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ("../x;y", "attachment; filename=\".._x_y\"; filename*=UTF-8''..%2Fx%3By"),
    ],
)
def test_no_name_breaks_the_header(name: str, told: str) -> None:
    assert attachment(name) == told
