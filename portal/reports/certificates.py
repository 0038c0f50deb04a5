"""Reading a public OpenPGP certificate as far as a key set needs it: fingerprint, encryption subkeys, Features, expiry.

The certificate decides how a sealing program seals: Features of exactly 0x01 (RFC 9580, section 5.2.3.32) make it write
what every triager can open. Only what the key itself has signed counts. Version 4 keys only: their fingerprint is the
SHA-1 of the key packet.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from portal.reports import keymaterial
from portal.reports.armor import PRIMARY, Packet, Unfit, armor, bundle, dearmor, new_length, packets, split
from portal.reports.keymaterial import ECDH, RSA, RSA_ENCRYPT

__all__ = ["Certificate", "Packet", "Unfit", "armor", "bundle", "dearmor", "inspect", "outline", "packets", "split"]

SUBKEY, USER_ID, SIGNATURE = 14, 13, 2
SECRET = (5, 7)
DIRECT, BINDING, KEY_REVOKED, SUBKEY_REVOKED, NAME_REVOKED = 0x1F, 0x18, 0x20, 0x28, 0x30
NAMING = frozenset({0x10, 0x11, 0x12, 0x13})
REVOKING = frozenset({KEY_REVOKED, SUBKEY_REVOKED, NAME_REVOKED})
CREATED, KEY_EXPIRES, KEY_FLAGS, FEATURES, ISSUER, ISSUER_FINGERPRINT = 2, 9, 27, 30, 16, 33
MAY_ENCRYPT = 0x04 | 0x08
# What Features other than 0x01 make programs write.
ASKED = {0x02: "packet 20 of gpg 2.4", 0x04: "version 5 keys", 0x08: "sealed packets of version 2"}
# What gpg 2.2 can decrypt with.
ENCRYPTING = frozenset({RSA, RSA_ENCRYPT, ECDH})
NAME, ATTRIBUTE = 0xB4, 0xD1


class Signature(NamedTuple):
    """A version 4 signature: kind, hashed subpackets, issuer's key id. Of its body, `head` was hashed, `signed` is the
    number or numbers at the end.
    """

    kind: int
    subpackets: dict[int, bytes]
    issuer: str
    digest: int = 0
    head: bytes = b""
    signed: bytes = b""

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


class Certificate(NamedTuple):
    """What a key set keeps of a certificate. `expires_at` is when nothing can be sealed to it any more, `signs_until`
    when the key as a whole expires; `warnings` are sentences.
    """

    fingerprint: str
    name: str
    key_ids: tuple[str, ...]
    expires_at: datetime | None
    armored: str
    algorithm: str = ""
    warnings: tuple[str, ...] = ()
    signs_until: datetime | None = None


def inspect(text: str, *, at: datetime) -> Certificate:
    """Read one armored certificate. Raises Unfit, saying why, unless it may be a member of a key set at this time."""
    data = dearmor(text)
    parts = _parts(data)
    primary = parts[0]
    fingerprint = _fingerprint(primary.packet.body)
    _keep_genuine(parts, fingerprint)
    naming = _naming(parts)
    expires = _primary_expiry(primary, naming, at)
    _check_features(parts)
    subkeys = _usable(parts, at)
    ends = [end for end in (expires, _last(subkeys)) if end]
    kinds = [keymaterial.read(primary.packet.body), *(keymaterial.read(part.packet.body) for part, _ in subkeys)]
    return Certificate(
        fingerprint,
        naming.packet.body.decode(errors="replace")[:200],
        tuple(_fingerprint(part.packet.body)[-16:] for part, _ in subkeys),
        min(ends, default=None),
        armor(data),
        algorithm=" + ".join(dict.fromkeys(each.kind for each in kinds)),
        warnings=tuple(dict.fromkeys(each.warning for each in kinds if each.warning)),
        signs_until=expires,
    )


class Outline(NamedTuple):
    """The fingerprints of a certificate's keys, the primary one first, and when the key as a whole expires."""

    fingerprints: tuple[str, ...]
    expires_at: datetime | None


def outline(text: str) -> Outline:
    """What a certificate says of itself, be it fit or not by now. Raises Unfit where it cannot be read."""
    parts = _parts(dearmor(text))
    fingerprints = tuple(_fingerprint(part.packet.body) for part in parts if part.packet.tag in (PRIMARY, SUBKEY))
    _keep_genuine(parts, fingerprints[0])
    return Outline(fingerprints, _ends_at(parts[0], _naming(parts)))


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
    return Signature(body[1], hashed, issuer.hex().upper(), body[3], body[:hashed_end], body[unhashed_end + 2 :])


def _subpackets(area: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position = 0
    while position < len(area):
        length, position = (
            new_length(area, position) if area[position] < 192 or area[position] == 255 else _wide(area, position)
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
    return hashlib.sha1(_hashed_key(body), usedforsecurity=False).hexdigest().upper()


def _keep_genuine(parts: list[Part], fingerprint: str) -> None:
    """Leave of all signatures the key's own, those with SHA-1 only where they take something back. Raises Unfit."""
    primary = parts[0].packet.body
    weak = keymaterial.read(primary).weak
    if weak:
        raise Unfit(f"Its key is too weak: {weak}. Make a new one: gpg --quick-gen-key NAME future-default default 1y")
    old = False
    for part in parts:
        own = [each for each in part.signatures if each.issuer in ("", fingerprint[-16:])]
        for each in own:
            trailer = b"\x04\xff" + len(each.head).to_bytes(4, "big")
            if not keymaterial.has_signed(
                primary, each.digest, _over(primary, part) + each.head + trailer, each.signed
            ):
                raise Unfit("A signature in it is not the key's own: it was damaged or put together. Export it anew.")
        part.signatures = [each for each in own if each.digest in keymaterial.HASHES or each.kind in REVOKING]
        old = old or any(each.digest not in keymaterial.HASHES for each in own)
    if old and not any(part.newest(NAMING) for part in parts):
        raise Unfit(
            "It is signed with SHA-1, which can be forged. Sign it anew: gpg --cert-digest-algo SHA512 "
            "--quick-set-expire FINGERPRINT 1y, and once more with '*' at its end for the subkeys."
        )


def _over(primary: bytes, part: Part) -> bytes:
    """What a signature on this part is over, before the signature itself."""
    head, body = _hashed_key(primary), part.packet.body
    if part.packet.tag == PRIMARY:
        return head
    if part.packet.tag == SUBKEY:
        return head + _hashed_key(body)
    kind = NAME if part.packet.tag == USER_ID else ATTRIBUTE
    return head + bytes([kind]) + len(body).to_bytes(4, "big") + body


def _hashed_key(body: bytes) -> bytes:
    return b"\x99" + len(body).to_bytes(2, "big") + body


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
        asks = [word for bit, word in ASKED.items() if wrong and wrong[0] & bit]
        because = f" (it asks for {' and '.join(asks)})" if asks else ""
        raise Unfit(
            f"Its Features are {said}{because}, and only exactly 0x01 makes every program seal what every triager can "
            "open. Make the key with gpg 2.2, or take the others away with gpg 2.4: --edit-key, setpref AES256 SHA512, "
            "save."
        )


def _end(body: bytes, lifetime: int) -> datetime | None:
    if not lifetime:
        return None
    return datetime.fromtimestamp(int.from_bytes(body[1:5], "big"), UTC) + timedelta(seconds=lifetime)


def _ends_at(primary: Part, naming: Part) -> datetime | None:
    signature, direct = naming.newest(NAMING), primary.newest(frozenset({DIRECT}))
    lifetime = (signature.lifetime if signature else 0) or (direct.lifetime if direct else 0)
    return _end(primary.packet.body, lifetime)


def _primary_expiry(primary: Part, naming: Part, at: datetime) -> datetime | None:
    if primary.newest(frozenset({KEY_REVOKED})):
        raise Unfit("It is revoked.")
    end = _ends_at(primary, naming)
    if end and end <= at:
        raise Unfit(f"It expired on {end:%d %B %Y}. Extend it: gpg --quick-set-expire FINGERPRINT 1y")
    return end


def _usable(parts: list[Part], at: datetime) -> list[tuple[Part, datetime | None]]:
    """The encryption subkeys that may be sealed to at this time, each with its end. Raises Unfit if there is none."""
    found, reasons = [], []
    for part in parts:
        binding = part.newest(frozenset({BINDING}))
        flags = binding.subpackets.get(KEY_FLAGS, b"") if binding else b""
        if part.packet.tag != SUBKEY or not binding or not flags or not flags[0] & MAY_ENCRYPT:
            continue
        end = _end(part.packet.body, binding.lifetime)
        reason = _against(part, end, at)
        if reason:
            reasons.append(reason)
        else:
            found.append((part, end))
    if not found:
        said = reasons[-1] if reasons else "It has no encryption subkey."
        raise Unfit(f"{said} Add one: gpg --quick-add-key FINGERPRINT cv25519 encr 1y")
    return found


def _against(part: Part, end: datetime | None, at: datetime) -> str | None:
    """Why an encryption subkey cannot be sealed to."""
    if part.newest(frozenset({SUBKEY_REVOKED})):
        return "Its encryption subkey is revoked."
    if end and end <= at:
        return f"Its encryption subkey expired on {end:%d %B %Y}."
    weak = keymaterial.read(part.packet.body).weak
    if weak or part.packet.body[5] not in ENCRYPTING:
        return f"Its encryption subkey cannot be used: {weak or 'it cannot decrypt'}."
    return None


def _last(subkeys: list[tuple[Part, datetime | None]]) -> datetime | None:
    """When the last of the subkeys expires."""
    return None if any(end is None for _, end in subkeys) else max(end for _, end in subkeys if end)
