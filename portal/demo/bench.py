"""The bench of the demonstration: who sends, and a day's parcels, one of them open before somebody."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.demo.world import Stage, World
from portal.kits import queries, states
from portal.kits.actions import packing, papers, shipments, stock
from portal.kits.actions.packing import Typed
from portal.kits.models import Shipment, ShipmentUnit
from portal.kits.states import ShipmentState

SENDER = papers.SenderSpec(
    name="Logistics desk", company="Foundry Devices Ltd.", street="7 Foundry Yard\nDock 2", city="Redmond",
    region="WA", postal_code="98052", country="US", phone="+14255550100", tax_id="US-00-0000000",
    export_reason="Development kits for security research, lent, not for resale", packaging_g=240,
)  # fmt: skip
SECOND_BOARDS = ("B-7F2A", "B-7F2B", "B-7F31", "B-7F32", "B-7F3C")


def name_sender(world: World, stage: Stage, at: datetime) -> None:
    """Say who sends."""
    papers.set_sender(world.session, stage.challenge, SENDER, by=world.staff["logistics"], at=at)


def lay_out(world: World, stage: Stage, at: datetime) -> None:
    """Teams that have their first board get a second one: one is packed, one is being packed, the others wait."""
    session, by, challenge = world.session, world.staff["logistics"], stage.challenge
    model = next(each for each in queries.models(session, challenge.id) if each.per_place)
    serials = "\n".join(SECOND_BOARDS)
    units = stock.add_units(session, challenge, model, serials, location="Shelf B", firmware="20.06", by=by, at=at)
    ready = [_ready(world, stage, number, at) for number in _equipped(world, stage, len(units))]
    for parcel, unit in zip(ready[:-1], units, strict=False):
        shipments.assign_unit(session, parcel, unit, by=by, at=at + timedelta(hours=1))
        # As units are that came by reservation: nobody has had them in hand yet.
        session.execute(
            sa.update(ShipmentUnit)
            .where(ShipmentUnit.shipment_id == parcel.id)
            .values(scanned_at=None)
            .execution_options(synchronize_session="fetch")
        )
    codes = (ready[0].reference, SECOND_BOARDS[0], "", ready[1].reference, SECOND_BOARDS[2])
    for number, code in enumerate(codes):
        then = at + timedelta(hours=3, seconds=9 * number)
        packing.scan(session, challenge, Typed(code, f"demonstration-{number}"), "", by=by, at=then)


def _equipped(world: World, stage: Stage, count: int) -> list[int]:
    """Participants who have their first kit."""
    received = Shipment.state == ShipmentState.RECEIVED
    rows = sa.select(Shipment.participant_id).where(Shipment.challenge_id == stage.challenge.id, received)
    return list(world.session.scalars(rows.order_by(Shipment.participant_id).limit(count)))


def _ready(world: World, stage: Stage, participant_id: int, at: datetime) -> Shipment:
    """Another parcel to a participant, ready to be packed."""
    by = world.staff["logistics"]
    [person] = [each[0].participant for each in stage.participants if each[0].participant_id == participant_id]
    [planned] = shipments.plan(world.session, stage.challenge, [person], by=by, at=at)
    parcel = queries.shipment(world.session, stage.challenge.id, planned.id)
    shipments.advance(world.session, parcel, states.READY, shipments.Given(), by=by, at=at + timedelta(minutes=20))
    return parcel
