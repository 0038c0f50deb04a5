"""Bytes on their way into the store."""

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.exceptions import ClientDisconnected

from portal.core.blobs import Blobs
from portal.core.db import db
from portal.core.errors import Conflict, Unavailable
from portal.core.pieces import Damaged, read
from portal.reports import conveyor, intake, refusals, rules
from portal.reports.hashing import hashers
from portal.reports.models import Chunk, Report, Upload
from portal.reports.queries import keys
from portal.reports.states import UploadState
from tests.cast import NOON
from tests.reports.conftest import publish_next
from tests.reports.hands import AtOnce, Unhurried, Work
from tests.reports.openpgp import certificate
from tests.reports.people import Desk

Seal = Callable[[int], bytes]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 1 KiB, so that small files have many."""
    monkeypatch.setattr(rules, "PART", 1024)


def stored(session: Session, store: Blobs, upload: Upload) -> bytes:
    rows = session.scalars(sa.select(Chunk).where(Chunk.upload_id == upload.id).order_by(Chunk.position)).all()
    return b"".join(read(store, [(row.key, row.tag) for row in rows]))


def test_a_file_arrives_in_chunks_and_is_complete(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(10_000)

    assert desk.send(upload, data, length=len(data)) == len(data)

    session.refresh(upload)
    assert (upload.state, upload.position, upload.length) == (UploadState.COMPLETE, len(data), len(data))
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    assert upload.key_set is not None
    assert upload.key_set.number == 1
    assert stored(session, store, upload) == data
    sizes = session.scalars(sa.select(Chunk.size).where(Chunk.upload_id == upload.id).order_by(Chunk.position)).all()
    assert sizes == [1024] * (len(data) // 1024) + [len(data) % 1024]


@pytest.mark.parametrize("cut", [1, 40, 1024, 5000])
def test_it_goes_on_where_it_was_in_another_process(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal, cut: int
) -> None:
    data = seal(10_000)
    desk.send(upload, data[:cut])
    session.refresh(upload)
    assert (upload.state, upload.position) == (UploadState.OPEN, cut)
    hashers._kept.clear()

    desk.send(upload, data[cut:], length=len(data))

    session.refresh(upload)
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    assert stored(session, store, upload) == data


class Broken(io.BytesIO):
    """A connection that breaks instead of ending."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) or self._break()

    def readinto(self, buffer: Any) -> int:
        return super().readinto(buffer) or self._break()

    @staticmethod
    def _break() -> NoReturn:
        raise ClientDisconnected


def test_a_cut_loses_nothing_that_came(session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal) -> None:
    data = seal(10_000)
    course = intake.course(session, upload, keys.accepted_sets(session, NOON), rules.Limits())

    assert intake.receive(session, store, course, Broken(data[:3000]), at=NOON) == 3000

    session.refresh(upload)
    assert stored(session, store, upload) == data[:3000]


def test_a_piece_counts_as_soon_as_it_is_kept_and_not_when_the_next_has_come(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends slowly has lost less than a piece if this process dies; and nothing is locked while it waits."""
    monkeypatch.setattr(conveyor, "_beside", AtOnce())
    data, upload_id, found = seal(3000), upload.id, []

    class Slow(io.BytesIO):
        """A sender of a hundred bytes at a time."""

        def readinto(self, buffer: Any) -> int:
            with Session(db.engine) as other:
                found.append((self.tell(), other.get_one(Upload, upload_id).position))
                other.execute(sa.update(Upload).values(expires_at=NOON))
                other.commit()
            return super().readinto(memoryview(buffer)[:100])

    course = intake.course(session, upload, keys.accepted_sets(session, NOON), rules.Limits())
    intake.receive(session, store, course, Slow(data), at=NOON, length=len(data))

    # The first bytes of a piece let the one before it count.
    assert found == [(come, max(come - 100, 0) // 1024 * 1024) for come, _ in found]
    assert {counts for _, counts in found} == {0, 1024, 2048}


def test_the_first_piece_is_in_the_store_before_the_second_is_on_its_way(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes the upload's folder where a store has folders; no later piece waits for another."""
    found = []

    class Watched(Unhurried):
        """Hands that look at what is in the store whenever they are given a piece."""

        def submit(self, work: Work, *given: Any) -> Any:
            if f"reports/{upload.id}" in str(given[0]):
                found.append(len(store.list(f"reports/{upload.id}")))
            return super().submit(work, *given)

    monkeypatch.setattr(conveyor, "_beside", Watched())
    desk.send(upload, seal(3000))

    assert found == [0, 1, 1]


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize(("size", "counts"), [(500, 0), (1024, 0), (3000, 2048), (3072, 2048)])
def test_of_a_file_with_more_bytes_than_announced_the_end_does_not_count(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal, size: int, counts: int, *, checked: bool
) -> None:
    data = seal(size - len(seal(size)) + size)
    sent = data + b"\n"

    with pytest.raises(intake.MoreThanAnnounced, match="announce its true length"):
        desk.send(upload, sent, length=size, checksum=hashlib.sha256(sent).digest() if checked else None)

    session.refresh(upload)
    counts = 0 if checked else counts
    assert (upload.state, upload.position, len(data)) == (UploadState.OPEN, counts, size)
    assert stored(session, store, upload) == data[:counts]
    assert len(store.list(f"reports/{upload.id}")) == counts // 1024
    desk.send(upload, data[counts:], length=size)
    session.refresh(upload)
    assert (upload.state, upload.sha256) == (UploadState.COMPLETE, hashlib.sha256(data).hexdigest())


def test_no_byte_follows_where_none_is_missing(session: Session, desk: Desk, upload: Upload, seal: Seal) -> None:
    data = seal(500)
    desk.send(upload, data)

    with pytest.raises(intake.MoreThanAnnounced):
        desk.send(upload, b"\n", length=len(data))

    session.refresh(upload)
    assert (upload.state, upload.position) == (UploadState.OPEN, len(data))


def test_a_cut_after_the_last_byte_is_an_end(session: Session, desk: Desk, upload: Upload, seal: Seal) -> None:
    data, course = seal(3000), intake.course(session, upload, keys.accepted_sets(session, NOON), rules.Limits())

    intake.receive(session, desk.store, course, Broken(data), at=NOON, length=len(data))

    session.refresh(upload)
    assert upload.state is UploadState.COMPLETE


def test_what_is_refused_with_its_checksum_is_forgotten_at_once(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(5000) + b"\n"

    with pytest.raises(refusals.TrailingData):
        desk.send(upload, data, checksum=hashlib.sha256(data).digest())

    session.refresh(upload)
    assert upload.state is UploadState.REFUSED
    assert store.list(f"reports/{upload.id}") == []


def test_an_unsealed_file_is_refused_and_nothing_of_it_is_kept(
    session: Session, store: Blobs, desk: Desk, upload: Upload
) -> None:
    with pytest.raises(refusals.NotOpenPGP):
        desk.send(upload, b"The daemon trusts a length that an attacker chooses." * 100)

    session.refresh(upload)
    assert upload.state is UploadState.REFUSED
    assert upload.refusal == {"code": "not-openpgp", "reason": refusals.NotOpenPGP().reason}
    assert store.list(f"reports/{upload.id}") == []


def test_what_is_wrong_later_ends_the_file_too(session: Session, desk: Desk, upload: Upload, seal: Seal) -> None:
    with pytest.raises(refusals.TrailingData):
        desk.send(upload, seal(5000) + b"\n")

    session.refresh(upload)
    assert (upload.state, upload.refusal and upload.refusal["code"]) == (UploadState.REFUSED, "trailing-data")


def test_a_truncated_file_is_refused_when_it_is_said_to_be_whole(
    session: Session, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(5000)
    desk.send(upload, data[:-1])

    with pytest.raises(refusals.Truncated):
        desk.send(upload, b"", length=len(data) - 1)

    session.refresh(upload)
    assert upload.state is UploadState.REFUSED


def test_an_empty_request_may_tell_the_length(session: Session, desk: Desk, upload: Upload, seal: Seal) -> None:
    data = seal(5000)
    desk.send(upload, data)

    desk.send(upload, b"", length=len(data))

    session.refresh(upload)
    assert upload.state is UploadState.COMPLETE


def test_with_a_checksum_all_counts_or_nothing(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(5000)

    with pytest.raises(intake.WrongChecksum):
        desk.send(upload, data, checksum=bytes(32))

    session.refresh(upload)
    assert (upload.state, upload.position) == (UploadState.OPEN, 0)
    assert store.list(f"reports/{upload.id}") == []
    desk.send(upload, data, length=len(data), checksum=hashlib.sha256(data).digest())
    session.refresh(upload)
    assert upload.sha256 == hashlib.sha256(data).hexdigest()


def test_bytes_that_came_broken_are_no_fault_of_the_file(
    session: Session, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(5000)
    digest = hashlib.sha256(data).digest()

    with pytest.raises(intake.WrongChecksum):
        desk.send(upload, b"garbage" + data[7:], checksum=digest)

    session.refresh(upload)
    assert upload.state is UploadState.OPEN
    with pytest.raises(refusals.NotOpenPGP):
        desk.send(upload, b"text", checksum=hashlib.sha256(b"text").digest())


def test_of_two_who_send_the_same_part_one_wins(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(10_000)
    course = intake.course(session, upload, keys.accepted_sets(session, NOON), rules.Limits())
    session.commit()

    class Interrupted(io.BytesIO):
        """A slow sender: before its first bytes come, another has sent the same."""

        first = True

        def readinto(self, buffer: Any) -> int:
            if self.first:
                self.first = False
                with Session(db.engine) as other:
                    intake.receive(other, store, course, io.BytesIO(data), at=NOON)
            return super().readinto(buffer)

    with pytest.raises(Conflict, match="has grown meanwhile"):
        intake.receive(session, store, course, Interrupted(data), at=NOON)

    session.refresh(upload)
    assert upload.position == len(data)
    assert stored(session, store, upload) == data
    assert len(store.list(f"reports/{upload.id}")) == len(data) // 1024 + 1


def test_pieces_of_a_request_that_lasted_too_long_do_not_count(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "FRESH", -1)

    with pytest.raises(Conflict, match="Ask for its offset"):
        desk.send(upload, seal(5000))

    session.refresh(upload)
    assert (upload.state, upload.position) == (UploadState.OPEN, 0)
    assert store.list(f"reports/{upload.id}") == []


def test_a_process_that_died_before_the_end_is_made_good(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal
) -> None:
    data = seal(5000)
    course = intake.course(session, upload, keys.accepted_sets(session, NOON), rules.Limits())
    upload_id = upload.id
    intake.receive(session, store, course, io.BytesIO(data), at=NOON, length=len(data))
    hashers._kept.clear()

    assert intake.complete(session, store, upload_id, at=NOON)
    assert intake.complete(session, store, upload_id, at=NOON)

    session.refresh(upload)
    assert upload.sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_in_too_many_pieces_is_refused(
    session: Session, desk: Desk, upload: Upload, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_CHUNKS", 3)

    with pytest.raises(refusals.TooManyParts):
        desk.send(upload, seal(5000))


def test_damage_in_the_store_is_noticed(session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal) -> None:
    desk.send(upload, seal(3000))
    key = store.list(f"reports/{upload.id}")[1]
    store.put(key, b"other")

    with pytest.raises(Damaged, match=key):
        stored(session, store, upload)


@pytest.mark.parametrize("lost", [True, False])
def test_a_file_of_which_the_store_lost_a_part_is_not_called_whole(
    session: Session, store: Blobs, desk: Desk, upload: Upload, seal: Seal, lost: bool
) -> None:
    data = seal(3000)
    desk.send(upload, data)
    hashers._kept.clear()
    key = store.list(f"reports/{upload.id}")[1]
    if lost:
        store.delete(key)
    else:
        store.put(key, b"other")

    with pytest.raises(Unavailable, match="Remove the file, and send it again"):
        desk.send(upload, b"", length=len(data))

    session.refresh(upload)
    assert (upload.state, upload.sha256) == (UploadState.OPEN, None)


def test_the_old_set_counts_for_a_fortnight(session: Session, desk: Desk, draft: Report, seal: Seal) -> None:
    data = seal(100)
    newer = certificate("New <new@example.org>", seed=9), certificate("Recovery <r@example.org>", seed=10)
    publish_next(session, [(None, newer[0])], newer[1], at=NOON)
    session.commit()

    upload = desk.upload(draft)
    desk.send(upload, data, length=len(data), at=NOON + timedelta(days=13))
    session.refresh(upload)
    assert upload.key_set is not None
    assert upload.key_set.number == 1
    late = desk.upload(draft, body=False)
    with pytest.raises(refusals.MissingRecipient, match="key set 2"):
        desk.send(late, data, at=NOON + timedelta(days=15))
