"""Public keys as a certificate holds them: what kind they are, whether that is enough, and what they have signed.

Formats: RFC 9580, sections 5.5.2, 5.6 and 9.1. Only what gpg 2.2, openpgp.js and Sequoia all use is known here.
"""

import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

RSA, RSA_ENCRYPT, RSA_SIGN, ELGAMAL, DSA, ECDH, ECDSA, EDDSA = 1, 2, 3, 16, 17, 18, 19, 22
CURVES = {
    "2b06010401da470f01": "Ed25519",
    "2b060104019755010501": "Curve25519",
    "2a8648ce3d030107": "NIST P-256",
    "2b81040022": "NIST P-384",
    "2b81040023": "NIST P-521",
}
NIST: dict[str, ec.EllipticCurve] = {
    "NIST P-256": ec.SECP256R1(), "NIST P-384": ec.SECP384R1(), "NIST P-521": ec.SECP521R1(),
}  # fmt: skip
# The hash functions that count; SHA-1 (2), MD5 (1) and RIPEMD-160 (3) do not any more.
HASHES: dict[int, hashes.HashAlgorithm] = {
    8: hashes.SHA256(), 9: hashes.SHA384(), 10: hashes.SHA512(), 11: hashes.SHA224(),
}  # fmt: skip
LEAST_RSA, ENOUGH_RSA = 2048, 3072


class Material(NamedTuple):
    """The kind of a key in words, its numbers, why it cannot be used, and what may be said against it."""

    kind: str
    numbers: tuple[int, ...] = ()
    weak: str | None = None
    warning: str | None = None


def read(body: bytes) -> Material:
    """The key in the body of a version 4 key packet. Whatever the bytes are, this gives an answer."""
    algorithm = body[5] if len(body) > 5 else 0
    if algorithm in (RSA, RSA_ENCRYPT, RSA_SIGN):
        return _rsa(body[6:])
    if algorithm in (ECDH, ECDSA, EDDSA):
        return _curve(algorithm, body[6:])
    if algorithm in (ELGAMAL, DSA):
        name = "Elgamal" if algorithm == ELGAMAL else "DSA"
        return Material(name, weak=f"it is {name}, which is not used for new keys any more")
    return Material(
        f"algorithm {algorithm}", weak=f"it is of a kind (algorithm {algorithm}) that gpg 2.2 does not know"
    )


def _rsa(rest: bytes) -> Material:
    found = numbers(rest, 2)
    bits = found[0].bit_length() if found else 0
    kind = f"RSA {bits}"
    if bits < LEAST_RSA:
        return Material(kind, weak=f"it is RSA with {bits} bits, and fewer than {LEAST_RSA} can be broken")
    warning = f"RSA with {bits} bits: {ENOUGH_RSA} are advised." if bits < ENOUGH_RSA else None
    return Material(kind, tuple(found), warning=warning)


def _curve(algorithm: int, rest: bytes) -> Material:
    length = rest[0] if rest else 0
    name = CURVES.get(rest[1 : 1 + length].hex(), "")
    fits = {ECDH: name in NIST or name == "Curve25519", ECDSA: name in NIST, EDDSA: name == "Ed25519"}[algorithm]
    found = numbers(rest[1 + length :], 1) if fits else []
    if not found:
        return Material("another curve", weak="its curve is not one that every program knows (Curve25519, NIST)")
    return Material(name, tuple(found))


def numbers(octets: bytes, count: int) -> list[int]:
    """The first `count` numbers (MPIs) of some octets; an empty list where they are not there."""
    found: list[int] = []
    position = 0
    for _ in range(count):
        bits = int.from_bytes(octets[position : position + 2], "big")
        end = position + 2 + (bits + 7) // 8
        if not bits or end > len(octets):
            return []
        found.append(int.from_bytes(octets[position + 2 : end], "big"))
        position = end
    return found


def has_signed(body: bytes, digest_kind: int, hashed: bytes, signed: bytes) -> bool:
    """Whether the key in `body` made the signature `signed` (its numbers as they stand in a packet) over `hashed`."""
    key, digest = read(body), HASHES.get(digest_kind)
    if digest is None:
        digest = {2: hashes.SHA1()}.get(digest_kind)  # noqa: S303 (for revocations, which nobody would forge)
    if key.weak or digest is None:
        return False
    try:
        if key.kind.startswith("RSA"):
            return _rsa_signed(key, digest, hashed, signed)
        found = numbers(signed, 2)
        return bool(found) and _curve_signed(key, digest, hashed, (found[0], found[1]))
    except (InvalidSignature, ValueError, OverflowError):
        return False


def _rsa_signed(key: Material, digest: hashes.HashAlgorithm, hashed: bytes, signed: bytes) -> bool:
    modulus, exponent = key.numbers
    found = numbers(signed, 1)
    if not found:
        return False
    size = (modulus.bit_length() + 7) // 8
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    public.verify(found[0].to_bytes(size, "big"), hashed, padding.PKCS1v15(), digest)
    return True


def _curve_signed(key: Material, digest: hashes.HashAlgorithm, hashed: bytes, found: tuple[int, int]) -> bool:
    if key.kind == "Ed25519":
        point = key.numbers[0].to_bytes(33, "big")
        if point[0] != 0x40:
            return False
        short = hashlib.new(digest.name, hashed, usedforsecurity=False).digest()
        made = found[0].to_bytes(32, "big") + found[1].to_bytes(32, "big")
        ed25519.Ed25519PublicKey.from_public_bytes(point[1:]).verify(made, short)
        return True
    curve = NIST[key.kind]
    encoded = key.numbers[0].to_bytes(1 + 2 * ((curve.key_size + 7) // 8), "big")
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)
    public.verify(utils.encode_dss_signature(*found), hashed, ec.ECDSA(digest))
    return True
