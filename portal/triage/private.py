"""Folders that only their owner may enter, for what is not sealed (yet, or any more). They go, whatever happens.

A killed process cannot clear up after itself: the next one does, and knows by a lock that nobody works there any more.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PREFIX, LOCK = ".portal-triage-", "lock"


@contextlib.contextmanager
def folder(parent: Path) -> Iterator[Path]:
    """A folder (0700) inside `parent`, removed at the end; those that killed processes have left there go first."""
    clear(parent)
    work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with (work / LOCK).open("xb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield work
        finally:
            shutil.rmtree(work, onerror=_gone)


def _gone(_ask: object, _path: str, fault: tuple[type[BaseException], BaseException, object]) -> None:
    """Pass over what went meanwhile: an ending gpg-agent takes its own sockets away."""
    if not isinstance(fault[1], FileNotFoundError):
        raise fault[1]


def clear(parent: Path) -> int:
    """Remove the private folders in `parent` in which nobody works; how many."""
    return sum(_cleared(each) for each in parent.glob(f"{PREFIX}*") if each.is_dir() and not each.is_symlink())


def _cleared(left: Path) -> bool:
    try:
        if left.stat().st_uid != os.getuid():
            return False
        lock = (left / LOCK).open("rb")
    except FileNotFoundError:
        # Killed before the lock was there, or just about to make it: an empty folder holds nothing.
        return False
    except OSError:
        return False
    with lock:
        return _held_by_nobody(lock) and _removed(left)


def _held_by_nobody(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _removed(left: Path) -> bool:
    shutil.rmtree(left, ignore_errors=True)
    return not left.exists()


def memory() -> Path:
    """Where a private folder is on no disk, if this machine has such a place; else the folder for temporary files."""
    for place in (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):  # noqa: S108 (a private folder is made in it)
        if place and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    return Path(tempfile.gettempdir())
