"""Reading a public OpenPGP certificate as far as a key set needs it: fingerprint, encryption subkeys, Features, expiry.

The certificate decides how a sealing program seals: Features of exactly 0x01 (RFC 9580, section 5.2.3.32) make it write
what every triager can open. Signatures are not verified here: whoever seals does that, and fingerprints are compared by
people. Version 4 keys only: their fingerprint is the SHA-1 of the key packet.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from portal.core.errors import Refused
from portal.reports.blocks import blocks

MAX_SIZE = 256 * 1024
PRIMARY, SUBKEY, USER_ID, SIGNATURE = 6, 14, 13, 2
SECRET = (5, 7)
DIRECT, BINDING, KEY_REVOKED, SUBKEY_REVOKED, NAME_REVOKED = 0x1F, 0x18, 0x20, 0x28, 0x30
NAMING = frozenset({0x10, 0x11, 0x12, 0x13})
CREATED, KEY_EXPIRES, KEY_FLAGS, FEATURES, ISSUER, ISSUER_FINGERPRINT = 2, 9, 27, 30, 16, 33
MAY_ENCRYPT = 0x04 | 0x08
# RSA, Elgamal and ECDH: what gpg 2.2 can decrypt with.
ENCRYPTING = frozenset({1, 2, 16, 18})


class Unfit(Refused):
    """The certificate cannot be a member of a key set; the sentence says why and what would help."""


class Packet(NamedTuple):
    """One packet: its kind, its content, and where it begins."""

    tag: int
    body: bytes
    begin: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """A version 4 signature as far as it matters: kind, time, issuer's key id, and its hashed subpackets."""

    kind: int
    subpackets: dict[int, bytes]
    issuer: str

    @property
    def at(self) -> int:
        """Seconds since 1970."""
        return int.from_bytes(self.subpackets.get(CREATED, b""), "big")

    @property
    def lifetime(self) -> int:
        """After how many seconds from its creation the key expires; 0 is never."""
        return int.from_bytes(self.subpackets.get(KEY_EXPIRES, b"")[:4], "big")


@dataclass(slots=True)
class Part:
    """A key, subkey or user id with the signatures that follow it."""

    packet: Packet
    signatures: list[Signature] = field(default_factory=list)

    def newest(self, kinds: frozenset[int]) -> Signature | None:
        """The newest signature of these kinds."""
        return max((each for each in self.signatures if each.kind in kinds), key=lambda each: each.at, default=None)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a key set keeps of a certificate. `expires_at` is when nothing can be sealed to it any more."""

    fingerprint: str
    name: str
    key_ids: tuple[str, ...]
    expires_at: datetime | None
    armored: str


def inspect(text: str, *, at: datetime) -> Certificate:
    """Read one armored certificate. Raises Unfit, saying why, unless it may be a member of a key set at this time."""
    data = dearmor(text)
    parts = _parts(data)
    primary = parts[0]
    fingerprint = _fingerprint(primary.packet.body)
    for part in parts:
        part.signatures = [each for each in part.signatures if each.issuer in ("", fingerprint[-16:])]
    naming = _naming(parts)
    _check_features(parts)
    expires = _primary_expiry(primary, naming, at)
    subkeys = [(key_id, end) for key_id, end in _subkeys(parts) if end is None or end > at]
    if not subkeys:
        raise Unfit(
            "It has no unexpired encryption subkey that gpg 2.2 can decrypt with (RSA, Elgamal or ECDH). "
            "Add one: gpg --quick-add-key FINGERPRINT cv25519 encr 1y"
        )
    last = None if any(end is None for _, end in subkeys) else max(end for _, end in subkeys if end)
    ends = [end for end in (expires, last) if end]
    name = naming.packet.body.decode(errors="replace")[:200]
    return Certificate(fingerprint, name, tuple(key_id for key_id, _ in subkeys), min(ends, default=None), armor(data))


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
    except ValueError as error:
        raise Unfit("The armored text is damaged. Paste all of it, unchanged.") from error
    if len(data) > MAX_SIZE:
        raise Unfit("The certificate is too large. Export it with --export-options export-minimal.")
    return data


def armor(data: bytes) -> str:
    """Certificates as one armored block, which gpg and openpgp.js read alike however many they are."""
    encoded = base64.b64encode(data).decode()
    lines = [encoded[begin : begin + 64] for begin in range(0, len(encoded), 64)]
    check = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    return "\n".join(
        ["-----BEGIN PGP PUBLIC KEY BLOCK-----", "", *lines, f"={check}", "-----END PGP PUBLIC KEY BLOCK-----", ""]
    )


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
        length, position = _new(data, position) if octet & 0x40 else _old(data, position, octet & 3)
        if length < 0 or position + length > len(data):
            raise Unfit("The certificate is cut. Paste all of it.")
        yield Packet(tag, data[position : position + length], begin)
        position += length


def _old(data: bytes, position: int, kind: int) -> tuple[int, int]:
    octets = (1, 2, 4, 0)[kind]
    if not octets or position + octets > len(data):
        return -1, position
    return int.from_bytes(data[position : position + octets], "big"), position + octets


def _new(data: bytes, position: int) -> tuple[int, int]:
    """A length in the new format, which subpackets use too; -1 if it is none."""
    head = data[position : position + 5]
    if head and head[0] < 192:
        return head[0], position + 1
    if len(head) > 1 and head[0] < 224:
        return ((head[0] - 192) << 8) + head[1] + 192, position + 2
    if len(head) == 5 and head[0] == 255:
        return int.from_bytes(head[1:], "big"), position + 5
    return -1, position


def _parts(data: bytes) -> list[Part]:
    parts: list[Part] = []
    for packet in packets(data):
        if packet.tag in SECRET:
            raise Unfit("This is a secret key. Never give it to a server; consider replacing it.")
        if packet.tag == SIGNATURE and parts:
            signature = _signature(packet.body)
            parts[-1].signatures += [signature] if signature else []
        elif packet.tag != SIGNATURE:
            parts.append(Part(packet))
    keys = [part.packet for part in parts if part.packet.tag == PRIMARY]
    if not parts or parts[0].packet.tag != PRIMARY or len(keys) != 1:
        raise Unfit("Paste one certificate a field: this is none, or more than one.")
    if any(
        part.packet.body[:1] != b"\x04" or len(part.packet.body) < 6
        for part in parts
        if part.packet.tag in (PRIMARY, SUBKEY)
    ):
        raise Unfit(
            "It is not a version 4 key, and gpg 2.2 reads no other. Make one with gpg 2.2, or --profile=rfc4880."
        )
    return parts


def _signature(body: bytes) -> Signature | None:
    """A version 4 signature; others are passed over."""
    if len(body) < 6 or body[0] != 4:
        return None
    hashed_end = 6 + int.from_bytes(body[4:6], "big")
    hashed = _subpackets(body[6:hashed_end])
    unhashed_end = hashed_end + 2 + int.from_bytes(body[hashed_end : hashed_end + 2], "big")
    named = _subpackets(body[hashed_end + 2 : unhashed_end]) | hashed
    issuer = named.get(ISSUER_FINGERPRINT, b"")[-8:] or named.get(ISSUER, b"")
    return Signature(body[1], hashed, issuer.hex().upper())


def _subpackets(area: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position = 0
    while position < len(area):
        length, position = (
            _new(area, position) if area[position] < 192 or area[position] == 255 else _wide(area, position)
        )
        if length < 1 or position + length > len(area):
            raise Unfit("The certificate is damaged: a signature in it does not fit together.")
        found[area[position] & 0x7F] = area[position + 1 : position + length]
        position += length
    return found


def _wide(area: bytes, position: int) -> tuple[int, int]:
    """Subpackets have no parts: 192 to 254 all begin a length of two octets."""
    if position + 2 > len(area):
        return -1, position
    return ((area[position] - 192) << 8) + area[position + 1] + 192, position + 2


def _fingerprint(body: bytes) -> str:
    digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
    return digest.hexdigest().upper()


def _naming(parts: list[Part]) -> Part:
    """The user id with the newest signature of the key itself, not revoked."""
    names = [
        (signature.at, index)
        for index, part in enumerate(parts)
        if part.packet.tag == USER_ID
        and (signature := part.newest(NAMING))
        and not part.newest(frozenset({NAME_REVOKED}))
    ]
    if not names:
        raise Unfit("It has no valid user id that says whose key it is.")
    return parts[max(names)[1]]


def _check_features(parts: list[Part]) -> None:
    """Every signature that could tell a program how to seal must tell it the same."""
    told: list[bytes | None] = []
    for part in parts:
        if part.packet.tag == USER_ID and (signature := part.newest(NAMING)):
            told.append(signature.subpackets.get(FEATURES))
        for kind in (DIRECT, BINDING):
            other = part.newest(frozenset({kind}))
            if other and FEATURES in other.subpackets:
                told.append(other.subpackets[FEATURES])
    wrong = next((each for each in told if each != b"\x01"), b"\x01")
    if wrong != b"\x01":
        said = f"0x{wrong.hex()}" if wrong else "missing"
        raise Unfit(
            f"Its Features are {said}, and only exactly 0x01 makes every program seal what every triager can open. "
            "Make the key with gpg 2.2, or take the others away with gpg 2.4: --edit-key, setpref AES256 SHA512, save."
        )


def _end(body: bytes, lifetime: int) -> datetime | None:
    if not lifetime:
        return None
    return datetime.fromtimestamp(int.from_bytes(body[1:5], "big"), UTC) + timedelta(seconds=lifetime)


def _primary_expiry(primary: Part, naming: Part, at: datetime) -> datetime | None:
    if primary.newest(frozenset({KEY_REVOKED})):
        raise Unfit("It is revoked.")
    signature = naming.newest(NAMING)
    direct = primary.newest(frozenset({DIRECT}))
    lifetime = (signature.lifetime if signature else 0) or (direct.lifetime if direct else 0)
    end = _end(primary.packet.body, lifetime)
    if end and end <= at:
        raise Unfit(f"It expired on {end:%d %B %Y}. Extend it: gpg --quick-set-expire FINGERPRINT 1y")
    return end


def _subkeys(parts: list[Part]) -> Iterator[tuple[str, datetime | None]]:
    """Key id and end of every subkey that is meant for encryption and not revoked."""
    for part in parts:
        if part.packet.tag != SUBKEY or part.newest(frozenset({SUBKEY_REVOKED})):
            continue
        binding = part.newest(frozenset({BINDING}))
        flags = binding.subpackets.get(KEY_FLAGS, b"") if binding else b""
        if binding and flags and flags[0] & MAY_ENCRYPT and part.packet.body[5] in ENCRYPTING:
            yield _fingerprint(part.packet.body)[-16:], _end(part.packet.body, binding.lifetime)
