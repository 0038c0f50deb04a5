"""What the local gpg knows of keys: a message's session key, and whether the keys of a certificate are its own."""

import os
import secrets
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from portal.triage import packets
from portal.triage.failures import Failure, Unreadable
from portal.triage.gpg import OPTIONS, STATUS, program, terminal
from portal.triage.text import plain

# gpg tells a session key before it reads what is sealed with it, so it never gets anything that really is.
NOTHING = packets.packet(18, b"\x01" + secrets.token_bytes(99))
UNUSABLE = frozenset("idren")
REASONS = {
    "NO_PUBKEY": "it was made by another key",
    "REVKEYSIG": "that key was revoked",
    "EXPSIG": "it has expired",
    "NODATA": "it is no signature",
}


class Target(NamedTuple):
    """A certificate to wrap for: its fingerprint, its name, and the body of the packet of the key that opens."""

    fingerprint: str
    name: str
    key: bytes


def session_key(head: bytes) -> tuple[int, bytes]:
    """Cipher and session key of a message, from the packets for its recipients. Raises Unreadable.

    It is in memory only: gpg tells it over a pipe, and what it says beside that is thrown away.
    """
    packets.recipients(head)
    command = [program(), *OPTIONS, "--yes", "--status-fd", "1", "--show-session-key"]
    command += ["--output", os.devnull, "--decrypt"]
    done = subprocess.run(  # noqa: S603 (no shell, and nothing in it comes from outside)
        command, input=head + NOTHING, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        env=os.environ | terminal(),
    )  # fmt: skip
    for line in done.stdout.decode(errors="replace").splitlines():
        words = line.removeprefix(STATUS).split()
        if words[:1] == ["SESSION_KEY"] and len(words) == 2:
            cipher, _, octets = words[1].partition(":")
            return int(cipher), bytes.fromhex(octets)
    raise Unreadable("No key of this machine opens it.")


def own_key_ids() -> set[str]:
    """The key ids of the secret keys of this machine, those on cards among them."""
    command = [program(), *OPTIONS, "--with-colons", "--list-secret-keys"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
    rows = [line.split(":") for line in done.stdout.decode(errors="replace").splitlines()]
    return {row[4] for row in rows if row[0] in ("sec", "ssb")}


def works(key_id: str) -> bool:
    """Whether a key of this machine opens what is sealed to it just now: its passphrase or card is at hand."""
    command = [program(), *OPTIONS, "--trust-model", "always", "--recipient", f"0x{key_id}!", "--encrypt"]
    done = subprocess.run(  # noqa: S603 (no shell; a key id is hexadecimal)
        command, input=b"?", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        return False
    length = packets.head_length(done.stdout)
    try:
        session_key(done.stdout[:length])
    except Unreadable:
        return False
    return True


def names(certificates: bytes, fingerprints: list[str]) -> dict[str, str]:
    """The user ids of the certificates with these fingerprints. Raises Failure where one is not among them."""
    with tempfile.TemporaryDirectory(prefix="ptr-") as home:
        _run(home, "--import", data=certificates)
        return {each: plain(_listed(home, each)[0]) for each in fingerprints}


def unsigned(certificates: bytes, fingerprint: str, data: bytes, signature: bytes) -> str:
    """Why a detached signature of the key with this fingerprint over the data is not good; empty where it is.

    Of a key that has expired since, a signature counts that was made while it was good.
    """
    with tempfile.TemporaryDirectory(prefix="ptr-") as home:
        _run(home, "--import", data=certificates)
        (Path(home) / "signed").write_bytes(data)
        (Path(home) / "signature").write_bytes(signature)
        told = _run(
            home, "--weak-digest", "SHA1", "--status-fd", "1", "--verify", str(Path(home) / "signature"),
            str(Path(home) / "signed"), check=False,
        )  # fmt: skip
        status = [line.removeprefix(STATUS).split() for line in told.decode(errors="replace").splitlines()]
        until = _listed(home, fingerprint)[1]
    kinds = [words[0] for words in status if words]
    valid = [words for words in status if words[:1] == ["VALIDSIG"] and len(words) == 11]
    if len(valid) != 1 or kinds.count("NEWSIG") > 1 or not {"GOODSIG", "EXPKEYSIG"}.intersection(kinds):
        return next((REASONS[kind] for kind in kinds if kind in REASONS), "it is not over these words")
    if valid[0][10] != fingerprint:
        return f"it was made by {valid[0][10]}"
    if until and int(valid[0][3]) >= until:
        return "it was made after that key had expired"
    return ""


def targets(certificates: bytes, fingerprints: list[str]) -> list[Target]:
    """The certificates with these fingerprints, each with the newest key that gpg itself would seal to. Raises Failure.

    gpg reads them in a home of its own and throws away what is not signed by their owners: a key that somebody else
    has put in does not count.
    """
    with tempfile.TemporaryDirectory(prefix="ptr-") as home:
        _run(home, "--import", data=certificates)
        return [_target(home, fingerprint) for fingerprint in fingerprints]


def _target(home: str, fingerprint: str) -> Target:
    name, _, rows = _listed(home, fingerprint)
    found = [
        (int(row[5]), after[9])
        for row, after in pairwise(rows)
        if row[0] in ("pub", "sub") and "e" in row[11] and row[1] not in UNUSABLE and after[0] == "fpr"
    ]
    if not found:
        raise Failure(f"The certificate {fingerprint} has no key that gpg would seal to.")
    exported = _run(home, "--export", fingerprint)
    return Target(fingerprint, name, packets.key(exported, max(found)[1]))


def _listed(home: str, fingerprint: str) -> tuple[str, int, list[list[str]]]:
    """What gpg says of a certificate: its first user id, when it expires (seconds since 1970, 0: never), all rows."""
    listed = _run(
        home, "--with-colons", "--with-fingerprint", "--with-fingerprint", "--list-keys", fingerprint, check=False
    )
    rows = [line.split(":") for line in listed.decode(errors="replace").splitlines()]
    if [row[9] for row in rows if row[0] == "fpr"][:1] != [fingerprint]:
        raise Failure(f"The portal gives no certificate {fingerprint}.")
    until = next((row[6] for row in rows if row[0] == "pub"), "")
    return next((row[9] for row in rows if row[0] == "uid"), ""), int(until or 0), rows


def _run(home: str, *arguments: str, data: bytes = b"", check: bool = True) -> bytes:
    command = [program(), "--homedir", str(Path(home)), "--no-autostart", "--quiet", *OPTIONS, *arguments]
    done = subprocess.run(  # noqa: S603 (no shell; the fingerprint was checked)
        command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    if check and done.returncode:
        raise Failure("gpg cannot read the certificates that the portal gives.")
    return done.stdout
