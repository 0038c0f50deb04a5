"""One thing done to many parcels: each by its own rule, and what cannot be done is told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.kits.actions import returns
from portal.kits.actions.shipments import Given, advance
from portal.kits.models import Shipment
from portal.kits.queries import board
from portal.kits.rules.bulk import KEEP, MOVES, Left


def carry_out(
    session: Session, challenge_id: int, ids: Sequence[int], verb: str, reason: str, *, by: int, at: datetime
) -> tuple[int, list[Left]]:
    """Do it to these parcels, in one transaction; to how many it was done, and which were left as they are.

    Parcels are taken in the order of their ids, so that two people at once wait for each other and never in a ring.
    """
    left, done = [], 0
    for shipment in board.whole(session, challenge_id, ids):
        about = (shipment.id, shipment.reference, shipment.participant.name)
        try:
            with session.begin_nested():
                _do(session, shipment, verb, reason, by=by, at=at)
            done += 1
        except PortalError as problem:
            left.append(Left(*about, problem.reason))
    return done, left


def _do(session: Session, shipment: Shipment, verb: str, reason: str, *, by: int, at: datetime) -> None:
    if verb == KEEP:
        returns.let_keep(session, shipment, by=by, at=at)
    else:
        advance(session, shipment, MOVES[verb], Given(reason=reason), by=by, at=at)
