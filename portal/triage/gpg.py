"""Decryption by the local gpg. Nothing counts as decrypted unless gpg vouches for all of it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from portal.triage.failures import Damaged, Failure, Locked, TooLarge, Unreadable

PROGRAM, PASSPHRASE = "PORTAL_TRIAGE_GPG", "PORTAL_TRIAGE_PASSPHRASE_FILE"
BLOCK = 2**20
STATUS = "[GNUPG:] "
# By their numbers in libgpg-error, which never change: an unknown algorithm, a wrong checksum, a wrong secret key, bad
# numbers, values, lengths or data. Then what was sealed for the key is at fault; else the key itself cannot be used.
UNSOUND = frozenset({4, 10, 12, 18, 30, 55, 79, 139, 152})
# --disable-dirmngr, --no-auto-key-retrieve: opening a report must tell nobody that it was opened.
OPTIONS = ("--batch", "--disable-dirmngr", "--no-auto-key-retrieve")


def program() -> str:
    """The gpg to use. Raises Failure if there is none."""
    found = shutil.which(os.environ.get(PROGRAM, "gpg"))
    if not found:
        raise Failure("gpg is not installed here (or PORTAL_TRIAGE_GPG names none).")
    return found


def decrypt(sealed: Path, target: Path, limit: int) -> int:
    """Decrypt `sealed` into the new file `target`; gives its size, at most `limit`.

    gpg writes what it decrypts before it knows whether it was changed on the way, so `target` belongs in a private
    folder until this returns. Raises TooLarge while reading, Unreadable without a fitting key, Damaged otherwise.
    """
    with sealed.open("rb") as source, target.open("xb") as out, tempfile.TemporaryFile() as status:
        count, code = _run(source, out, status, limit)
        status.seek(0)
        words = status.read().decode(errors="replace").splitlines()
    if count > limit:
        raise TooLarge(f"It unpacks to more than {limit} bytes. Nothing was kept; --max-bytes allows more.")
    _vouched(code, [line.removeprefix(STATUS).split() for line in words if line.startswith(STATUS)])
    return count


def _run(source: IO[bytes], out: IO[bytes], status: IO[bytes], limit: int) -> tuple[int, int]:
    """Run gpg; gives the number of bytes that it wrote (one more than the limit at most) and its exit code."""
    command = [program(), *OPTIONS, *passphrase(), "--status-fd", str(status.fileno()), "--output", "-", "--decrypt"]
    count = 0
    process = subprocess.Popen(  # noqa: S603 (no shell, and nothing in it comes from outside)
        command,
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(status.fileno(),),
        env=os.environ | terminal(),
    )
    try:
        assert process.stdout is not None
        with process.stdout as stream:
            while block := stream.read(min(BLOCK, limit + 1 - count)):
                out.write(block)
                count += len(block)
        return count, _end(process) if count <= limit else -1
    finally:
        process.kill()
        process.wait()


def passphrase() -> list[str]:
    """Where the passphrase comes from without anybody typing it: a file of the triager's; else gpg-agent asks."""
    path = os.environ.get(PASSPHRASE)
    return ["--pinentry-mode", "loopback", "--passphrase-file", path] if path else []


def _end(process: subprocess.Popen[bytes]) -> int:
    """The exit code of gpg, whose output has ended; -1 if it does not end."""
    try:
        return process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        return -1


def terminal() -> dict[str, str]:
    """Where pinentry may ask for a passphrase: gpg cannot find it out by itself when its input is a file."""
    return {"GPG_TTY": os.ttyname(sys.stdin.fileno())} if "GPG_TTY" not in os.environ and _interactive() else {}


def _interactive() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):
        return False


def _vouched(code: int, status: list[list[str]]) -> None:
    """Exit 0, DECRYPTION_OKAY and GOODMDC, each once, for one text: less is not enough."""
    names = [words[0] for words in status if words]
    if code == 0 and all(names.count(name) == 1 for name in ("DECRYPTION_OKAY", "GOODMDC", "PLAINTEXT")):
        return
    unopened(status)
    if "NO_SECKEY" in names and not {"DECRYPTION_KEY", "PLAINTEXT"} & set(names):
        raise Unreadable("It is sealed to keys that this machine does not have.")
    raise Damaged("gpg does not vouch for it: it is damaged, or was changed on its way. Nothing was kept.")


def unopened(status: list[list[str]]) -> None:
    """Why a key of this machine did not open it, if one was tried; `status` holds gpg's status lines as words.

    Raises Locked where the key cannot be used, Unreadable where it does not fit what it should open.
    """
    codes = [words[2] for words in status if words[:2] == ["ERROR", "pkdecrypt_failed"] and len(words) > 2]
    if not codes:
        return
    # The upper half of a code says which part of gpg it comes from.
    if all(code.isdecimal() and int(code) & 0xFFFF in UNSOUND for code in codes):
        raise Unreadable("It names a key of this machine, but what it holds for it is not sound.")
    raise Locked("gpg could not use the key: the passphrase or the card is missing, or the question was cancelled.")
