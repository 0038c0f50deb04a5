"""Finding kits: a challenge's stock."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.kits.models import KitModel, Shipment, ShipmentUnit, Unit
from portal.kits.states import UnitState


def models(session: Session, challenge_id: int) -> Sequence[KitModel]:
    """The kinds of kit of a challenge, by name."""
    return session.scalars(
        sa.select(KitModel).where(KitModel.challenge_id == challenge_id).order_by(KitModel.name, KitModel.revision)
    ).all()


def unit_counts(session: Session, challenge_id: int) -> dict[int, dict[UnitState, int]]:
    """How many units of each model are in each state."""
    found: dict[int, dict[UnitState, int]] = {}
    rows = session.execute(
        sa.select(Unit.model_id, Unit.state, sa.func.count())
        .where(Unit.challenge_id == challenge_id)
        .group_by(Unit.model_id, Unit.state)
    )
    for model_id, state, count in rows:
        found.setdefault(model_id, {})[state] = count
    return found


def _units(challenge_id: int, state: str, serial: str) -> sa.Select[Unit]:
    rows = sa.select(Unit).options(joinedload(Unit.model)).where(Unit.challenge_id == challenge_id)
    if state:
        if state not in list(UnitState):
            raise NotFound("state")
        rows = rows.where(Unit.state == UnitState(state))
    return rows.where(Unit.serial.istartswith(serial, autoescape=True)) if serial else rows


def units(
    session: Session, challenge_id: int, state: str = "", serial: str = "", after: str | None = None, limit: int = 50
) -> Page[Unit]:
    """Units by serial number: those in a state, those whose number begins in some way. Raises NotFound."""
    rows = _units(challenge_id, state, serial)
    return keyset(session, rows, order=[(Unit.serial, "asc"), (Unit.id, "asc")], after=after, limit=limit)


def all_units(session: Session, challenge_id: int, state: str = "", serial: str = "") -> Sequence[Unit]:
    """The same without pages, for a download."""
    return session.scalars(_units(challenge_id, state, serial).order_by(Unit.serial, Unit.id)).all()


def unit(session: Session, challenge_id: int, unit_id: int) -> Unit:
    """One unit. Raises NotFound."""
    found = session.scalars(
        sa.select(Unit).options(joinedload(Unit.model)).where(Unit.challenge_id == challenge_id, Unit.id == unit_id)
    ).one_or_none()
    if found is None:
        raise NotFound("unit")
    return found


def unit_by_serial(session: Session, challenge_id: int, serial: str) -> Unit | None:
    """The unit with exactly this serial number."""
    return session.scalars(
        sa.select(Unit).where(Unit.challenge_id == challenge_id, Unit.serial == serial)
    ).one_or_none()


def places_of(session: Session, unit: Unit) -> Sequence[ShipmentUnit]:
    """The parcels that a unit has been in, the newest first."""
    return session.scalars(
        sa.select(ShipmentUnit)
        .options(joinedload(ShipmentUnit.shipment).joinedload(Shipment.participant))
        .where(ShipmentUnit.unit_id == unit.id)
        .order_by(ShipmentUnit.id.desc())
    ).all()


def known_serials(session: Session, challenge_id: int, serials: Collection[str]) -> set[str]:
    """Which of these serial numbers are in the stock."""
    return set(
        session.scalars(sa.select(Unit.serial).where(Unit.challenge_id == challenge_id, Unit.serial.in_(serials)))
    )
