"""What passes with time."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.actions import news
from portal.challenges.models import ResourceFile
from portal.challenges.personal import ADDRESS_HASH_DAYS, forget_address_hashes
from portal.challenges.queries import resources
from portal.core.blobs import blobs
from portal.core.jobs import Job

# Longer than any upload takes, and than anybody takes over a download of a file that was replaced.
SETTLED = timedelta(days=1)


def forget_addresses(session: Session, at: datetime) -> int:
    """Forget the network addresses of signatures after their time."""
    done = forget_address_hashes(session, at - timedelta(days=ADDRESS_HASH_DAYS))
    session.commit()
    return done


def tell_news(session: Session, at: datetime) -> int:
    """Post the mails about announcements that are due."""
    posted = news.tell(session, at=at)
    session.commit()
    return posted


def collect_files(session: Session, at: datetime) -> int:
    """Remove what cut uploads and replaced files have left in the store, then their rows."""
    ids, store = resources.orphans(session, at - SETTLED), blobs()
    session.rollback()
    for file_id in ids:
        folder = resources.file_of(session, file_id).folder
        session.rollback()
        for key in store.list(folder):
            store.delete(key)
        session.execute(sa.delete(ResourceFile).where(ResourceFile.id == file_id))
        session.commit()
    return len(ids)


JOBS: tuple[Job, ...] = (
    Job("challenges: forget addresses", 86400, forget_addresses),
    Job("challenges: tell announcements", 60, tell_news),
    Job("challenges: collect files", 3600, collect_files),
)
