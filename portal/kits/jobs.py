"""What the worker does for kits."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.jobs import Job
from portal.kits import actions, queries, rules
from portal.kits.actions import reminding
from portal.kits.queries import reminding as due


def purge_addresses(session: Session, at: datetime) -> int:
    """Forget addresses that nothing goes to any more."""
    over, gone = queries.addresses_over(session, at - rules.KEEP_ADDRESS), 0
    session.commit()
    for participant_id in over:
        gone += actions.purge_address(session, participant_id, at=at)
        session.commit()
    return gone


def remind(session: Session, at: datetime) -> int:
    """Remind participants of an address that is missing, and of what they are to send back."""
    addresses, returns, sent = due.addresses(session, at), due.returns(session, at), 0
    session.commit()
    for shipment_id in addresses:
        sent += reminding.remind_of_address(session, shipment_id, at=at)
        session.commit()
    for return_id in returns:
        sent += reminding.remind_of_return(session, return_id, at=at)
        session.commit()
    return sent


JOBS: tuple[Job, ...] = (
    Job("kits-purge-addresses", 24 * 3600, purge_addresses),
    Job("kits-remind", 3600, remind),
)
