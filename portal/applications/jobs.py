"""Forgetting what nobody needs any more, and comparing applications."""

import time
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from portal.applications import queries
from portal.applications.actions import erase_application
from portal.applications.actions.duplicates import note_evidence
from portal.applications.personal import RETENTION_DAYS
from portal.applications.queries import duplicates
from portal.applications.rules.duplicates import evidence
from portal.core.db import set_reading
from portal.core.jobs import Job
from portal.core.mail import config_of


def forget(session: Session, at: datetime) -> int:
    """Erase the applications that led to no place, some time after the challenge. Invented people are kept."""
    if config_of(current_app).demonstration:
        return 0
    total = 0
    while outdated := queries.outdated(session, (at - timedelta(days=RETENTION_DAYS)).date()):
        for application in outdated:
            erase_application(session, application, at=at)
        session.commit()
        total += len(outdated)
    return total


def compare(session: Session, at: datetime) -> int:
    """Look for duplicates where applications have come in or changed. How many applications were compared."""
    return sum(compare_challenge(session, number, at) for number in duplicates.to_compare(session, at))


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


JOBS = (Job("applications: forget", 86400, forget), Job("applications: compare", 10, compare))
