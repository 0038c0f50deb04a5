"""The bench of the demonstration: who sends, and a parcel that is open before somebody."""

from datetime import datetime

import sqlalchemy as sa

from portal.demo.world import Stage, World
from portal.kits.actions import packing, papers
from portal.kits.actions.packing import Typed
from portal.kits.models import Shipment, ShipmentUnit
from portal.kits.states import ShipmentState

SENDER = papers.SenderSpec(
    name="Logistics desk", company="Northlight Devices Ltd.", street="7 Foundry Yard\nDock 2", city="Redmond",
    region="WA", postal_code="98052", country="US", phone="+14255550100", tax_id="US-00-0000000",
    export_reason="Development kits for security research, lent, not for resale", packaging_g=240,
)  # fmt: skip


def set_up(world: World, stage: Stage, at: datetime) -> None:
    """Say who sends; where parcels are ready at that time, the first one is being packed."""
    by, session = world.staff["logistics"], world.session
    papers.set_sender(session, stage.challenge, SENDER, by=by, at=at)
    ready = session.scalars(
        sa.select(Shipment.id)
        .where(Shipment.challenge_id == stage.challenge.id, Shipment.state == ShipmentState.READY)
        .order_by(Shipment.id)
    ).all()
    if not ready:
        return
    # As units are that came by reservation: nobody has had them in hand yet.
    session.execute(
        sa.update(ShipmentUnit)
        .where(ShipmentUnit.shipment_id.in_(ready), ShipmentUnit.live)
        .values(scanned_at=None)
        .execution_options(synchronize_session="fetch")
    )
    for number, code in enumerate((f"S-{ready[0]}", "RDB-0000")):
        packing.scan(session, stage.challenge, Typed(code, f"demo-{number}"), "", by=by, at=at)
