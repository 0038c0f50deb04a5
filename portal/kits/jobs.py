"""What the worker does for kits."""

from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from portal.core.jobs import Job
from portal.core.mail import config_of
from portal.kits import actions, follow, queries, rules
from portal.kits.shipstation import adapters_of


def purge_addresses(session: Session, at: datetime) -> int:
    """Forget addresses that nothing goes to any more."""
    over, gone = queries.addresses_over(session, at - rules.KEEP_ADDRESS), 0
    session.commit()
    for participant_id in over:
        gone += actions.purge_address(session, participant_id, at=at)
        session.commit()
    return gone


def ask_carriers(session: Session, at: datetime) -> int:
    """Ask the services that the settings name for parcels that are on their way."""
    return follow.ask_all(session, adapters_of(config_of(current_app)), at)


JOBS: tuple[Job, ...] = (
    Job("kits-purge-addresses", 24 * 3600, purge_addresses),
    Job("kits-take-news", 20, follow.take_news),
    Job("kits-ask-carriers", 300, ask_carriers),
)
