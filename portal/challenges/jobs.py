"""What passes with time."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.challenges.personal import ADDRESS_HASH_DAYS, forget_address_hashes
from portal.core.jobs import Job


def forget_addresses(session: Session, at: datetime) -> int:
    """Forget the network addresses of signatures after their time."""
    done = forget_address_hashes(session, at - timedelta(days=ADDRESS_HASH_DAYS))
    session.commit()
    return done


JOBS: tuple[Job, ...] = (Job("challenges: forget addresses", 86400, forget_addresses),)
