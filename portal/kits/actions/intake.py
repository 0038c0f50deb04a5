"""Units that arrive one by one under a scanner, or many in a table."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid
from portal.kits.models import KitModel, Reservation, ShipmentUnit, Unit
from portal.kits.rules.intake import Arrival
from portal.kits.rules.serials import serial_fault
from portal.kits.states import UnitState


def scan_in(
    session: Session, challenge: Challenge, model: KitModel, serial: str, *, location: str, firmware: str,
    sitting: str, by: int, at: datetime,
) -> Unit:  # fmt: skip
    """Add the unit that was just scanned. Raises Invalid for what is no serial number, Conflict for a known one."""
    wrong = serial_fault(serial, {}, ())
    if wrong:
        raise Invalid({"serial": wrong})
    unit = Unit(
        challenge_id=challenge.id, model_id=model.id, serial=serial, state=UnitState.IN_STOCK, state_since=at,
        location=location, firmware=firmware, sitting=sitting,
    )  # fmt: skip
    session.add(unit)
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:scan-in", f"unit:{unit.id}", by=by, at=at, scope=challenge.slug,
        after={"serial": serial, "model": model.id, "location": location, "firmware": firmware},
    )  # fmt: skip
    return unit


def undo_scan(session: Session, challenge: Challenge, unit_id: int, sitting: str, *, by: int, at: datetime) -> str:
    """Take the unit away again that was scanned by mistake; its serial number.

    Raises Conflict where it is gone already, or where something has become of it.
    """
    used = sa.or_(sa.exists().where(Reservation.unit_id == Unit.id), sa.exists().where(ShipmentUnit.unit_id == Unit.id))
    mine = Unit.id == unit_id, Unit.challenge_id == challenge.id, Unit.sitting == sitting
    serial = session.scalars(sa.select(Unit.serial).where(*mine)).one_or_none()
    gone = session.execute(
        sa.delete(Unit)
        .where(*mine, Unit.state == UnitState.IN_STOCK, ~used)
        .execution_options(synchronize_session="fetch")
    )
    assert isinstance(gone, CursorResult)
    if serial is None or gone.rowcount != 1:
        raise Conflict("It is not there any more, or it is reserved or in a parcel already.")
    audit.record(
        session, "kits:undo-scan", f"unit:{unit_id}", by=by, at=at, scope=challenge.slug, before={"serial": serial}
    )
    return serial


def add_arrivals(session: Session, challenge: Challenge, arrivals: Sequence[Arrival], *, by: int, at: datetime) -> None:
    """Add the units of a table. Raises Conflict where somebody has just added one of them: then none is."""
    rows = [
        {"challenge_id": challenge.id, "model_id": row.model_id, "serial": row.serial, "state": UnitState.IN_STOCK,
         "state_since": at, "location": row.location, "firmware": row.firmware}
        for row in arrivals
    ]  # fmt: skip
    with conflicts():
        session.execute(sa.insert(Unit), rows)
    audit.record(
        session, "kits:import-units", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"count": len(rows), "first": arrivals[0].serial, "last": arrivals[-1].serial},
    )  # fmt: skip
