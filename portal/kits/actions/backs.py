"""What follows when a parcel turns round: the return that belongs to it, and units that nobody has looked at yet."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.moves import Move, take
from portal.kits import states
from portal.kits.models import KitReturn, Shipment, Unit, UnitReturn
from portal.kits.queries import returns
from portal.kits.states import ShipmentState
from portal.kits.states.returns import ARRIVE, CANCEL_RETURN, ReturnState

TURNED_BACK = "It came back without having been asked for."
EXPECTED = "Logistics expect it back."
LOST = "The parcel is lost."


def follow(
    session: Session, shipment: Shipment, move: Move[ShipmentState], units: Sequence[Unit], *, by: int | None,
    at: datetime,
) -> None:  # fmt: skip
    """Let the return of a parcel go along with a step of the parcel; `units` are those that moved with it."""
    if move not in (states.SEND_BACK, states.COME_BACK, states.LOSE):
        return
    expected = returns.expected_of(session, shipment.id)
    if move is states.SEND_BACK and expected is None:
        begin(session, shipment, EXPECTED, by=by, at=at)
    elif move is states.LOSE and expected is not None:
        take(session, expected, CANCEL_RETURN, at=at, answer=LOST, label=None)
        record(session, shipment, expected, "cancel-return", by=by, at=at, reason=LOST)
    elif move is states.COME_BACK:
        _arrive(session, shipment, expected, units, by=by, at=at)


def begin(session: Session, shipment: Shipment, reason: str, *, by: int | None, at: datetime) -> KitReturn:
    """Note that a parcel's content is to come back. Raises Conflict where somebody has just done so."""
    made = _made(shipment, reason, by, at)
    session.add(made)
    with conflicts():
        session.flush()
    # The reason is the person's own words, and can be forgotten; neither story nor audit can.
    record(session, shipment, made, "ask-return", by=by, at=at)
    return made


def _made(shipment: Shipment, reason: str, by: int | None, at: datetime) -> KitReturn:
    return KitReturn(
        challenge_id=shipment.challenge_id, shipment_id=shipment.id, state=ReturnState.ASKED, state_since=at,
        reason=reason, asked_at=at, asked_by_id=by,
    )  # fmt: skip


def _arrive(
    session: Session, shipment: Shipment, expected: KitReturn | None, units: Sequence[Unit], *, by: int | None,
    at: datetime,
) -> None:  # fmt: skip
    """It is here. Where nothing came with it, there is nothing to look at either."""
    if expected is None:
        expected = _made(shipment, TURNED_BACK, None, at)
        expected.state, expected.arrived_at = ReturnState.ARRIVED, at
        session.add(expected)
        session.flush()
    else:
        take(session, expected, ARRIVE, at=at, arrived_at=at, label=None)
    for unit in units:
        came_back(session, unit, return_id=expected.id, at=at)
    if not units:
        expected.state = ReturnState.INSPECTED
        session.flush()
    record(session, shipment, expected, "arrive-return", by=by, at=at, units=len(units))


def came_back(session: Session, unit: Unit, *, at: datetime, return_id: int | None = None) -> None:
    """Note that a unit is back and has to be looked at."""
    session.add(UnitReturn(unit_id=unit.id, return_id=return_id, came_back_at=at))
    with conflicts():
        session.flush()


def record(
    session: Session, shipment: Shipment, kit_return: KitReturn, verb: str, *, by: int | None, at: datetime,
    reason: str | None = None, **after: object,
) -> None:  # fmt: skip
    """Write into the audit what was done to a return."""
    told = {"shipment": shipment.reference, **after}
    slug = shipment.challenge.slug
    audit.record(
        session, f"kits:{verb}", f"kit-return:{kit_return.id}", by=by, at=at, scope=slug, after=told, reason=reason
    )
