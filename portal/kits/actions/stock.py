"""The stock: kinds of kit, units by serial number, and what becomes of them at the bench."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.kits import queries, rules, states
from portal.kits.actions import backs
from portal.kits.models import KitModel, ShipmentUnit, Unit
from portal.kits.queries import returns
from portal.kits.rules.returns import check_restock
from portal.kits.states import UnitState


@dataclass(frozen=True, slots=True)
class KitSpec:
    """What is told of a kind of kit. `basis` says where the customs data come from."""

    name: str
    revision: str
    weight_g: int
    declared_value: Decimal
    currency: str
    hs_code: str = ""
    eccn: str = ""
    origin: str = ""
    basis: str = ""


def add_model(session: Session, challenge: Challenge, spec: KitSpec, *, by: int, at: datetime) -> KitModel:
    """Add a kind of kit. Raises Conflict where there is one of this name and revision."""
    model = KitModel(challenge_id=challenge.id, **asdict(spec))
    session.add(model)
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:add-model", f"kit-model:{model.id}", by=by, at=at, scope=challenge.slug, after=asdict(spec)
    )
    return model


def add_units(
    session: Session, challenge: Challenge, model: KitModel, text: str, *, location: str, firmware: str, by: int,
    at: datetime,
) -> Sequence[Unit]:  # fmt: skip
    """Add a unit for each line of `text`, or none at all.

    Raises Invalid with every faulty line, Conflict where somebody has just added one of them.
    """
    serials = rules.read_serials(text)
    serials = rules.read_serials(text, queries.known_serials(session, challenge.id, serials.good))
    if serials.faults or not serials.good:
        raise Invalid({"serials": " ".join(serials.faults) or "There is no serial number here."})
    units = [
        Unit(
            challenge_id=challenge.id, model_id=model.id, serial=serial, state=UnitState.IN_STOCK, state_since=at,
            location=location, firmware=firmware,
        )
        for serial in serials.good
    ]  # fmt: skip
    session.add_all(units)
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:add-units", f"kit-model:{model.id}", by=by, at=at, scope=challenge.slug,
        after={"count": len(units), "first": units[0].serial, "last": units[-1].serial},
    )  # fmt: skip
    return units


def move_unit(
    session: Session, unit: Unit, move: Move[UnitState], *, scope: str, by: int, at: datetime, reason: str | None = None
) -> None:
    """Do to a unit at the bench what the table of moves allows. It leaves the parcel it came in."""
    if not move.by:
        raise Refused(f"“{move.label}” goes with a parcel, not by hand.")
    before = unit.state
    if move is states.RESTOCK:
        seen = returns.last_time(session, unit.id)
        check_restock(seen.condition if seen else None, seen.wiped if seen else None)
    take(session, unit, move, at=at)
    if move.target is UnitState.RETURNED:
        backs.came_back(session, unit, at=at)
    if move.target not in states.BOUND:
        session.execute(
            sa.update(ShipmentUnit)
            .where(ShipmentUnit.unit_id == unit.id, ShipmentUnit.live)
            .values(live=False)
            .execution_options(synchronize_session="fetch")
        )
    audit.record(
        session, f"kits:{move.name}-unit", f"unit:{unit.id}", by=by, at=at, scope=scope,
        before={"state": before}, after={"state": unit.state}, reason=reason,
    )  # fmt: skip
