"""Bytes on their way into the store: cut into chunks, walked over, hashed, kept, and only then counted.

Every chunk is its own transaction, because a connection may break at any byte and nothing that was kept may be lost. No
transaction is open while bytes are awaited. Whoever counts first wins: a chunk counts only if the file still ends where
the chunk begins, and, where the file's length was not announced, while all that its participant holds still fits.
"""

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs
from portal.core.errors import Conflict, Refused
from portal.reports import refusals, rules
from portal.reports.actions.drafts import end_upload
from portal.reports.arriving import goes_on, pieces
from portal.reports.conveyor import Conveyor, Piece
from portal.reports.hashing import hash_chunks, hashers
from portal.reports.models import Chunk, KeySet, Upload
from portal.reports.queries import threads
from portal.reports.queries import uploads as files
from portal.reports.quota import Room, room
from portal.reports.states import UploadState
from portal.reports.walker import Recipients, Walker

# For how many seconds from its beginning a request may let pieces count: well under the day after which those that do
# not count are taken for left behind.
FRESH = 12 * 3600
# How many pieces may be on their way into the store while another comes in: no disk is equally fast all the time.
BESIDE = 2
# A gigabyte is counted piece by piece: without the mapper's help, which takes as long as the database does.
_FILES, _CHUNKS = cast(sa.Table, Upload.__table__), cast(sa.Table, Chunk.__table__)
MOVED_ON = "The file has grown meanwhile. Ask for its offset and go on from there."


class WrongChecksum(Conflict):
    """The bytes are not those whose checksum was sent along."""

    status = 460
    title = "Checksum mismatch"


class MoreThanAnnounced(Conflict):
    """More bytes come than the file has. The piece that would end it does not count, for it may be another's end."""

    status = 413
    title = "More than announced"

    def __init__(self) -> None:
        super().__init__(
            "More bytes come than the file was announced to have, so it is not taken for whole. Ask for its offset and "
            "send no more than is missing, or begin again and announce its true length."
        )


class Course(NamedTuple):
    """Where a file stands as one request finds it, in plain values that outlive a transaction."""

    id: str
    number: int
    position: int
    length: int | None
    walker: dict[str, Any] | None
    limit: int
    chunks: int
    sets: tuple[Recipients, ...]
    room: Room | None


def course(
    session: Session, upload: Upload, sets: Sequence[KeySet], limits: rules.Limits, at: datetime | None = None
) -> Course:
    """Read where a file stands. `at` is the time by which the certificates of a message's readers count."""
    wanted = threads.wanted(session, upload, sets, at or upload.created_at)
    most = limits.message if upload.message_id else limits.file
    count = session.scalars(sa.select(sa.func.count()).where(Chunk.upload_id == upload.id)).one()
    fits = room(session, upload, limits)
    return Course(upload.id, upload.number, upload.position, upload.length, upload.walker, most, count, wanted, fits)


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
    Refused once the participant's files would be too large together, WrongChecksum, MoreThanAnnounced.
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
        taking.conveyor.forget()
        refuse(session, begun.id, refusal, at=at)
        raise
    except (Conflict, Refused):
        taking.conveyor.forget()
        raise
    taking.conveyor.put_aside()
    if taking.position == taking.length:
        complete(session, store, begun.id, at=at)
    return taking.position


class _Taking:
    """One request's bytes on their way: how far they have come, and who may go on."""

    def __init__(self, session: Session, store: Blobs, begun: Course, told: int | None, at: datetime) -> None:
        self.position = begun.position
        self.length = begun.length if begun.length is not None else told
        walker = Walker.resume(begun.walker, begun.sets, limit=begun.limit, length=self.length)
        self.conveyor = Conveyor(store, begun.id, walker)
        self._session, self._begun, self._told, self._at = session, begun, told, at
        self._count = begun.chunks
        self._holder = secrets.token_hex(8)
        self._stale = time.monotonic() + FRESH

    def take_over(self) -> None:
        """From here on this request alone may go on with the file; an older one is told so at its next piece."""
        self._change(self._still_open(), {"holder": self._holder})
        self._session.commit()

    def one_by_one(self, stream: IO[bytes]) -> None:
        """Let each piece count as soon as it is kept, while the next one comes in."""
        for data in pieces(stream, self._missing(), BESIDE, self._let_count_if_kept):
            self._put(data)
            if len(self.conveyor.pieces) > BESIDE:
                self._let_count(self.conveyor.pieces[:1])
        if earlier := self.conveyor.pieces[:-1]:
            self._let_count(earlier)
        self._check_end(stream)
        self._let_count(self.conveyor.pieces)

    def all_or_none(self, stream: IO[bytes], checksum: bytes) -> None:
        """Let the pieces count together once the checksum fits. Bytes that came broken are no fault of the file's."""
        whole = hashlib.sha256() if len(checksum) == 32 else hashlib.sha1(usedforsecurity=False)
        refusal: refusals.NotAcceptable | None = None
        for data in pieces(stream, self._missing(), BESIDE):
            whole.update(data)
            self._check_mine()
            try:
                if not refusal:
                    self._put(data)
            except refusals.NotAcceptable as found:
                refusal = found
            for earlier in self.conveyor.pieces[-2:-1]:
                earlier.wait()
        self._check_end(stream)
        if whole.digest() != checksum:
            raise WrongChecksum("The bytes are not those that were sent: the checksum differs. Send this part again.")
        if refusal:
            raise refusal
        self._let_count(self.conveyor.pieces)

    def _missing(self) -> int | None:
        return None if self.length is None else self.length - self.position

    def _put(self, data: memoryview) -> None:
        number = self._count + len(self.conveyor.pieces)
        if number >= rules.MOST_CHUNKS:
            raise refusals.TooManyParts
        self.conveyor.put(data, number)

    def _let_count_if_kept(self) -> None:
        if self.conveyor.pieces and self.conveyor.pieces[0].done():
            self._let_count(self.conveyor.pieces[:1])

    def _let_count(self, first: Sequence[Piece]) -> None:
        """Let the first pieces count once they are in the store, all or none, if nobody else has gone on meanwhile."""
        for piece in first:
            piece.wait()
        rows = [self._row(number, piece) for number, piece in enumerate(first, self._count)]
        mine = [*self._still_open(), Upload.holder == self._holder]
        if self._told is not None:
            mine.append(sa.or_(Upload.length.is_(None), Upload.length == self._told))
        self._change(mine, self._values(first))
        self._check_room()
        if rows:
            self._session.connection().execute(sa.insert(_CHUNKS), rows)
        self._session.commit()
        self._count += len(rows)
        self.position += sum(piece.size for piece in first)
        del self.conveyor.pieces[: len(first)]

    def _row(self, number: int, piece: Piece) -> dict[str, object]:
        return {
            "upload_id": self._begun.id, "position": number, "offset": piece.offset, "size": piece.size,
            "tag": piece.tag, "key": piece.key,
        }  # fmt: skip

    def _still_open(self) -> list[sa.ColumnElement[bool]]:
        return [Upload.id == self._begun.id, Upload.state == UploadState.OPEN, Upload.position == self.position]

    def _change(self, mine: Sequence[sa.ColumnElement[bool]], values: dict[str, object]) -> None:
        """Change the file's row if all this still holds of it. Raises Conflict."""
        changed = self._session.connection().execute(sa.update(_FILES).where(*mine).values(values))
        if changed.rowcount != 1 or time.monotonic() > self._stale:
            self._session.rollback()
            raise Conflict(MOVED_ON)

    def _check_room(self) -> None:
        """Of a file that counts as it grows: whether it still fits beside all that count now. Raises Refused."""
        try:
            if self._begun.room:
                self._begun.room.check(self._session)
        except Refused:
            self._session.rollback()
            raise

    def _check_mine(self) -> None:
        """Early, for bytes that count late: whether another request has taken over. Raises Conflict."""
        mine = sa.select(Upload.id).where(*self._still_open(), Upload.holder == self._holder)
        found = self._session.scalars(mine).one_or_none()
        self._session.rollback()
        if found is None:
            raise Conflict(MOVED_ON)

    def _check_end(self, stream: IO[bytes]) -> None:
        """Before the last piece counts: whether nothing comes after the length that was announced."""
        if self.conveyor.offset == self.length:
            check_end(stream)

    def _values(self, first: Sequence[Piece]) -> dict[str, object]:
        values: dict[str, object] = {"expires_at": self._at + rules.KEEP_OPEN}
        if first:
            last = first[-1]
            values |= {"position": last.offset + last.size, "walker": last.walker}
        if self._told is not None:
            values["length"] = self._told
        return values


def check_end(stream: IO[bytes]) -> None:
    """Raises MoreThanAnnounced where a further byte comes."""
    if goes_on(stream):
        raise MoreThanAnnounced


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
    keys = [(chunk.key, chunk.tag) for chunk in files.chunks(session, upload_id)]
    session.rollback()
    try:
        walker.finish()
    except refusals.NotAcceptable as refusal:
        refuse(session, upload_id, refusal, at=at)
        raise
    hasher = hashers.take(upload_id, position) or hash_chunks(store, keys)
    key_set_id = session.scalars(sa.select(KeySet.id).where(KeySet.number == walker.key_set)).one()
    session.execute(
        sa.update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.OPEN, Upload.position == length)
        .values(state=UploadState.COMPLETE, sha256=hasher.hexdigest(), key_set_id=key_set_id, ended_at=at)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return True
