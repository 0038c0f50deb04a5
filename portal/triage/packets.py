"""OpenPGP packets as far as wrapping needs them: recipients of a message, keys of a certificate (RFC 9580, 4.2)."""

import hashlib
from collections.abc import Iterator

from portal.triage.failures import Damaged

SESSION_KEY, PRIMARY, SUBKEY = 1, 6, 14
MOST, LARGEST = 64, 4096


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The packets in some octets, as tag and body; each must have a definite length. Raises Damaged."""
    position = 0
    while position < len(data):
        head = data[position]
        tag = head & 0x3F if head & 0x40 else (head & 0x3C) >> 2
        length, begin = _new(data, position + 1) if head & 0x40 else _old(data, position + 1, head & 3)
        if not head & 0x80 or length < 0 or begin + length > len(data):
            raise Damaged("The portal sent something else than OpenPGP packets.")
        yield tag, data[begin : begin + length]
        position = begin + length


def recipients(data: bytes) -> list[str]:
    """The key ids in packets for recipients (version 3) and nothing else. Raises Damaged."""
    found: list[str] = []
    for tag, body in split(data):
        if tag != SESSION_KEY or body[:1] != b"\x03" or not 10 < len(body) <= LARGEST or len(found) == MOST:
            raise Damaged("The portal sent something else than session keys for recipients.")
        found.append(body[1:9].hex().upper())
    return found


def head_length(data: bytes) -> int:
    """How many octets the packets for recipients take at the beginning of a message."""
    position = 0
    while position < len(data) and (data[position] & 0x3F if data[position] & 0x40 else data[position] >> 2 & 15) == 1:
        length, begin = (
            _new(data, position + 1) if data[position] & 0x40 else _old(data, position + 1, data[position] & 3)
        )
        if length < 0:
            break
        position = begin + length
    return position


def key(certificate: bytes, fingerprint: str) -> bytes:
    """The body of the (sub)key packet with this version 4 fingerprint. Raises Damaged."""
    for tag, body in split(certificate):
        if tag in (PRIMARY, SUBKEY) and fingerprint_of(body) == fingerprint:
            return body
    raise Damaged(f"The certificate has no key {fingerprint}.")


def fingerprint_of(body: bytes) -> str:
    """The fingerprint of a version 4 key packet."""
    hashed = b"\x99" + len(body).to_bytes(2, "big") + body
    return hashlib.sha1(hashed, usedforsecurity=False).hexdigest().upper()


def packet(tag: int, body: bytes) -> bytes:
    """A packet with a header in the new format."""
    length = len(body)
    if length < 192:
        told = bytes([length])
    elif length < 8384:
        told = bytes([((length - 192) >> 8) + 192, (length - 192) & 0xFF])
    else:
        told = b"\xff" + length.to_bytes(4, "big")
    return bytes([0xC0 | tag]) + told + body


def _old(data: bytes, position: int, kind: int) -> tuple[int, int]:
    octets = (1, 2, 4, 0)[kind]
    end = position + octets
    return (int.from_bytes(data[position:end], "big"), end) if octets and end <= len(data) else (-1, end)


def _new(data: bytes, position: int) -> tuple[int, int]:
    head = data[position : position + 5]
    if head and head[0] < 192:
        return head[0], position + 1
    if len(head) > 1 and head[0] < 224:
        return ((head[0] - 192) << 8) + head[1] + 192, position + 2
    if len(head) == 5 and head[0] == 255:
        return int.from_bytes(head[1:], "big"), position + 5
    return -1, position
