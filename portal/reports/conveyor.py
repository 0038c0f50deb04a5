"""Pieces of a file on their way into the store: walked over, then hashed and put side by side, while others come in."""

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from portal.core.blobs import Blobs
from portal.core.pieces import gmac
from portal.reports.hashing import hashers
from portal.reports.walker import Walker

# What threads of this process share. Both things that are done to a piece let other threads run meanwhile.
_beside = ThreadPoolExecutor(8, "intake")


class Piece(NamedTuple):
    """A chunk that does not count yet. It is kept when `stored` is done; `walker` is where the walk stands after it.

    `stored` gives the tag that its bytes fit. `hashed` is done when the file's running hash has come as far, if this
    process has it.
    """

    offset: int
    size: int
    key: str
    walker: dict[str, Any]
    stored: Future[str]
    hashed: Future[None]

    @property
    def tag(self) -> str:
        """What its bytes fit, once it is kept."""
        return self.stored.result()

    def done(self) -> bool:
        """Whether it is kept and hashed, or never will be."""
        return self.stored.done() and self.hashed.done()

    def wait(self) -> None:
        """Until it is kept and hashed. Raises what the store raises."""
        self.stored.result()
        self.hashed.result()


class Conveyor:
    """The pieces of one file that are on their way. Whoever lets one count takes it from the front of `pieces`."""

    def __init__(self, store: Blobs, upload_id: str, walker: Walker) -> None:
        self.pieces: list[Piece] = []
        self._store, self._id, self._walker = store, upload_id, walker
        self._hasher = hashers.take(upload_id, walker.offset)
        self._hashed: Future[None] | None = None

    @property
    def offset(self) -> int:
        """Where the last piece ends."""
        return self._walker.offset

    def put(self, data: memoryview, number: int) -> None:
        """Take the file's next piece. Raises NotAcceptable, and what the store raises."""
        if number == 1 and self.pieces:
            # A server of S3 that keeps folders makes one for the first piece. Where two made it at once, rclone has
            # lost sight of one of them for minutes: it answered that it had deleted the piece, and had not.
            self.pieces[0].stored.result()
        offset = self.offset
        self._walker.feed(data)
        key = f"reports/{self._id}/{number:06}-{secrets.token_hex(8)}"
        stored = _beside.submit(self._keep, key, data)
        hashed = _beside.submit(self._hash, data, self._hashed)
        self._hashed = hashed
        self.pieces.append(Piece(offset, len(data), key, self._walker.state(), stored, hashed))

    def forget(self) -> None:
        """Delete what is kept and has not counted: it never will."""
        for piece in self.pieces:
            if piece.stored.exception() is None:
                self._store.delete(piece.key)
        self.pieces.clear()

    def put_aside(self) -> None:
        """Keep the running hash for whoever goes on."""
        if self._hasher:
            hashers.keep(self._id, self.offset, self._hasher)

    def _keep(self, key: str, data: memoryview) -> str:
        self._store.put(key, data)
        return gmac(data)

    def _hash(self, data: memoryview, before: Future[None] | None) -> None:
        """The running hash takes one piece after the other. Whoever hashes the one before has begun already."""
        if before:
            before.result()
        if self._hasher:
            self._hasher.update(data)
