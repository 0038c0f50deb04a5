"""Old uploads end, and the store is swept."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs
from portal.core.errors import Refused
from portal.reports import refusals, rules
from portal.reports.actions import threads
from portal.reports.jobs import collect, expire
from portal.reports.models import Chunk, Message, Report, Upload
from portal.reports.queries import uploads
from portal.reports.states import ReportState, Side, UploadState
from tests.cast import NOON, Cast
from tests.reports.openpgp import message
from tests.reports.people import Desk
from tests.reports.threads import key_ids, live, written

Seal = Callable[[int], bytes]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Aged:
    """Makes everything in the store's folder as if it had been written at an instant."""

    folder: Path

    def __call__(self, at: datetime) -> None:
        """Let it be so old."""
        for path in self.folder.rglob("*"):
            os.utime(path, (at.timestamp(), at.timestamp()))


@pytest.fixture
def aged(app: Flask) -> Aged:
    """The folder of the application's store, and its age."""
    return Aged(app.extensions["portal.config"].data / "store")


def test_an_upload_that_nobody_goes_on_with_ends_after_a_day(
    session: Session, desk: Desk, upload: Upload, seal: Seal, store: Blobs
) -> None:
    desk.send(upload, seal(3000)[:2000], at=NOON + timedelta(hours=3))

    assert expire(session, NOON + DAY + timedelta(hours=2)) == 0
    assert expire(session, NOON + DAY + timedelta(hours=4)) == 1
    assert expire(session, NOON + DAY + timedelta(hours=4)) == 0

    session.refresh(upload)
    assert upload.state is UploadState.EXPIRED
    assert len(store.list(f"reports/{upload.id}")) == 1


def test_a_draft_that_was_left_is_given_up_after_two_days(session: Session, desk: Desk, draft: Report) -> None:
    desk.upload(draft)

    assert expire(session, NOON + 2 * DAY + timedelta(minutes=1)) == 2

    session.refresh(draft)
    assert (draft.state, draft.received_at) == (ReportState.WITHDRAWN, None)


def test_a_draft_whose_upload_still_runs_is_left_alone(session: Session, desk: Desk, draft: Report) -> None:
    desk.upload(draft, at=NOON + 2 * DAY)

    assert expire(session, NOON + 2 * DAY + timedelta(minutes=1)) == 0


def test_what_was_submitted_never_expires(session: Session, desk: Desk) -> None:
    report = desk.receive()

    assert expire(session, NOON + 400 * DAY) == 0
    session.refresh(report)
    assert report.state is ReportState.RECEIVED


def test_the_pieces_of_an_ended_upload_are_collected_a_day_later(
    app: Flask, session: Session, desk: Desk, upload: Upload, seal: Seal, store: Blobs
) -> None:
    desk.send(upload, seal(3000)[:2000])
    with pytest.raises(refusals.NotAcceptable):
        desk.send(upload, b"\n" * 5000)
    assert store.list(f"reports/{upload.id}") != []

    assert collect(session, NOON + DAY) == 0
    assert collect(session, NOON + DAY + timedelta(minutes=1)) == 1
    assert collect(session, NOON + DAY + timedelta(minutes=1)) == 0

    assert store.list(f"reports/{upload.id}") == []
    assert session.scalars(sa.select(Chunk)).all() == []


def test_only_strays_of_a_complete_file_are_collected(session: Session, desk: Desk, store: Blobs) -> None:
    desk.receive()
    upload = session.scalars(sa.select(Upload)).one()
    kept = store.list(f"reports/{upload.id}")
    store.put(f"reports/{upload.id}/000009-stray", b"of a process that died")

    assert collect(session, NOON + 2 * DAY) == 1

    assert store.list(f"reports/{upload.id}") == kept
    assert len(kept) == 1


def test_what_died_on_its_way_is_collected_a_day_later_though_its_upload_goes_on(
    session: Session, desk: Desk, upload: Upload, seal: Seal, store: Blobs, aged: Aged
) -> None:
    desk.send(upload, seal(3000)[:2000])
    kept = store.list("reports")
    stray, of_others = f"reports/{upload.id}/000001-0123456789abcdef", f"reports/{upload.id}/notes-of-another-room"
    for key in (stray, of_others):
        store.put(key, b"put, and then the power went")
    half = aged.folder / f"{stray}#1"
    half.write_bytes(b"half a piece")
    aged(NOON)

    assert collect(session, NOON + DAY) == 0
    assert collect(session, NOON + DAY + timedelta(minutes=1)) == 2

    assert store.list("reports") == [*kept, of_others]
    assert not half.exists()
    session.refresh(upload)
    assert upload.state is UploadState.OPEN


def test_a_chunk_that_counts_is_never_collected_however_old(
    session: Session, desk: Desk, upload: Upload, seal: Seal, store: Blobs, aged: Aged
) -> None:
    desk.send(upload, seal(3000)[:2000])
    aged(NOON - 30 * DAY)

    assert collect(session, NOON + 400 * DAY) == 0
    assert len(store.list("reports")) == 1


def test_a_file_that_is_removed_long_after_it_arrived_is_collected(
    session: Session, desk: Desk, upload: Upload, seal: Seal, store: Blobs
) -> None:
    data = seal(3000)
    desk.send(upload, data, length=len(data))
    assert collect(session, NOON + 2 * DAY) == 0

    assert expire(session, NOON + 2 * DAY + timedelta(minutes=1)) == 1
    assert collect(session, NOON + 4 * DAY) == 1

    assert store.list("reports") == []


def test_however_many_have_ended_they_are_all_collected(
    session: Session, desk: Desk, draft: Report, seal: Seal, store: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = uploads.unswept
    monkeypatch.setattr(uploads, "unswept", lambda *asked: everything(*asked)[:1])
    for _ in range(3):
        upload = desk.upload(draft)
        stray = f"reports/{upload.id}/x"
        with pytest.raises(refusals.NotAcceptable):
            desk.send(upload, seal(100) + b"\n", checksum=sha256(seal(100) + b"\n").digest())
        store.put(stray, b"")

    assert collect(session, NOON + 2 * DAY) == 3


def test_an_upload_that_was_gone_on_with_while_old_ones_are_ended_stays(
    session: Session, desk: Desk, upload: Upload, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = NOON + DAY + timedelta(hours=2)
    data = seal(3000)
    monkeypatch.setattr(
        uploads, "expired", lambda *_: desk.send(upload, data[:2000], at=late - timedelta(hours=3)) and [upload.id]
    )

    assert expire(session, late) == 0

    session.refresh(upload)
    assert upload.state is UploadState.OPEN
    assert desk.send(upload, data[2000:], length=len(data), at=late) == len(data)


@pytest.mark.parametrize("side", Side)
def test_a_message_that_was_never_sent_keeps_its_bytes_for_two_days(
    session: Session, desk: Desk, cast: Cast, store: Blobs, side: Side
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    to, by = key_ids(desk, live(session, cast.researcher.id)), cast.researcher.id
    if side is Side.TEAM:
        by = cast.triager.id
    held = uploads.held(session, report.participant_id)
    made = threads.begin_message(session, report, side, rules.Limits(), by=by, at=NOON)
    data = message(200, to)
    upload = threads.begin_message_upload(session, report, made, rules.Limits(), length=len(data), at=NOON)
    session.commit()
    desk.send(upload, data, at=NOON + timedelta(hours=1))
    report_id, upload_id, participant_id = report.id, upload.id, report.participant_id

    assert expire(session, NOON + 2 * DAY) == 0
    assert expire(session, NOON + 2 * DAY + timedelta(hours=2)) == 1
    assert expire(session, NOON + 2 * DAY + timedelta(hours=2)) == 0

    session.expire_all()
    assert session.get_one(Upload, upload_id).state is UploadState.EXPIRED
    assert uploads.held(session, participant_id) == held
    collect(session, NOON + 4 * DAY)
    assert store.list(f"reports/{upload_id}") == []
    assert session.scalars(sa.select(Chunk).where(Chunk.upload_id == upload_id)).all() == []
    report = desk.again(session.get_one(Report, report_id))
    with pytest.raises(Refused, match="has not wholly arrived"):
        threads.send_message(session, report, session.get_one(Message, made.id), by=by, at=NOON + 4 * DAY)
    session.rollback()
    assert written(desk, report, side, to, by=by, at=NOON + 4 * DAY).number == 1


def test_a_message_that_was_sent_is_kept_also_if_it_was_sent_just_now(
    session: Session, desk: Desk, cast: Cast, store: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    sent = written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id)
    upload = session.scalars(sa.select(Upload).where(Upload.message_id == sent.id)).one()
    assert expire(session, NOON + 400 * DAY) == 0

    # As if it had been sent after the job had looked.
    monkeypatch.setattr(uploads, "unsent", lambda *_: [(upload.id, sent.id)])
    assert expire(session, NOON + 400 * DAY) == 0
    session.refresh(upload)
    assert upload.state is UploadState.COMPLETE
