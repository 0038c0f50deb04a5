"""Bytes on their way into the store: cut into chunks, walked over, hashed, kept, and only then counted.

Every chunk is its own transaction, because a connection may break at any byte and nothing that was kept may be lost. No
transaction is open while bytes are awaited. Whoever counts first wins: a chunk counts only if the file still ends where
the chunk begins.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.exceptions import ClientDisconnected

from portal.core.blobs import Blobs
from portal.core.errors import Conflict, NotFound, Unavailable
from portal.core.logs import log
from portal.core.pieces import Damaged, read
from portal.reports import refusals, rules
from portal.reports.actions.drafts import end_upload
from portal.reports.models import Chunk, KeySet, Upload
from portal.reports.queries import threads
from portal.reports.queries import uploads as files
from portal.reports.states import UploadState
from portal.reports.walker import Recipients, Walker

# For how many seconds from its beginning a request may let pieces count: well under the day after which those that do
# not count are taken for left behind.
FRESH = 12 * 3600
MOVED_ON = "The file has grown meanwhile. Ask for its offset and go on from there."


class WrongChecksum(Conflict):
    """The bytes are not those whose checksum was sent along."""

    status = 460
    title = "Checksum mismatch"


@dataclass(frozen=True, slots=True)
class Course:
    """Where a file stands as one request finds it, in plain values that outlive a transaction."""

    id: str
    number: int
    position: int
    length: int | None
    walker: dict[str, Any] | None
    limit: int
    chunks: int
    sets: tuple[Recipients, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk that is kept in the store and not yet counted."""

    offset: int
    size: int
    sha256: str
    key: str
    walker: dict[str, Any]


class Hashers:
    """Running hashes of files whose parts come to the same process one after another.

    Only a convenience: a hash that is not here, or that stopped elsewhere, is made anew from the chunks.
    """

    def __init__(self, room: int = 64) -> None:
        self._room = room
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = Lock()

    def take(self, upload_id: str, position: int) -> Any:
        """The hash of the first `position` bytes, or None."""
        with self._lock:
            at, hasher = self._kept.pop(upload_id, (0, hashlib.sha256()))
        return hasher if at == position else None

    def keep(self, upload_id: str, position: int, hasher: Any) -> None:
        """Put the hash of the first `position` bytes aside."""
        with self._lock:
            self._kept[upload_id] = (position, hasher)
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)


_hashers = Hashers()
_beside = ThreadPoolExecutor(8, "intake")


def course(
    session: Session, upload: Upload, sets: Sequence[KeySet], limits: rules.Limits, at: datetime | None = None
) -> Course:
    """Read where a file stands. `at` is the time by which the certificates of a message's readers count."""
    wanted = threads.wanted(session, upload, sets, at or upload.created_at)
    most = limits.message if upload.message_id else limits.file
    count = session.scalars(sa.select(sa.func.count()).where(Chunk.upload_id == upload.id)).one()
    return Course(upload.id, upload.number, upload.position, upload.length, upload.walker, most, count, wanted)


def pieces(stream: IO[bytes], most: int | None) -> Iterator[bytes]:
    """The stream in pieces of 8 MiB. Where it breaks off, what had come is the last piece."""
    taken = 0
    while most is None or taken < most:
        wanted = rules.PART if most is None else min(rules.PART, most - taken)
        piece = _fill(stream, wanted)
        if piece:
            taken += len(piece)
            yield piece
        if len(piece) < wanted:
            return


def _fill(stream: IO[bytes], wanted: int) -> bytes:
    """`wanted` bytes, or fewer at the end of the stream, however it ends. One copy at most is held beside them."""
    got: list[bytes] = []
    missing = wanted
    while missing:
        try:
            some = stream.read(min(missing, 1 << 20))
        except (ClientDisconnected, OSError):
            break
        if not some:
            break
        got.append(some)
        missing -= len(some)
    return b"".join(got)


def receive(
    session: Session,
    store: Blobs,
    begun: Course,
    stream: IO[bytes],
    *,
    at: datetime,
    checksum: bytes | None = None,
    length: int | None = None,
) -> int:
    """Take the bytes that follow, and complete the file if these were the last ones; the new offset.

    `length` is the file's length where this request is the one that tells it. With a `checksum` (SHA-256, or SHA-1 if
    it has 20 bytes) nothing counts until all bytes of the request have come and fit. Raises NotAcceptable once the
    walker sees what is wrong (the file has then ended), Conflict if another request was first or has taken over,
    WrongChecksum.
    """
    # The lock that reading may have taken must not be held while the network is waited for.
    session.rollback()
    taking = _Taking(session, store, begun, length, at)
    taking.take_over()
    try:
        if checksum is None:
            taking.one_by_one(stream)
        else:
            taking.all_or_none(stream, checksum)
    except refusals.NotAcceptable as refusal:
        refuse(session, begun.id, refusal, at=at)
        raise
    if taking.position == (begun.length if begun.length is not None else length):
        complete(session, store, begun.id, at=at)
    return taking.position


class _Taking:
    """One request's bytes on their way."""

    def __init__(self, session: Session, store: Blobs, begun: Course, length: int | None, at: datetime) -> None:
        self.position = begun.position
        self._session, self._store, self._at = session, store, at
        self._begun, self._told = begun, length
        self._count = begun.chunks
        known = begun.length if begun.length is not None else length
        self._most = None if known is None else known - begun.position
        self._walker = Walker.resume(begun.walker, begun.sets, limit=begun.limit, length=known)
        self._hasher = _hashers.take(begun.id, begun.position)
        self._holder = secrets.token_hex(8)
        self._stale = time.monotonic() + FRESH

    def take_over(self) -> None:
        """From here on this request alone may go on with the file; an older one is told so at its next piece."""
        mine = self._still_open()
        self._change(mine, {"holder": self._holder})
        self._session.commit()

    def one_by_one(self, stream: IO[bytes]) -> None:
        """Let each piece count as soon as it is kept; while the store waits for the disk, the next one comes in."""
        coming: Future[Piece] | None = None
        for data in pieces(stream, self._most):
            if coming:
                self._let_count([coming.result()])
            coming = _beside.submit(self._keep, data, self._count)
        self._let_count([coming.result()] if coming else [])
        self._end()

    def all_or_none(self, stream: IO[bytes], checksum: bytes) -> None:
        """Let the pieces count together once the checksum fits. Bytes that came broken are no fault of the file's."""
        whole = hashlib.sha256() if len(checksum) == 32 else hashlib.sha1(usedforsecurity=False)
        kept: list[Piece] = []
        refusal: refusals.NotAcceptable | None = None
        for data in pieces(stream, self._most):
            whole.update(data)
            self._check_mine(kept)
            try:
                kept += [] if refusal else [self._keep(data, self._count + len(kept))]
            except refusals.NotAcceptable as found:
                refusal = found
        if whole.digest() != checksum:
            self._forget(kept)
            raise WrongChecksum("The bytes are not those that were sent: the checksum differs. Send this part again.")
        if refusal:
            raise refusal
        self._let_count(kept)
        self._end()

    def _end(self) -> None:
        if self._hasher:
            _hashers.keep(self._begun.id, self.position, self._hasher)

    def _keep(self, data: bytes, number: int) -> Piece:
        """Walk over a piece and put it into the store."""
        if number >= rules.MOST_CHUNKS:
            raise refusals.TooManyParts
        offset = self._walker.offset
        self._walker.feed(data)
        key = f"reports/{self._begun.id}/{number:06}-{secrets.token_hex(8)}"
        self._store.put(key, data)
        if self._hasher:
            self._hasher.update(data)
        return Piece(offset, len(data), hashlib.sha256(data).hexdigest(), key, self._walker.state())

    def _let_count(self, kept: Sequence[Piece]) -> None:
        """Let pieces count that are in the store, all or none, if nobody else has gone on meanwhile."""
        mine = [*self._still_open(), Upload.holder == self._holder]
        if self._told is not None:
            mine.append(sa.or_(Upload.length.is_(None), Upload.length == self._told))
        self._change(mine, self._values(kept), kept)
        for piece in kept:
            self._session.add(
                Chunk(
                    upload_id=self._begun.id, position=self._count, offset=piece.offset, size=piece.size,
                    sha256=piece.sha256, key=piece.key,
                )
            )  # fmt: skip
            self._count += 1
            self.position += piece.size
        self._session.commit()

    def _still_open(self) -> list[sa.ColumnElement[bool]]:
        return [Upload.id == self._begun.id, Upload.state == UploadState.OPEN, Upload.position == self.position]

    def _change(
        self, mine: Sequence[sa.ColumnElement[bool]], values: dict[str, object], kept: Sequence[Piece] = ()
    ) -> None:
        """Change the file's row if all this still holds of it; otherwise forget the pieces and raise Conflict."""
        changed = self._session.execute(
            sa.update(Upload).where(*mine).values(values).execution_options(synchronize_session=False)
        )
        assert isinstance(changed, sa.CursorResult)
        if changed.rowcount != 1 or time.monotonic() > self._stale:
            self._session.rollback()
            self._forget(kept)
            raise Conflict(MOVED_ON)

    def _check_mine(self, kept: Sequence[Piece]) -> None:
        """Early, for bytes that count late: whether another request has taken over. Raises Conflict."""
        mine = sa.select(Upload.id).where(*self._still_open(), Upload.holder == self._holder)
        found = self._session.scalars(mine).one_or_none()
        self._session.rollback()
        if found is None:
            self._forget(kept)
            raise Conflict(MOVED_ON)

    def _values(self, kept: Sequence[Piece]) -> dict[str, object]:
        values: dict[str, object] = {"expires_at": self._at + rules.KEEP_OPEN}
        if kept:
            values |= {"position": kept[-1].offset + kept[-1].size, "walker": kept[-1].walker}
        if self._told is not None:
            values["length"] = self._told
        return values

    def _forget(self, kept: Sequence[Piece]) -> None:
        for piece in kept:
            self._store.delete(piece.key)


def refuse(session: Session, upload_id: str, refusal: refusals.NotAcceptable, *, at: datetime) -> None:
    """End a file with the reason. Its pieces are collected later."""
    session.rollback()
    end_upload(session, upload_id, UploadState.REFUSED, at=at, refusal={"code": refusal.code, "reason": refusal.reason})
    session.commit()


def complete(session: Session, store: Blobs, upload_id: str, *, at: datetime) -> bool:
    """End a file with success if all its bytes are there; whether it is complete now.

    Safe to call again: a process may have died between the last chunk and this. Raises NotAcceptable where the file
    ends too early, Unavailable where the store has lost what it was given.
    """
    upload = session.get_one(Upload, upload_id, populate_existing=True)
    state, position, length = upload.state, upload.position, upload.length
    if state is not UploadState.OPEN or position != length:
        return state is UploadState.COMPLETE
    walker = Walker.resume(upload.walker, (), limit=position + 1)
    keys = [(chunk.key, chunk.sha256) for chunk in files.chunks(session, upload_id)]
    session.rollback()
    try:
        walker.finish()
    except refusals.NotAcceptable as refusal:
        refuse(session, upload_id, refusal, at=at)
        raise
    hasher = _hashers.take(upload_id, position) or _hash(store, keys)
    key_set_id = session.scalars(sa.select(KeySet.id).where(KeySet.number == walker.key_set)).one()
    session.execute(
        sa.update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.OPEN, Upload.position == length)
        .values(state=UploadState.COMPLETE, sha256=hasher.hexdigest(), key_set_id=key_set_id, ended_at=at)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return True


def _hash(store: Blobs, keys: Sequence[tuple[str, str]]) -> Any:
    whole = hashlib.sha256()
    try:
        for data in read(store, keys):
            whole.update(data)
    except (Damaged, NotFound) as damage:
        log.error("store damaged", error=str(damage))
        raise Unavailable("The store has lost a part of this file. Remove the file, and send it again.") from damage
    return whole
