"""Forgetting what nobody needs any more, comparing applications, and taking them over from files."""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from portal.applications import queries
from portal.applications.actions import erase_application
from portal.applications.actions.imports import discard_import
from portal.applications.long import compare_challenge, run_import
from portal.applications.personal import RETENTION_DAYS
from portal.applications.queries import duplicates, exchange
from portal.core.jobs import Job
from portal.core.mail import config_of

IMPORT_WAITS = timedelta(days=1)


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


def run_imports(session: Session, at: datetime) -> int:
    """Take over the rows of confirmed files, chunk by chunk. How many rows were dealt with."""
    return sum(run_import(session, number, at) for number in exchange.running_imports(session))


def forget_imports(session: Session, at: datetime) -> int:
    """Put away the files that nobody has confirmed within a day: they tell much about many people."""
    left = exchange.unconfirmed(session, at - IMPORT_WAITS)
    for kept in left:
        discard_import(session, kept, by=None, at=at)
    session.commit()
    return len(left)


JOBS = (
    Job("applications: forget", 86400, forget),
    Job("applications: compare", 10, compare),
    Job("applications: import", 5, run_imports),
    Job("applications: forget imports", 3600, forget_imports),
)
