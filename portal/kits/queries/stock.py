"""Finding kits: a challenge's stock."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

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


class UnitFilter(NamedTuple):
    """Which units a list shows; empty text means all. A space stands for no location, or no build."""

    state: str = ""
    serial: str = ""
    model: int | None = None
    location: str = ""
    firmware: str = ""


def matching(challenge_id: int, chosen: Collection[int] | UnitFilter) -> list[sa.ColumnElement[bool]]:
    """The conditions that a filter, or a list of units, stands for. Raises NotFound for a state that is none."""
    which = [Unit.challenge_id == challenge_id]
    if not isinstance(chosen, UnitFilter):
        return [*which, Unit.id.in_(chosen)]
    if chosen.state:
        if chosen.state not in list(UnitState):
            raise NotFound("state")
        which.append(Unit.state == UnitState(chosen.state))
    if chosen.serial:
        which.append(Unit.serial.istartswith(chosen.serial, autoescape=True))
    if chosen.model is not None:
        which.append(Unit.model_id == chosen.model)
    for column, value in ((Unit.location, chosen.location), (Unit.firmware, chosen.firmware)):
        if value:
            which.append(column == value.strip())
    return which


def _units(challenge_id: int, chosen: UnitFilter) -> sa.Select[Unit]:
    return sa.select(Unit).options(joinedload(Unit.model)).where(*matching(challenge_id, chosen))


def units(
    session: Session, challenge_id: int, chosen: UnitFilter, after: str | None = None, limit: int = 50
) -> Page[Unit]:
    """The units that a filter shows, by serial number. Raises NotFound."""
    order = [(Unit.serial, "asc"), (Unit.id, "asc")]
    return keyset(session, _units(challenge_id, chosen), order=order, after=after, limit=limit)


def all_units(session: Session, challenge_id: int, chosen: UnitFilter) -> Sequence[Unit]:
    """The same without pages, for a download."""
    return session.scalars(_units(challenge_id, chosen).order_by(Unit.serial, Unit.id)).all()


def chosen_counts(session: Session, challenge_id: int, chosen: Collection[int] | UnitFilter) -> dict[UnitState, int]:
    """How many units of a filter or a list are in each state."""
    rows = sa.select(Unit.state, sa.func.count()).where(*matching(challenge_id, chosen)).group_by(Unit.state)
    return dict(session.execute(rows).all())


def places(session: Session, challenge_id: int) -> tuple[list[str], list[str]]:
    """The locations and the firmware builds that units of the challenge have."""
    rows = session.execute(
        sa.select(Unit.location, Unit.firmware).where(Unit.challenge_id == challenge_id).distinct()
    ).all()
    return sorted({location for location, _ in rows}), sorted({firmware for _, firmware in rows})


def sitting_of(session: Session, challenge_id: int, sitting: str, limit: int = 10) -> tuple[int, Sequence[Unit]]:
    """How many units were scanned in a sitting, and the last of them, the newest first."""
    mine = Unit.challenge_id == challenge_id, Unit.sitting == sitting
    count = session.scalars(sa.select(sa.func.count()).select_from(Unit).where(*mine)).one()
    last = sa.select(Unit).options(joinedload(Unit.model)).where(*mine).order_by(Unit.id.desc()).limit(limit)
    return count, session.scalars(last).all()


def model(session: Session, challenge_id: int, model_id: int) -> KitModel:
    """One kind of kit. Raises NotFound."""
    found = session.scalars(
        sa.select(KitModel).where(KitModel.challenge_id == challenge_id, KitModel.id == model_id)
    ).one_or_none()
    if found is None:
        raise NotFound("kit model")
    return found


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
        sa.select(Unit).options(joinedload(Unit.model)).where(Unit.challenge_id == challenge_id, Unit.serial == serial)
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
