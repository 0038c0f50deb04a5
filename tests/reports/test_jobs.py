"""Old uploads end, and the store is swept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs
from portal.reports import refusals
from portal.reports.jobs import collect, expire
from portal.reports.models import Chunk, Report, Upload
from portal.reports.states import ReportState, UploadState
from tests.cast import NOON
from tests.reports.people import Desk

Seal = Callable[[int], bytes]
DAY = timedelta(days=1)


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
