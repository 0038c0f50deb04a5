"""The stock: kinds of kit, units by serial number, and what becomes of them at the bench."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move, take
from portal.kits import queries, rules, states
from portal.kits.actions import backs, reservations
from portal.kits.models import KitModel, ShipmentUnit, Unit
from portal.kits.queries import returns
from portal.kits.queries.reservations import reservation_of
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
    per_place: int = 1


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


def spec_of(model: KitModel) -> KitSpec:
    """What is told of a model as it is."""
    return KitSpec(**{name: getattr(model, name) for name in KitSpec.__dataclass_fields__})


def change_model(
    session: Session, challenge: Challenge, model: KitModel, spec: KitSpec, seen: KitSpec, *, by: int, at: datetime
) -> None:
    """Tell something else of a kind of kit; the papers of its parcels follow.

    Raises Conflict where it is not any more as the person saw it (`seen`), or another one has this name and revision.
    """
    before = asdict(seen)
    same = [getattr(KitModel, name) == value for name, value in before.items()]
    with conflicts():
        changed = session.execute(
            sa.update(KitModel)
            .where(KitModel.id == model.id, *same)
            .values(**asdict(spec))
            .execution_options(synchronize_session=False)
        )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just changed this model. Look at it again.")
    session.refresh(model)
    after = {name: value for name, value in asdict(spec).items() if before[name] != value}
    audit.record(
        session, "kits:change-model", f"kit-model:{model.id}", by=by, at=at, scope=challenge.slug,
        before={name: before[name] for name in after}, after=after,
    )  # fmt: skip


def delete_model(session: Session, challenge: Challenge, model: KitModel, *, by: int, at: datetime) -> None:
    """Forget a kind of kit of which there is no unit. Raises Refused where there is one."""
    number, before = model.id, asdict(spec_of(model))
    used = sa.exists().where(Unit.model_id == KitModel.id)
    gone = session.execute(
        sa.delete(KitModel).where(KitModel.id == number, ~used).execution_options(synchronize_session="fetch")
    )
    assert isinstance(gone, CursorResult)
    if gone.rowcount != 1:
        raise Refused("There are units of this model. A model goes only while it has none.")
    audit.record(session, "kits:delete-model", f"kit-model:{number}", by=by, at=at, scope=challenge.slug, before=before)


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
    """Do to a unit at the bench what the table of moves allows. It leaves the parcel it came in.

    Whoever it was kept for gets another one, if there is one.
    """
    if not move.by:
        raise Refused(f"“{move.label}” goes with a parcel, not by hand.")
    before, row = unit.state, reservation_of(session, unit)
    if before is UnitState.RESERVED and row is None:
        raise Refused("This unit is in a parcel. Take it out of there first.")
    if move is states.RESTOCK:
        seen = returns.last_time(session, unit.id)
        check_restock(seen.condition if seen else None, seen.wiped if seen else None)
    take(session, unit, move, at=at)
    if row is not None:
        reservations.stand_in(session, row, at=at)
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
