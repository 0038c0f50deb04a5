"""What carriers say, by whatever way it comes: each scan once, and never backwards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.core.errors import Invalid, Refused
from portal.kits import rules, states
from portal.kits.actions.story import Line, step, tell
from portal.kits.models import Shipment
from portal.kits.states import ShipmentState


@dataclass(frozen=True, slots=True)
class Scan:
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
        return False
    values: dict[str, object] = {"tracked_at": scan.occurred_at}
    if move is states.DELIVER:
        values["delivered_at"] = scan.occurred_at
    step(session, shipment, move, by=by, at=at, changes=values)
    return True
