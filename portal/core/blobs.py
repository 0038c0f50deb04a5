"""Immutable pieces of bytes under keys: a folder, S3, Azure or Google behind one small face."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from flask import current_app
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from portal.core.errors import NotFound, StoreFull, Unavailable
from portal.core.logs import log

# Somebody waits for the answer: a store that is away is told to them rather than tried for minutes, as is usual.
PATIENCE: Any = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"base": 2, "init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=2)},
}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NUMBER = re.compile(r"\(os error (\d+)\)")
# What obstore calls a file while it writes it, and neither lists nor deletes if the process has died over it.
_UNFINISHED = re.compile(r".+#\d+")


@contextmanager
def _answering() -> Iterator[None]:
    """Turn a fault of the store into something that people can be told."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as problem:
        reason = str(problem).partition("\n")[0]
        log.error("store failed", error=reason)
        found = _NUMBER.search(reason)
        number = problem.errno if isinstance(problem, OSError) else found and int(found.group(1))
        if number in FULL:
            raise StoreFull("There is no room left for files. What had arrived is kept; go on later.") from problem
        raise Unavailable("The store of files does not answer. What had arrived is kept; try again soon.") from problem


class Blobs:
    """A store of blobs. What `put` has returned from is on the disk, or the store has said that it is."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._root: Path | None = None
        if parts.scheme == "file":
            self._root = Path(url2pathname(parts.path))
            self._root.mkdir(parents=True, exist_ok=True)
            self._store: ObjectStore = LocalStore(str(self._root))
        else:
            # Credentials and the endpoint of S3 come from the usual AWS_… variables.
            self._store = from_url(url, retry_config=PATIENCE)

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Keep `data` under `key`, durably."""
        with _answering():
            obstore.put(self._store, key, data, use_multipart=False)
            if self._root is not None:
                self._sync(self._root, key)

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises NotFound."""
        return bytes(self.view(key))

    def view(self, key: str) -> memoryview:
        """The bytes under `key` where the store's client has put them: whoever reads much needs no copy of all of it.

        Raises NotFound.
        """
        try:
            with _answering():
                return memoryview(obstore.get(self._store, key).bytes())
        except FileNotFoundError as error:
            raise NotFound("file") from error

    def delete(self, key: str) -> None:
        """Forget `key`; a key that is gone already is no error."""
        try:
            with _answering():
                obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def exists(self, key: str) -> bool:
        """Whether something is kept under `key`."""
        try:
            with _answering():
                obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def list_old(self, prefix: str, before: datetime) -> Iterator[list[str]]:
        """The keys that begin with `prefix`, a folder's name, and were written before an instant, some at a time."""
        with _answering():
            for batch in obstore.list(self._store, prefix):
                yield [item["path"] for item in batch if item["last_modified"] < before]

    def tidy(self, prefix: str, before: datetime) -> int:
        """Remove what processes left in a folder that died while they wrote, before an instant; how much it was."""
        if self._root is None:
            return 0
        done = 0
        with _answering():
            for path in (self._root / prefix).rglob("*"):
                if _UNFINISHED.fullmatch(path.name) and _written(path) < before:
                    path.unlink(missing_ok=True)
                    done += 1
        return done

    def list(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, a folder's name, sorted."""
        with _answering():
            return sorted(item["path"] for batch in obstore.list(self._store, prefix or None) for item in batch)

    @staticmethod
    def _sync(root: Path, key: str) -> None:
        """The local store renames atomically but never syncs; the file, then the folders that name it."""
        path = root / key
        for place in (path, *(parent for parent in path.parents if parent == root or root in parent.parents)):
            number = os.open(place, os.O_RDONLY)
            try:
                os.fsync(number)
                _let_go(number)
            finally:
                os.close(number)


def _let_go(number: int) -> None:
    """Ask the system not to hold in memory what is on the disk now: it may be large, and nobody reads it soon.

    What others need stays there then, and the next piece is given pages that are at hand, which new ones are not on a
    virtual machine. Where this is not known or not heeded, nothing is lost but time.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)


def _written(path: Path) -> datetime:
    """When a file was last written; one that is just being renamed counts as new."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.max.replace(tzinfo=UTC)


def blobs() -> Blobs:
    """The store of the running application."""
    return cast(Blobs, current_app.extensions["portal.blobs"])
