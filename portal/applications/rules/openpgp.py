"""The fingerprint of the primary key of an OpenPGP certificate (RFC 9580, 4.2, 5.5.4 and 6.2), and nothing else.

Whatever is pasted into the form comes here, so anything that is no certificate has no fingerprint and is no error.
"""

import base64
import binascii
import hashlib
import re

PUBLIC_KEY = 6
# Version 6 keys begin with version, time, algorithm and the length of what follows; version 4 without the length.
_SMALLEST = 6
_ARMOR = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)(?:-----END PGP|\Z)", re.DOTALL)
_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)


def primary_fingerprint(text: str) -> str | None:
    """The fingerprint in capital hexadecimal digits, or None where the text is no armored certificate."""
    found = _ARMOR.search(text)
    data = _decoded(found.group(1)) if found else b""
    body = _first_key(data)
    if len(body) < _SMALLEST:
        return None
    version, length = body[0], len(body)
    if version == 4:
        return hashlib.sha1(b"\x99" + length.to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
    if version == 6:
        return hashlib.sha256(b"\x9b" + length.to_bytes(4, "big") + body).hexdigest().upper()
    return None


def _decoded(armored: str) -> bytes:
    """What is between the headers and the checksum."""
    lines = [line.strip() for line in armored.splitlines()]
    wanted = "".join(line for line in lines if ":" not in line and not line.startswith("=") and _LINE.fullmatch(line))
    try:
        return base64.b64decode(wanted[: len(wanted) - len(wanted) % 4], validate=True)
    except binascii.Error:
        return b""


def _first_key(data: bytes) -> bytes:
    """The content of the first packet if it is a public key that is all there."""
    if len(data) < 2 or not data[0] & 0x80:
        return b""
    new = bool(data[0] & 0x40)
    tag = data[0] & 0x3F if new else data[0] >> 2 & 0x0F
    if tag != PUBLIC_KEY:
        return b""
    begin, length = _new_length(data) if new else _old_length(data)
    whole = 0 < length <= 0xFFFF and begin + length <= len(data)
    return data[begin : begin + length] if whole else b""


def _new_length(data: bytes) -> tuple[int, int]:
    """Where a packet's content begins and how long it is; a key has no partial lengths."""
    first = data[1]
    if first < 192:
        return 2, first
    if first < 224 and len(data) > 2:
        return 3, (first - 192 << 8) + data[2] + 192
    return (6, int.from_bytes(data[2:6], "big")) if first == 255 else (2, 0)


def _old_length(data: bytes) -> tuple[int, int]:
    size = (1, 2, 4, 0)[data[0] & 3]
    return 1 + size, int.from_bytes(data[1 : 1 + size], "big")
