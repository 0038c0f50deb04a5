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
from portal.triage.gpg import OPTIONS, STATUS, passphrase, program, terminal, unopened

# gpg tells a session key before it reads what is sealed with it, so it never gets anything that really is.
NOTHING = packets.packet(18, b"\x01" + secrets.token_bytes(99))
UNUSABLE = frozenset("idren")


class Target(NamedTuple):
    """A certificate to wrap for: its fingerprint, its name, and the body of the packet of the key that opens."""

    fingerprint: str
    name: str
    key: bytes


def session_key(head: bytes) -> tuple[int, bytes]:
    """Cipher and session key of a message, from the packets for its recipients. Raises Unreadable, Locked.

    It is in memory only: gpg tells it over a pipe, and what it says beside that is thrown away.
    """
    packets.recipients(head)
    command = [program(), *OPTIONS, *passphrase(), "--yes", "--status-fd", "1", "--show-session-key"]
    command += ["--output", os.devnull, "--decrypt"]
    done = subprocess.run(  # noqa: S603 (no shell, and nothing in it comes from outside)
        command, input=head + NOTHING, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        env=os.environ | terminal(),
    )  # fmt: skip
    status = [line.removeprefix(STATUS).split() for line in done.stdout.decode(errors="replace").splitlines()]
    for words in status:
        if words[:1] == ["SESSION_KEY"] and len(words) == 2:
            cipher, _, octets = words[1].partition(":")
            return int(cipher), bytes.fromhex(octets)
    unopened(status)
    raise Unreadable("No key of this machine opens it.")


def targets(certificates: bytes, fingerprints: list[str]) -> list[Target]:
    """The certificates with these fingerprints, each with the newest key that gpg itself would seal to. Raises Failure.

    gpg reads them in a home of its own and throws away what is not signed by their owners: a key that somebody else
    has put in does not count.
    """
    with tempfile.TemporaryDirectory(prefix="ptr-") as home:
        _run(home, "--import", data=certificates)
        return [_target(home, fingerprint) for fingerprint in fingerprints]


def _target(home: str, fingerprint: str) -> Target:
    listed = _run(home, "--with-colons", "--with-fingerprint", "--with-fingerprint", "--list-keys", fingerprint)
    rows = [line.split(":") for line in listed.decode(errors="replace").splitlines()]
    name = next((row[9] for row in rows if row[0] == "uid"), "")
    if [row[9] for row in rows if row[0] == "fpr"][:1] != [fingerprint]:
        raise Failure(f"The portal gives no certificate {fingerprint}.")
    found = [
        (int(row[5]), after[9])
        for row, after in pairwise(rows)
        if row[0] in ("pub", "sub") and "e" in row[11] and row[1] not in UNUSABLE and after[0] == "fpr"
    ]
    if not found:
        raise Failure(f"The certificate {fingerprint} has no key that gpg would seal to.")
    exported = _run(home, "--export", fingerprint)
    return Target(fingerprint, name, packets.key(exported, max(found)[1]))


def _run(home: str, *arguments: str, data: bytes = b"") -> bytes:
    command = [program(), "--homedir", str(Path(home)), "--no-autostart", "--quiet", *OPTIONS, *arguments]
    done = subprocess.run(  # noqa: S603 (no shell; the fingerprint was checked)
        command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise Failure("gpg cannot read the certificates that the portal gives.")
    return done.stdout
