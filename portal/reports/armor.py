"""Armored certificates and the packets in them (RFC 9580, sections 4.2 and 6)."""

import base64
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from portal.core.errors import Refused
from portal.reports.blocks import blocks

MAX_SIZE = 256 * 1024
PRIMARY = 6


class Unfit(Refused):
    """The certificate cannot be a member of a key set; the sentence says why and what would help."""


class Packet(NamedTuple):
    """One packet: its kind, its content, and where it begins."""

    tag: int
    body: bytes
    begin: int = 0


def dearmor(text: str) -> bytes:
    """The packets of one armored block. Raises Unfit."""
    found = blocks(text)
    if len(found) != 1:
        raise Unfit("Paste one armored certificate: the text from BEGIN to END that gpg --armor --export prints.")
    kind, body, _ = found[0]
    if "PRIVATE" in kind:
        raise Unfit(
            "This is a secret key. Never give it to a server; consider replacing it. Paste gpg --armor --export."
        )
    if kind != "PUBLIC KEY BLOCK":
        raise Unfit("This is not a certificate. Paste what gpg --armor --export prints.")
    lines = [line.strip() for line in body.splitlines()]
    try:
        data = base64.b64decode("".join(line for line in lines if not line.startswith("=")), validate=True)
        sums = [base64.b64decode(line[1:], validate=True) for line in lines if line.startswith("=")]
    except ValueError as error:
        raise Unfit("The armored text is damaged. Paste all of it, unchanged.") from error
    if sums and sums != [_crc24(data).to_bytes(3, "big")]:
        raise Unfit("The armored text is damaged: its check sum does not fit. Paste all of it, unchanged.")
    if len(data) > MAX_SIZE:
        raise Unfit("The certificate is too large. Export it with --export-options export-minimal.")
    return data


def armor(data: bytes, kind: str = "PUBLIC KEY BLOCK") -> str:
    """Certificates as one armored block, which gpg and openpgp.js read alike however many they are."""
    encoded = base64.b64encode(data).decode()
    lines = [encoded[begin : begin + 64] for begin in range(0, len(encoded), 64)]
    check = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    return "\n".join([f"-----BEGIN PGP {kind}-----", "", *lines, f"={check}", f"-----END PGP {kind}-----", ""])


def split(text: str) -> list[str]:
    """The certificates of a text, each armored by itself: gpg prints several as one block. Raises Unfit."""
    found = []
    for block in blocks(text):
        data = dearmor(block.text)
        begins = [packet.begin for packet in packets(data) if packet.tag == PRIMARY and packet.begin]
        found += [armor(data[begin:end]) for begin, end in pairwise([0, *begins, len(data)])]
    return found


def bundle(certificates: list[str]) -> str:
    """Several armored certificates as one armored block."""
    return armor(b"".join(dearmor(each) for each in certificates))


def _crc24(data: bytes) -> int:
    value = 0xB704CE
    for octet in data:
        value ^= octet << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864CFB
    return value & 0xFFFFFF


def packets(data: bytes) -> Iterator[Packet]:
    """The packets of a certificate, which all have definite lengths. Raises Unfit."""
    position = 0
    while position < len(data):
        begin, octet = position, data[position]
        if not octet & 0x80:
            raise Unfit("The certificate is damaged: a packet was expected where none begins.")
        tag = octet & 0x3F if octet & 0x40 else (octet & 0x3C) >> 2
        position += 1
        length, position = new_length(data, position) if octet & 0x40 else _old(data, position, octet & 3)
        if length < 0 or position + length > len(data):
            raise Unfit("The certificate is cut. Paste all of it.")
        yield Packet(tag, data[position : position + length], begin)
        position += length


def _old(data: bytes, position: int, kind: int) -> tuple[int, int]:
    octets = (1, 2, 4, 0)[kind]
    if not octets or position + octets > len(data):
        return -1, position
    return int.from_bytes(data[position : position + octets], "big"), position + octets


def new_length(data: bytes, position: int) -> tuple[int, int]:
    """A length in the new format, which subpackets use too; -1 if it is none."""
    head = data[position : position + 5]
    if head and head[0] < 192:
        return head[0], position + 1
    if len(head) > 1 and head[0] < 224:
        return ((head[0] - 192) << 8) + head[1] + 192, position + 2
    if len(head) == 5 and head[0] == 255:
        return int.from_bytes(head[1:], "big"), position + 5
    return -1, position
