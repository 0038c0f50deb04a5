"""Forgetting what nobody needs any more."""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from portal.applications import queries
from portal.applications.actions import erase_application
from portal.applications.personal import RETENTION_DAYS
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


JOBS = (Job("applications: forget", 86400, forget),)
