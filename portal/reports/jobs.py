"""What has to be done without anybody asking: old uploads end, and what nobody names is collected from the store."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs, blobs
from portal.core.errors import Conflict
from portal.core.jobs import Job
from portal.core.mail import config_of
from portal.reports import rules
from portal.reports.actions import assigning, drafts, editions, threads
from portal.reports.actions import clocks as actions
from portal.reports.actions import disclosing as disclosures
from portal.reports.actions import upstream as cases
from portal.reports.actions.warnings import warn_of_expiry
from portal.reports.csaf import Publisher
from portal.reports.models import Chunk, Report, Upload
from portal.reports.queries import assigning as assigning_queries
from portal.reports.queries import clocks, disclosing, keys, reports, uploads, upstream
from portal.reports.states import UploadState

SETTLED = timedelta(days=1)
# The keys that the intake makes, and those that others make after such a name; nothing else is the intake's to remove.
_CHUNK = re.compile(r"reports/[0-9a-f-]{36}/\d{6}-[0-9a-f]{16}")


def expire(session: Session, at: datetime) -> int:
    """End uploads that nobody has gone on with for a day, unsent messages after two, then the drafts that were left."""
    done = 0
    for upload_id in uploads.expired(session, at):
        # Somebody may have gone on with it since the list was made.
        done += drafts.end_upload(session, upload_id, UploadState.EXPIRED, Upload.expires_at < at, at=at)
        session.commit()
    for upload_id, message_id in uploads.unsent(session, at - 2 * rules.KEEP_OPEN):
        done += threads.let_go_unsent(session, upload_id, message_id, at=at)
        session.commit()
    for report in _left(session, at):
        if any(each.state is UploadState.OPEN for each in uploads.of_report(session, report.id)):
            continue
        done += _give_up(session, report.id, at)
    session.commit()
    return done


def _left(session: Session, at: datetime) -> Sequence[Report]:
    """Drafts that nobody goes on with. While nothing can be sealed, and for a while after, they wait for the keys."""
    before, current = at - 2 * rules.KEEP_OPEN, keys.current_set(session)
    if current and (rules.expired(current, at) or current.published_at > before):
        return ()
    return reports.abandoned(session, before)


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
    """Remove from the store what no file needs any more: a day after an upload has ended, its pieces, or if it is
    complete those that do not count; and whatever died on its way a day ago, though its upload goes on.
    """
    store, before, done = blobs(), at - SETTLED, 0
    while ended := uploads.unswept(session, before):
        done += sum(_sweep(session, store, upload_id) for upload_id in ended)
    return done + _collect_strays(session, store, before) + store.tidy("reports", before)


def _collect_strays(session: Session, store: Blobs, before: datetime) -> int:
    """Remove old pieces that no row names. None of them can count any more: see `intake.FRESH`."""
    done = 0
    for listed in store.list_old("reports", before):
        keys = [key for key in listed if _CHUNK.match(key)]
        named = uploads.named(session, keys)
        session.rollback()
        for key in keys:
            if key not in named:
                store.delete(key)
                done += 1
    return done


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


def warn(session: Session, at: datetime) -> int:
    """Tell admins and owners of keys of the current set that are about to expire."""
    done = warn_of_expiry(session, at)
    session.commit()
    return done


def remind(session: Session, at: datetime) -> int:
    """Remind people of clocks that are mostly gone or have run out, each once, and leads of those long over."""
    done = 0
    for report in clocks.to_remind(session, at):
        done += actions.remind(session, report, at=at)
    session.commit()
    return done


def settle(session: Session, at: datetime) -> int:
    """Close what is fixed and was not disputed, and take reports from those who are no triagers any more."""
    done = 0
    for report in clocks.to_close(session, at):
        with suppress(Conflict):
            actions.close_quietly(session, report, at=at)
            done += 1
    for report in assigning_queries.left_behind(session):
        assigning.let_go(session, report, at=at)
        done += 1
    session.commit()
    return done


def remind_of_silence(session: Session, at: datetime) -> int:
    """Remind triagers of parties that have been silent, once for each silence."""
    quiet = [(case, since) for case in upstream.waiting(session) if (since := rules.quiet_since(case, at))]
    for case, since in quiet:
        cases.remind(session, case, since, at=at)
    session.commit()
    return len(quiet)


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


def note_publisher(session: Session, at: datetime) -> int:
    """Note who publishes advisories, where the settings say something else than before."""
    try:
        done = editions.note_publisher(session, Publisher.of(config_of(current_app)), at=at)
    except Conflict:
        session.rollback()
        return 0
    session.commit()
    return int(done)


JOBS = (
    Job("reports: end old uploads", 900, expire),
    Job("reports: collect chunks", 3600, collect),
    Job("reports: warn of keys that expire", 3600, warn),
    Job("reports: remind of clocks", 300, remind),
    Job("reports: settle", 900, settle),
    Job("reports: remind of silence", 3600, remind_of_silence),
    Job("reports: note embargoes that are over", 60, disclose),
    Job("reports: note who publishes advisories", 60, note_publisher),
)
