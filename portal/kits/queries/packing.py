"""Finding what somebody at the bench has before them."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from portal.accounts.models import Account
from portal.core.db import insert
from portal.kits.models import PackingScan, PackingStation, Shipment, ShipmentUnit, Unit
from portal.kits.queries.people import SERVES
from portal.kits.states.packing import UNDOABLE


def station(session: Session, challenge_id: int, account_id: int) -> PackingStation | None:
    """The person's place at the bench, if they have been there."""
    return session.scalars(_station(challenge_id, account_id)).one_or_none()


def _station(challenge_id: int, account_id: int) -> sa.Select[PackingStation]:
    return sa.select(PackingStation).where(
        PackingStation.challenge_id == challenge_id, PackingStation.account_id == account_id
    )


def own_station(session: Session, challenge_id: int, account_id: int) -> PackingStation:
    """The person's place at the bench, made where there is none, and locked: their scans come one after the other."""
    session.execute(
        insert(session, PackingStation)
        .values(challenge_id=challenge_id, account_id=account_id)
        .on_conflict_do_nothing(index_elements=["challenge_id", "account_id"])
    )
    rows = _station(challenge_id, account_id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(rows).one()


def other_station(session: Session, station: PackingStation, shipment_id: int) -> PackingStation | None:
    """Somebody else's place at the bench with this parcel open on it."""
    return session.scalars(
        sa.select(PackingStation)
        .options(joinedload(PackingStation.account))
        .where(PackingStation.shipment_id == shipment_id, PackingStation.id != station.id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def at_the_bench(session: Session, challenge_id: int) -> dict[int, Account]:
    """Who has which parcel open."""
    rows = session.scalars(
        sa.select(PackingStation)
        .options(joinedload(PackingStation.account))
        .where(PackingStation.challenge_id == challenge_id, PackingStation.shipment_id.is_not(None))
    )
    return {row.shipment_id: row.account for row in rows if row.shipment_id is not None}


def hold_still(session: Session, shipment_id: int) -> None:
    """Keep a parcel from being moved until the end of this transaction."""
    session.execute(sa.select(Shipment.id).where(Shipment.id == shipment_id).with_for_update())


def further(session: Session, parcels: Iterable[Shipment]) -> set[int]:
    """Those of these parcels whose participant has an earlier one that is planned, under way or has arrived."""
    mine = aliased(Shipment)
    earlier = sa.exists().where(Shipment.participant_id == mine.participant_id, Shipment.number < mine.number, SERVES)
    return set(session.scalars(sa.select(mine.id).where(mine.id.in_([parcel.id for parcel in parcels]), earlier)))


def live_place(session: Session, unit: Unit) -> ShipmentUnit | None:
    """The unit's place in a parcel, if it is bound to one, with the parcel and whose it is."""
    return session.scalars(
        sa.select(ShipmentUnit)
        .options(joinedload(ShipmentUnit.shipment).joinedload(Shipment.participant))
        .where(ShipmentUnit.unit_id == unit.id, ShipmentUnit.live)
        .execution_options(populate_existing=True)
    ).one_or_none()


def unit_scanned(session: Session, challenge_id: int, serial: str) -> Unit | None:
    """The unit with exactly this serial number, as it is now, with its kind."""
    return session.scalars(
        sa.select(Unit)
        .options(joinedload(Unit.model))
        .where(Unit.challenge_id == challenge_id, Unit.serial == serial)
        .execution_options(populate_existing=True)
    ).one_or_none()


def scan_by_key(session: Session, station: PackingStation, key: str) -> PackingScan | None:
    """A scan that has been dealt with."""
    return session.scalars(
        sa.select(PackingScan).where(PackingScan.station_id == station.id, PackingScan.key == key)
    ).one_or_none()


def last_scans(session: Session, station: PackingStation, limit: int = 8) -> Sequence[PackingScan]:
    """The newest scans of a station, the last one first."""
    rows = sa.select(PackingScan).where(PackingScan.station_id == station.id).order_by(PackingScan.id.desc())
    return session.scalars(rows.limit(limit)).all()


def last_change(session: Session, station: PackingStation) -> PackingScan | None:
    """The last scan that changed the parcel which is open at a station, and was not taken back."""
    if station.shipment_id is None:
        return None
    return session.scalars(
        sa.select(PackingScan)
        .options(*(joinedload(way).joinedload(ShipmentUnit.unit) for way in (PackingScan.place, PackingScan.replaced)))
        .where(
            PackingScan.station_id == station.id,
            PackingScan.shipment_id == station.shipment_id,
            PackingScan.result.in_(UNDOABLE),
            PackingScan.undone_at.is_(None),
        )
        .order_by(PackingScan.id.desc())
        .limit(1)
    ).one_or_none()
