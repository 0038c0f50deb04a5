"""Work that takes seconds, in transactions that do not: comparing all applications, taking over a file.

Jobs and commands call it. It commits by itself and may be called twice, or again after it was killed.
"""

import time
import zlib
from datetime import datetime

from sqlalchemy.orm import Session

from portal.applications.actions.duplicates import note_evidence
from portal.applications.actions.imports import CHUNK, FAULTS_KEPT, finish_import, take_over
from portal.applications.models import Import
from portal.applications.queries import duplicates, exchange
from portal.applications.rules.duplicates import evidence
from portal.applications.rules.exchange import check, read
from portal.core.db import set_reading
from portal.core.errors import Conflict
from portal.core.tables import Sheet


def compare_challenge(session: Session, challenge_id: int, at: datetime) -> int:
    """Compare the applications of one challenge. Nothing is locked while it reads and counts, which takes seconds."""
    session.rollback()
    begun = time.monotonic()
    set_reading(True)
    try:
        told = duplicates.told(session, challenge_id)
        session.rollback()
    finally:
        set_reading(False)
    found, common = evidence(told)
    took = int((time.monotonic() - begun) * 1000)
    note_evidence(session, challenge_id, found, common, compared=len(told), took_ms=took, at=at)
    session.commit()
    return len(told)


def run_import(session: Session, import_id: int, at: datetime) -> int:
    """Take over one file, from where a worker that died has stopped. The file is read while nothing is locked."""
    kept = session.get_one(Import, import_id, populate_existing=True)
    content, name, total = kept.content, kept.filename, 0
    known = exchange.known(session, kept.challenge_id, with_taken=False)
    session.rollback()
    if content is None:
        return 0  # another worker has finished it
    sheet = read(zlib.decompress(content), name)
    while True:
        kept = session.get_one(Import, import_id, populate_existing=True)
        begin, end = kept.done, min(kept.done + CHUNK, len(sheet.rows))
        try:
            if begin >= len(sheet.rows):
                finish_import(session, kept, at=at)
                session.commit()
                return total
            checked = check(Sheet(sheet.rows[begin:end]), known, at)
            late = take_over(session, kept, checked.good, begin=begin, end=end, at=at)
            kept.faults = [*kept.faults, *(list(fault) for fault in late)][:FAULTS_KEPT]
            kept.fault_count += len(late)
            session.commit()
        except Conflict:
            session.rollback()
            return total
        total += end - begin
