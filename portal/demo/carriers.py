"""Parcels that wait for a carrier's label, and a file that was made for its program."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.challenges.models import Member
from portal.demo.shipping import Parcel, free_unit
from portal.demo.world import Stage, World
from portal.kits import states
from portal.kits.actions import addresses, carriers, shipments
from portal.kits.models import Shipment
from portal.kits.rules.carriers import PROFILES
from portal.kits.rules.carriers.profile import Options
from portal.kits.states import ShipmentState
from portal.kits.vault import Vault

SECOND_PARCELS = 4
# What not every program takes: accents that Western Windows does not have, and a street that must be broken.
ODD: Mapping[str, Mapping[str, str]] = {
    "VN": {"city": "Đà Nẵng"}, "PL": {"city": "Łódź", "postal_code": "90-001"}, "CZ": {"city": "Třebíč"},
    "JP": {"city": "東京", "latin_city": "Tōkyō"},
}  # fmt: skip
LONG = "Building C, Laboratory 214, 117 Observatory Way"


def wait_for_labels(world: World, stage: Stage, vault: Vault) -> None:
    """Some whose only parcel has arrived get a second one; these are packed, and one file has been made for them."""
    others = sa.select(Shipment.participant_id).where(Shipment.state != ShipmentState.RECEIVED)
    arrived = world.session.scalars(
        sa.select(Shipment.participant_id).where(
            Shipment.challenge_id == stage.challenge.id, Shipment.participant_id.not_in(others)
        )
    ).all()
    served = [members for members in reversed(stage.participants) if members[0].participant_id in arrived]
    odd = [members for members in served if members[0].country in ODD]
    ready = [*odd[:2], *(members for members in served if members not in odd[:2])]
    packed = world.now - timedelta(hours=20)
    chosen = frozenset(
        _pack(world, members[0], number, packed, vault) for number, members in enumerate(ready[:SECOND_PARCELS])
    )
    order = carriers.Order(PROFILES["generic"], Options(), chosen, "labels of this week")
    by = world.staff["logistics"]
    at = world.now - timedelta(hours=2)
    carriers.export_for_carrier(world.session, stage.challenge, order, vault=vault, by=by, at=at)


def _pack(world: World, member: Member, number: int, at: datetime, vault: Vault) -> int:
    """A second parcel, packed; its number."""
    session, by = world.session, world.staff["logistics"]
    known = addresses.own_address(session, member, vault)
    assert known is not None
    address = replace(known, **ODD.get(member.country, {}))
    if number % 2:
        address = replace(address, street=LONG)
    addresses.give_address(session, member, address, doubtful=False, vault=vault, at=at)
    [shipment] = shipments.plan(session, member.participant.challenge, [member.participant], by=by, at=at)
    unit = free_unit(world, shipment.challenge_id)
    shipments.assign_unit(session, shipment, unit, by=by, at=at)
    parcel = Parcel(world, member, shipment, at, world.now)
    parcel.advance(states.READY)
    parcel.advance(states.PACK)
    return shipment.id
