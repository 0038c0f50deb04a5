"""What has to be done without anybody asking: old uploads end, and what nobody names is collected from the store."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs, blobs
from portal.core.errors import Conflict
from portal.core.jobs import Job
from portal.reports import rules
from portal.reports.actions import disclosing as disclosures
from portal.reports.actions import drafts
from portal.reports.models import Chunk, Upload
from portal.reports.queries import disclosing, reports, uploads
from portal.reports.states import UploadState

SETTLED = timedelta(days=1)


def expire(session: Session, at: datetime) -> int:
    """End uploads that nobody has gone on with for a day, then the drafts that were left."""
    done = 0
    for upload_id in uploads.expired(session, at):
        done += drafts.end_upload(session, upload_id, UploadState.EXPIRED, at=at)
        session.commit()
    for report in reports.abandoned(session, at - 2 * rules.KEEP_OPEN):
        if any(each.state is UploadState.OPEN for each in uploads.of_report(session, report.id)):
            continue
        done += _give_up(session, report.id, at)
    session.commit()
    return done


def _give_up(session: Session, report_id: int, at: datetime) -> int:
    report = reports.draft(session, report_id)
    try:
        for upload in uploads.of_report(session, report_id):
            drafts.end_upload(session, upload.id, UploadState.REMOVED, at=at, states=uploads.LIVE)
        drafts.give_up(session, report, at=at)
    except Conflict:
        session.rollback()
        return 0
    session.commit()
    return 1


def collect(session: Session, at: datetime) -> int:
    """A day after an upload has ended: remove its pieces from the store; if it is complete, those that do not count."""
    store = blobs()
    return sum(_sweep(session, store, upload_id) for upload_id in uploads.unswept(session, at - SETTLED))


def _sweep(session: Session, store: Blobs, upload_id: str) -> int:
    complete = session.get_one(Upload, upload_id).state is UploadState.COMPLETE
    named = {chunk.key for chunk in uploads.chunks(session, upload_id)} if complete else set()
    session.rollback()
    stray = [key for key in store.list(f"reports/{upload_id}") if key not in named]
    for key in stray:
        store.delete(key)
    if not complete:
        session.execute(sa.delete(Chunk).where(Chunk.upload_id == upload_id))
    session.execute(sa.update(Upload).where(Upload.id == upload_id).values(swept=True))
    session.commit()
    return len(stray)


def disclose(session: Session, at: datetime) -> int:
    """Note the embargoes that are over. What is public does not wait for it."""
    done = 0
    for found in disclosing.due(session, at):
        try:
            disclosures.publish(session, found, at=at)
        except Conflict:
            session.rollback()
            continue
        session.commit()
        done += 1
    return done


JOBS = (
    Job("reports: end old uploads", 900, expire),
    Job("reports: collect chunks", 3600, collect),
    Job("reports: note embargoes that are over", 60, disclose),
)
