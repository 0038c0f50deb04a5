"""OpenPGP bytes for tests: a real gpg in its own home, and packets put together by hand."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.reports.certificates import armor

GPG = shutil.which("gpg") or "gpg"
KEY_ID = "1122334455667788"


def new_packet(tag: int, body: bytes, *, octets: int | None = None) -> bytes:
    """A packet with a header in the new format; `octets` forces the width of the length."""
    length = len(body)
    if octets == 1 or (octets is None and length < 192):
        told = bytes([length])
    elif octets == 2 or (octets is None and length < 8384):
        told = bytes([((length - 192) >> 8) + 192, (length - 192) & 0xFF])
    else:
        told = b"\xff" + length.to_bytes(4, "big")
    return bytes([0xC0 | tag]) + told + body


def old_packet(tag: int, body: bytes, kind: int = 1) -> bytes:
    """A packet with a header in the old format; `kind` 0, 1, 2 is a length of 1, 2, 4 octets, 3 none."""
    width = (1, 2, 4, 0)[kind]
    return bytes([0x80 | tag << 2 | kind]) + (len(body).to_bytes(width, "big") if width else b"") + body


def session_key(key_id: str = KEY_ID, *, version: int = 3, size: int = 12) -> bytes:
    """The body of a public-key encrypted session key packet."""
    return bytes([version]) + bytes.fromhex(key_id) + bytes(size - 9)


def recipient(key_id: str = KEY_ID, **how: int) -> bytes:
    """A whole packet for one recipient."""
    return new_packet(1, session_key(key_id, **how))


def parts(tag: int, body: bytes, powers: Sequence[int]) -> bytes:
    """A packet in parts of 2**power octets, the rest with a length."""
    taken, out = 0, bytes([0xC0 | tag])
    for power in powers:
        out += bytes([0xE0 | power]) + body[taken : taken + (1 << power)]
        taken += 1 << power
    return out + new_packet(tag, body[taken:])[1:]


def sealed(size: int = 64, *, version: int = 1) -> bytes:
    """The body of an encrypted packet of `size` octets."""
    return bytes([version]) + bytes(index * 7 & 0xFF for index in range(size - 1))


def message(size: int = 64, key_ids: Sequence[str] = (KEY_ID,)) -> bytes:
    """The smallest thing that is taken: recipients, and one sealed packet, long ones in parts of 8 KiB."""
    powers = [13] * (size // 8192 if size > 8384 else 0)
    return b"".join(recipient(each) for each in key_ids) + parts(18, sealed(size), powers)


def subpacket(kind: int, body: bytes) -> bytes:
    """One subpacket of a signature."""
    return bytes([len(body) + 1, kind]) + body


FEATURES = subpacket(30, b"\x01")
FOR_ENCRYPTION = subpacket(27, b"\x0c")
MADE = 1_500_000_000
ED25519, CURVE25519 = bytes.fromhex("092b06010401da470f01"), bytes.fromhex("0a2b060104019755010501")


def mpi(octets: bytes) -> bytes:
    """A number as OpenPGP writes it."""
    number = int.from_bytes(octets, "big")
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def secret(seed: int) -> Ed25519PrivateKey:
    """The primary key that belongs to a seed."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"key {seed}".encode()).digest())


def signature(
    kind: int, *hashed: bytes, over: bytes = b"", seed: int = 0, at: int = MADE, digest: str = "sha256"
) -> bytes:
    """A version 4 signature of the key of `seed` over some octets."""
    area = subpacket(2, at.to_bytes(4, "big")) + b"".join(hashed)
    head = bytes([4, kind, 22, {"sha1": 2, "sha256": 8}[digest]]) + len(area).to_bytes(2, "big") + area
    hasher = hashlib.new(digest, over + head + b"\x04\xff" + len(head).to_bytes(4, "big"), usedforsecurity=False)
    made = secret(seed).sign(hasher.digest())
    named = subpacket(33, b"\x04" + fingerprint_of(seed))
    unhashed = len(named).to_bytes(2, "big") + named
    return new_packet(2, head + unhashed + hasher.digest()[:2] + mpi(made[:32]) + mpi(made[32:]))


def key(tag: int, *, version: int = 4, algorithm: int = 22, seed: int = 0) -> bytes:
    """A public key or subkey; `seed` tells keys apart."""
    return new_packet(tag, _key(version, algorithm, seed))


def _key(version: int, algorithm: int, seed: int) -> bytes:
    head = bytes([version]) + MADE.to_bytes(4, "big") + bytes([algorithm])
    raw = (Encoding.Raw, PublicFormat.Raw)
    if algorithm == 22:
        return head + ED25519 + mpi(b"\x40" + secret(seed).public_key().public_bytes(*raw))
    hidden = X25519PrivateKey.from_private_bytes(hashlib.sha256(f"subkey {seed}".encode()).digest())
    public = hidden.public_key().public_bytes(*raw)
    if algorithm == 18:
        return head + CURVE25519 + mpi(b"\x40" + public) + bytes([3, 1, 8, 7])
    return head + public


def hashed_key(body: bytes) -> bytes:
    """A key as signatures and fingerprints hash it."""
    return b"\x99" + len(body).to_bytes(2, "big") + body


def fingerprint_of(seed: int) -> bytes:
    """The fingerprint of the key that belongs to a seed."""
    return hashlib.sha1(hashed_key(_key(4, 22, seed)), usedforsecurity=False).digest()


def certificate(
    name: str = "Ada <ada@example.org>",
    *,
    features: bytes = FEATURES,
    binding: tuple[bytes, ...] = (FOR_ENCRYPTION,),
    revoked: bool = False,
    version: int = 4,
    algorithm: int = 18,
    seed: int = 0,
    digest: str = "sha256",
    expires: int = 0,
) -> str:
    """An armored certificate as gpg 2.2 would make it; its subkey may be revoked, the key expire after some seconds."""
    primary, subkey = _key(version, 22, seed), _key(version, algorithm, seed)
    both = hashed_key(primary) + hashed_key(subkey)
    named = hashed_key(primary) + b"\xb4" + len(name.encode()).to_bytes(4, "big") + name.encode()
    told = [features, subpacket(27, b"\x03")] + ([subpacket(9, expires.to_bytes(4, "big"))] if expires else [])
    data = new_packet(6, primary) + new_packet(13, name.encode())
    data += signature(0x13, *told, over=named, seed=seed, digest=digest) + new_packet(14, subkey)
    data += signature(0x18, *binding, over=both, seed=seed, digest=digest)
    return armor(data + (signature(0x28, over=both, seed=seed) if revoked else b""))


def sign(text: str, *, seed: int, at: datetime, digest: str = "sha256") -> str:
    """A detached, armored signature of the key of `seed`, made at a time."""
    made = signature(0, over=text.encode(), seed=seed, at=int(at.timestamp()), digest=digest)
    return armor(made, "SIGNATURE")


@dataclass(frozen=True, slots=True)
class Gpg:
    """gpg in a home of its own."""

    home: Path

    def run(self, *arguments: str, data: bytes = b"", expect: int | None = 0) -> bytes:
        """The standard output of one call; fails unless it ends with `expect`."""
        done = subprocess.run(
            [GPG, "--homedir", str(self.home), "--batch", "--no-tty", "--quiet", *arguments],
            input=data,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        assert expect is None or done.returncode == expect, done.stderr.decode(errors="replace")
        return done.stdout

    def make(self, name: str, *more: str, algorithm: str = "future-default", expire: str = "1y") -> str:
        """Make a key pair without a passphrase; its fingerprint."""
        quiet = ("--pinentry-mode", "loopback", "--passphrase", "")
        self.run(*more, *quiet, "--quick-gen-key", name, algorithm, "default", expire)
        fingerprint = self.fingerprint(name)
        if algorithm != "future-default":
            # gpg adds the encryption subkey by itself only to what it chose by itself.
            self.run(*more, *quiet, "--quick-add-key", fingerprint, algorithm, "encr", expire)
        return fingerprint

    def fingerprint(self, name: str) -> str:
        """The fingerprint of the primary key of `name`."""
        lines = self.run("--with-colons", "--list-keys", f"={name}").decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def encryption_key_ids(self, name: str) -> set[str]:
        """The key ids of the subkeys of `name` that gpg would encrypt to."""
        lines = self.run("--with-colons", "--list-keys", f"={name}").decode().splitlines()
        return {cells[4] for cells in (line.split(":") for line in lines) if cells[0] == "sub" and "e" in cells[11]}

    def certificate(self, *names: str) -> str:
        """The armored certificates."""
        return self.run("--armor", "--export", *(f"={name}" for name in names)).decode()

    def seal(self, data: bytes, recipients: Sequence[str], *more: str, expect: int | None = 0) -> bytes:
        """Encrypt `data` to `recipients`, as the page's recipe does."""
        named = [word for name in recipients for word in ("-r", name)]
        return self.run("-z", "0", "--trust-model", "always", *more, *named, "-o", "-", "-e", data=data, expect=expect)

    def open(self, data: bytes) -> bytes:
        """Decrypt."""
        return self.run("--decrypt", data=data)


@contextmanager
def gpg_home() -> Iterator[Gpg]:
    """A private gpg; its agent ends with it. The home's path is short, as sockets want it."""
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    try:
        yield Gpg(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)
