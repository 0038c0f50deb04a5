"""What carriers say, by whatever way it comes: each scan once, and never backwards."""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.errors import Invalid, Refused
from portal.kits import rules, states
from portal.kits.actions.story import Line, step, tell
from portal.kits.models import Shipment
from portal.kits.states import ShipmentState


class Scan(NamedTuple):
    """One piece of news. (provider, key) is the same for the same news told twice."""

    provider: str
    key: str
    status: ShipmentState
    occurred_at: datetime
    detail: str = ""


def note_scan(session: Session, shipment: Shipment, scan: Scan, *, by: int | None, at: datetime) -> bool:
    """Add a scan to the story, and move the parcel if it is news. Says whether it moved.

    Raises Refused for a parcel that no carrier has, Invalid for a scan from the future.
    """
    if shipment.handed_over_at is None or shipment.tracked_at is None:
        raise Refused("The carrier does not have this parcel yet.")
    if scan.occurred_at > at + timedelta(minutes=5):
        raise Invalid({"occurred_at": "This is in the future."})
    line = Line(
        title=scan.status.replace("_", " ").capitalize(), key=scan.key, provider=scan.provider, status=scan.status,
        detail=scan.detail, occurred_at=scan.occurred_at,
    )  # fmt: skip
    if not tell(session, shipment, line, by=by, at=at):
        return False
    move = rules.tracking_move(
        shipment.state, scan.status, occurred_at=scan.occurred_at, tracked_at=shipment.tracked_at
    )
    if move is None:
        _hear_again(session, shipment, scan)
        return False
    # From the hand-over on the carrier's clock counts; it never goes back.
    started = shipment.state is not ShipmentState.HANDED_OVER
    latest = max(scan.occurred_at, shipment.tracked_at) if started else scan.occurred_at
    values: dict[str, object] = {"tracked_at": latest}
    if move is states.DELIVER:
        values["delivered_at"] = scan.occurred_at
    step(session, shipment, move, by=by, at=at, changes=values)
    return True


def _hear_again(session: Session, shipment: Shipment, scan: Scan) -> None:
    """A later scan that says where it is already: what happened before that one is late from now on."""
    if scan.status is shipment.state:
        session.execute(
            sa.update(Shipment)
            .where(Shipment.id == shipment.id, Shipment.state == scan.status, Shipment.tracked_at < scan.occurred_at)
            .values(tracked_at=scan.occurred_at)
            .execution_options(synchronize_session=False)
        )
        session.expire(shipment, ["tracked_at"])


def hand_over_by_scan(session: Session, shipment: Shipment, occurred_at: datetime, *, at: datetime) -> None:
    """Hand a labelled parcel over by the carrier's own word: what it has scanned, it has.

    Nobody need press the button when the van has left. The audit has the step without a person, with this as its
    reason; the time is the carrier's. Raises Refused where it is not labelled, Conflict if somebody was first.
    """
    word = "The carrier has scanned it."
    times: dict[str, object] = {"handed_over_at": occurred_at, "tracked_at": occurred_at}
    step(session, shipment, states.HAND_OVER, by=None, at=at, reason=word, changes=times)
    line = Line(
        "Handed over", f"{shipment.id}:hand-over:{at.isoformat()}", status=shipment.state, detail=word,
        occurred_at=occurred_at,
    )  # fmt: skip
    tell(session, shipment, line, by=None, at=at)
