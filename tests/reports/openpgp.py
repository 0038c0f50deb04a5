"""OpenPGP bytes for tests: a real gpg in its own home, and packets put together by hand."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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


def signature(kind: int, *hashed: bytes) -> bytes:
    """A version 4 signature that signs nothing."""
    area = subpacket(2, (1_500_000_000).to_bytes(4, "big")) + b"".join(hashed)
    return new_packet(2, bytes([4, kind, 22, 8]) + len(area).to_bytes(2, "big") + area + b"\0\0\xab\xcd")


def key(tag: int, *, version: int = 4, algorithm: int = 22, seed: int = 0) -> bytes:
    """A public key or subkey; `seed` tells keys apart."""
    head = bytes([version]) + (1_500_000_000).to_bytes(4, "big") + bytes([algorithm])
    return new_packet(tag, head + bytes([seed]) * 40)


def certificate(
    name: str = "Ada <ada@example.org>",
    *,
    features: bytes = FEATURES,
    binding: tuple[bytes, ...] = (FOR_ENCRYPTION,),
    more: bytes = b"",
    version: int = 4,
    algorithm: int = 18,
    seed: int = 0,
) -> str:
    """An armored certificate as gpg 2.2 would make it, but for the signatures."""
    head = key(6, version=version, seed=seed) + new_packet(13, name.encode()) + signature(0x13, features)
    return armor(head + key(14, algorithm=algorithm, seed=seed) + signature(0x18, *binding) + more)


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
