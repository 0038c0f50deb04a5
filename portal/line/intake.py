"""Reading the mailbox: mail by mail, each in a transaction of its own, and once, whoever dies in between."""

from datetime import datetime

from flask import current_app
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.core.mail import config_of
from portal.line.actions import incoming as actions
from portal.line.actions.incoming import Place
from portal.line.addresses import Addresses
from portal.line.letters import Letter, Unreadable
from portal.line.mailbox import PROCESSED, REFUSED, Arrived, Inbox, inbox
from portal.line.queries import incoming
from portal.line.states import PROCESSED as KEPT
from portal.line.states import Outcome

# Mails that one tick looks at; the next one goes on.
MOST = 200


def read_mails(session: Session, at: datetime) -> int:
    """Take in the mails that have arrived, each in a transaction of its own; then put it aside.

    Whoever dies in between leaves a mail that is known already and only has to be put aside. Raises Unreached.
    """
    config = config_of(current_app)
    if config.imap_url is None:
        return 0
    session.rollback()
    addresses, looked_at, failed = Addresses.of(config), 0, None
    with inbox(config.imap_url) as box:
        for uid in box.waiting(MOST):
            try:
                looked_at += _look_at(session, box, uid, addresses, at)
            except (DBAPIError, PortalError) as problem:
                # It stays where it is, and holds none of the others up.
                session.rollback()
                failed = problem
    if failed is not None:
        raise failed
    return looked_at


def _look_at(session: Session, box: Inbox, uid: int, addresses: Addresses, at: datetime) -> bool:
    place = Place(box.name, box.validity, uid)
    outcome = _outcome(session, place)
    if outcome is None:
        # Nothing is held while the mail server takes its time.
        arrived = box.fetch(uid)
        if arrived is None:
            return False
        outcome = _take_in(session, arrived, place, addresses, at)
    box.put_aside(uid, PROCESSED if outcome in KEPT else REFUSED)
    return True


def _outcome(session: Session, place: Place) -> Outcome | None:
    known = incoming.known(session, place.mailbox, place.validity, place.uid)
    outcome = known.outcome if known else None
    session.rollback()
    return outcome


def _take_in(session: Session, arrived: Arrived, place: Place, addresses: Addresses, at: datetime) -> Outcome:
    letter: Letter | None
    try:
        letter = Letter(arrived.octets, arrived.size)
    except Unreadable:
        letter = None
    try:
        outcome = actions.receive(session, letter, place, addresses=addresses, at=at).outcome
        session.commit()
        return outcome
    except IntegrityError:
        session.rollback()
        # Another worker took it in at the same moment, unless the fault is the mail's.
        taken = _outcome(session, place)
        if taken is None:
            raise
        return taken
