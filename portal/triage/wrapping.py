"""Wrapping a session key for one more certificate: a public-key encrypted session key packet (RFC 9580, 5.1 and 11.5).

The one module of the command that needs more than the standard library: `pip install cryptography`. It is loaded only
when something is wrapped.
"""

import hashlib
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.triage import packets
from portal.triage.failures import Failure

RSA, RSA_ENCRYPT, ECDH = 1, 2, 18
CURVE25519 = bytes.fromhex("2b060104019755010501")
CURVES: dict[bytes, ec.EllipticCurve] = {
    bytes.fromhex("2a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("2b81040022"): ec.SECP384R1(),
    bytes.fromhex("2b81040023"): ec.SECP521R1(),
}
HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
KEY_SIZES = {7: 16, 8: 24, 9: 32}
UNKNOWN = "The key is of a kind for which this program cannot wrap."


class SessionKey(NamedTuple):
    """The number of the cipher, and the key."""

    cipher: int
    octets: bytes


def wrap(session_key: SessionKey, key: bytes) -> bytes:
    """The packet that lets the key in a public (sub)key packet's body (version 4) open the message. Raises Failure."""
    if key[:1] != b"\x04":
        raise Failure(UNKNOWN)
    algorithm = key[5]
    check = sum(session_key.octets) & 0xFFFF
    plain = bytes([session_key.cipher]) + session_key.octets + check.to_bytes(2, "big")
    if algorithm == ECDH:
        made = _ecdh(plain, key)
    elif algorithm in (RSA, RSA_ENCRYPT):
        made = _rsa(plain, key[6:])
    else:
        raise Failure(UNKNOWN)
    key_id = bytes.fromhex(packets.fingerprint_of(key)[-16:])
    return packets.packet(packets.SESSION_KEY, b"\x03" + key_id + bytes([algorithm]) + made)


def _rsa(plain: bytes, rest: bytes) -> bytes:
    modulus, rest = _number(rest)
    exponent, _ = _number(rest)
    public = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()
    return _mpi(public.encrypt(plain, padding.PKCS1v15()))


def _ecdh(plain: bytes, key: bytes) -> bytes:
    length = key[6]
    curve, rest = key[7 : 7 + length], key[7 + length :]
    point, rest = _number(rest)
    # What derives the key that wraps: three, one, hash, cipher.
    if len(rest) < 4 or rest[:2] != b"\x03\x01" or rest[2] not in HASHES or rest[3] not in KEY_SIZES:
        raise Failure(UNKNOWN)
    fingerprint = bytes.fromhex(packets.fingerprint_of(key))
    shared, ephemeral = _agree(curve, point)
    parameters = bytes([length]) + curve + bytes([ECDH]) + rest[:4] + b"Anonymous Sender    " + fingerprint
    derived = hashlib.new(HASHES[rest[2]], b"\0\0\0\x01" + shared + parameters).digest()
    # To a multiple of eight, and to one length whatever the cipher, so that it does not show.
    fill = max(40 - len(plain), 8 - len(plain) % 8)
    wrapped = aes_key_wrap(derived[: KEY_SIZES[rest[3]]], plain + bytes([fill]) * fill)
    return _mpi(ephemeral) + bytes([len(wrapped)]) + wrapped


def _agree(curve: bytes, point: bytes) -> tuple[bytes, bytes]:
    """What an ephemeral key and the recipient's have in common, and the public half of the ephemeral one."""
    if curve == CURVE25519 and point[:1] == b"\x40" and len(point) == 33:
        mine = x25519.X25519PrivateKey.generate()
        public = mine.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return mine.exchange(x25519.X25519PublicKey.from_public_bytes(point[1:])), b"\x40" + public
    if curve in CURVES:
        kind = CURVES[curve]
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(kind, point)
        ours = ec.generate_private_key(kind)
        encoded = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return ours.exchange(ec.ECDH(), theirs), encoded
    raise Failure(UNKNOWN)


def _number(octets: bytes) -> tuple[bytes, bytes]:
    """The first number (MPI) and what follows it."""
    end = 2 + (int.from_bytes(octets[:2], "big") + 7) // 8
    if end == 2 or end > len(octets):
        raise Failure(UNKNOWN)
    return octets[2:end], octets[end:]


def _mpi(octets: bytes) -> bytes:
    number = int.from_bytes(octets, "big")
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")
