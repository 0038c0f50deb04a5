"""What the worker does for the line: read the mailbox, forget what has had its time. Every tick is safe twice."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.jobs import Job
from portal.line.actions import incoming as actions
from portal.line.intake import read_mails


def forget_mails(session: Session, at: datetime) -> int:
    """Forget old records of mails."""
    forgotten = actions.forget(session, at=at)
    session.commit()
    return forgotten


JOBS: tuple[Job, ...] = (
    Job("line: read mails", 30, read_mails),
    Job("line: forget mails", 86400, forget_mails),
)
