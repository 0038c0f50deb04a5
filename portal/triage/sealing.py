"""Sealing with the local gpg, to exactly these certificates, in a gpg home of its own that goes afterwards.

The triager's own keyring is neither asked nor changed.
"""

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from portal.triage import gpg, private
from portal.triage.failures import Failure
from portal.triage.pins import Holder
from portal.triage.text import plain

_KEY_ID = re.compile(rb"^:pubkey enc packet: version 3, algo \d+, keyid ([0-9A-F]{16})", re.MULTILINE)
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")


class Sealer:
    """A temporary gpg home with the certificates of everybody who shall be able to read."""

    def __init__(self, home: Path, holders: Sequence[Holder]) -> None:
        self._home = home
        self.holders = holders
        for each in holders:
            if not _FINGERPRINT.fullmatch(each.fingerprint):
                raise Failure(f"{plain(each.fingerprint)} is not a fingerprint. Nothing was sealed.")
            self._run("--import", data=each.armored.encode())
        self._keys = self._subkeys()
        lacking = [each for each in holders if each.fingerprint not in self._keys]
        if lacking:
            raise Failure(
                f"The portal gives a certificate for {plain(lacking[0].name)} that has not the fingerprint which it "
                "states. Nothing was sealed."
            )

    def seal(self, text: bytes) -> bytes:
        """Seal, and look at the result: one version 1 message for everybody, and for nobody else. Raises Failure."""
        named = [word for each in self.holders for word in ("-r", each.fingerprint)]
        sealed = self._run("-z", "0", "--trust-model", "always", *named, "--output", "-", "--encrypt", data=text)
        self._check(sealed)
        return sealed

    def _check(self, sealed: bytes) -> None:
        told = self._run("--list-packets", data=sealed, check=False)
        found = {each.decode() for each in _KEY_ID.findall(told)}
        wanted = [self._keys[each.fingerprint] for each in self.holders]
        known: set[str] = set().union(*wanted)
        if b"mdc_method: 2" not in told or not found <= known or any(found.isdisjoint(each) for each in wanted):
            raise Failure("gpg has not sealed it as it should: not to everybody, or in another form. Nothing was sent.")

    def _subkeys(self) -> dict[str, set[str]]:
        """The key ids that can be sealed to, by the fingerprint of their primary key."""
        found: dict[str, set[str]] = {}
        primary, fresh = "", False
        for line in self._run("--with-colons", "--list-keys").decode(errors="replace").splitlines():
            cells = line.split(":")
            if cells[0] == "pub":
                fresh = True
            elif cells[0] == "fpr" and fresh:
                primary, fresh = cells[9], False
                found[primary] = set()
            elif cells[0] == "sub" and "e" in cells[11]:
                found[primary].add(cells[4])
        return found

    def _run(self, *arguments: str, data: bytes = b"", check: bool = True) -> bytes:
        command = [gpg.program(), "--homedir", str(self._home), "--quiet", "--no-tty", *gpg.OPTIONS, *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603
        if check and done.returncode:
            last = plain((done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1])
            raise Failure(f"gpg cannot seal: {last}")
        return done.stdout


@contextlib.contextmanager
def home() -> Iterator[Path]:
    """A short-lived gpg home. What killed processes have left goes first: their homes, and texts half written."""
    with private.folder(private.memory()) as work:
        try:
            yield work
        finally:
            command = ["gpgconf", "--homedir", str(work), "--kill", "all"]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603
