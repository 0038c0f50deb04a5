"""What the worker does for kits."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.jobs import Job
from portal.kits import actions, queries, rules


def purge_addresses(session: Session, at: datetime) -> int:
    """Forget addresses that nothing goes to any more."""
    over, gone = queries.addresses_over(session, at - rules.KEEP_ADDRESS), 0
    session.commit()
    for participant_id in over:
        gone += actions.purge_address(session, participant_id, at=at)
        session.commit()
    return gone


JOBS: tuple[Job, ...] = (Job("kits-purge-addresses", 24 * 3600, purge_addresses),)
