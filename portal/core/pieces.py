"""Files that the store keeps in pieces: cutting a stream, reading back whole or in part, each piece checked."""

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from hmac import compare_digest
from typing import IO, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.core.blobs import Blobs

# The largest piece, in bytes: what one request or one job holds in memory.
LARGEST = 8 << 20
# Where tags are kept: the greatest length of one, and what a database can tell of it.
TAG = 80
TAG_KNOWN = "tag LIKE 'gmac:%' OR tag LIKE 'sha256:%'"
# What a server is given at a time: it keeps a copy until it is sent.
SLICE = 1 << 20


class Piece(NamedTuple):
    """A part of a file: its key in the store, the tag that its bytes fit, where it begins, and its length in bytes."""

    key: str
    tag: str
    offset: int
    size: int


class Damaged(Exception):
    """The store has given back other bytes than it was given."""


def gmac(data: bytes | memoryview) -> str:
    """A tag that these bytes alone fit: GMAC under a key of its own, "gmac:" and both, 16 bytes each, in hexadecimal.

    It takes a tenth of the time of SHA-256. Whoever can change the store, but does not see where the tag is kept,
    cannot make other bytes fit (NIST SP 800-38D; a key that tags but one message may always have the same nonce).
    """
    key = secrets.token_bytes(16)
    return f"gmac:{(key + _mac(key, data)).hex()}"


def sha256(digest: str) -> str:
    """The tag of bytes whose SHA-256, in hexadecimal digits, is known anyway."""
    return f"sha256:{digest}"


def fits(data: bytes | memoryview, tag: str) -> bool:
    """Whether a tag is that of these bytes."""
    kind, _, told = tag.partition(":")
    if kind == "sha256":
        return hashlib.sha256(data).hexdigest() == told
    key, mac = bytes.fromhex(told[:32]), bytes.fromhex(told[32:])
    return compare_digest(_mac(key, data), mac)


def _mac(key: bytes, data: bytes | memoryview) -> bytes:
    return AESGCM(key).encrypt(bytes(12), b"", data)


def cut(stream: IO[bytes], size: int = LARGEST) -> Iterator[bytes]:
    """A stream in pieces of `size` bytes, the last one shorter."""
    while piece := b"".join(_filled(stream, size)):
        yield piece


def _filled(stream: IO[bytes], missing: int) -> Iterator[bytes]:
    while missing and (some := stream.read(missing)):
        missing -= len(some)
        yield some


def read(store: Blobs, keys: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    """The pieces under (key, tag), one after another. Raises Damaged rather than give out other bytes."""
    for key, tag in keys:
        yield bytes(_checked(store, key, tag))


def _checked(store: Blobs, key: str, tag: str) -> memoryview:
    data = store.view(key)
    if not fits(data, tag):
        raise Damaged(key)
    return data


def read_range(store: Blobs, pieces: Sequence[Piece], begin: int, end: int) -> Iterator[bytes]:
    """The bytes from `begin` to `end` (exclusive), a mebibyte at a time, each piece checked before any of it leaves.

    If a piece is damaged it breaks off, which whoever reads sees.
    """
    for piece in pieces:
        if piece.offset < end and piece.offset + piece.size > begin:
            data = _checked(store, piece.key, piece.tag)
            last = min(end - piece.offset, piece.size)
            for position in range(max(begin - piece.offset, 0), last, SLICE):
                yield bytes(data[position : min(position + SLICE, last)])
            del data  # before the next one comes


def parse_range(given: str | None, size: int) -> tuple[int, int] | None:
    """Begin and end (exclusive) of a range of bytes; None for the whole file. Raises ValueError if unsatisfiable.

    What is malformed or asks for several ranges is answered with the whole file (RFC 9110, section 14.2).
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", given or "", re.ASCII)
    if not found or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < int(first):
            return None
    if begin >= end:
        raise ValueError("no such bytes")
    return begin, end
