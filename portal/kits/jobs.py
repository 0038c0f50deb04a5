"""What the worker does for kits."""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.core.jobs import Job
from portal.core.mail import config_of
from portal.kits import actions, follow, queries, rules
from portal.kits.actions import reminding
from portal.kits.actions.judging import judge_again
from portal.kits.actions.lists import clear_away
from portal.kits.queries import policy
from portal.kits.queries import reminding as to_remind
from portal.kits.shipstation import adapters_of
from portal.kits.vault import Vault


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


def judge_addresses(session: Session, at: datetime) -> int:
    """Hold addresses against policies and lists that have changed, each in a transaction of its own.

    Whatever was not reached is found the next time. What none of our keys opens is left, and nothing is handed over
    there; `doctor` tells of it.
    """
    vault, done = Vault.of(config_of(current_app)), 0
    for challenge_id in policy.challenges_with_addresses(session):
        due = policy.outdated_addresses(session, challenge_id, policy.mark(session, challenge_id, at.date()))
        session.commit()
        for participant_id in due:
            try:
                done += judge_again(session, participant_id, vault, at=at)
                session.commit()
            except (Conflict, Refused):
                session.rollback()
    return done


def forget_lists(session: Session, at: datetime) -> int:
    """Forget the entries of lists that count no longer, some at a time."""
    total = 0
    while gone := clear_away(session, at - timedelta(hours=2)):
        session.commit()
        total += gone
    session.commit()
    return total


def remind(session: Session, at: datetime) -> int:
    """Remind participants of an address that is missing, and of what they are to send back."""
    addresses, returns, sent = to_remind.addresses(session, at), to_remind.returns(session, at), 0
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
    Job("kits-take-news", 20, follow.take_news),
    Job("kits-ask-carriers", 300, ask_carriers),
    Job("kits-judge-addresses", 10, judge_addresses),
    Job("kits-forget-lists", 600, forget_lists),
    Job("kits-remind", 3600, remind),
)
