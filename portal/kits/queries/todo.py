"""What there is to do about kits, for participants and for logistics."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.kits import rules
from portal.kits.models import Shipment
from portal.kits.queries import late, returns
from portal.kits.queries.people import COMPLAINED, unplanned
from portal.kits.queries.shipments import pipeline
from portal.kits.queries.tracking import count_unknown
from portal.kits.rules.returns import day_of
from portal.kits.states import ShipmentState

S = ShipmentState


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a participant should do about their kit."""
    slug = member.participant.challenge.slug
    rows = session.execute(
        sa.select(Shipment.state, sa.func.coalesce(Shipment.delivered_at, Shipment.state_since))
        .where(
            Shipment.participant_id == member.participant_id,
            Shipment.state.in_([S.ADDRESS_REQUESTED, S.AVAILABLE_FOR_PICKUP, S.DELIVERED]),
            Shipment.word.is_(None),
        )
        .order_by(Shipment.state_since)
    )
    url = f"/challenges/{slug}/kit"
    zone = member.participant.challenge.zone
    found = [
        _task(state, f"{day_of(since, zone):%-d %B %Y}", url, since + rules.ADDRESS_WITHIN) for state, since in rows
    ]
    return [*found, *returns.tasks(session, member, url)]


def _task(state: ShipmentState, day: str, url: str, due: datetime) -> Task:
    if state is S.ADDRESS_REQUESTED:
        return Task("Tell us where to send your kit", url, due)
    if state is S.AVAILABLE_FOR_PICKUP:
        why = f"It waits for you since {day}. Most carriers keep a parcel for some days only."
        return Task("Fetch your kit from the carrier", url, None, why)
    return Task("Say whether your kit has arrived", url, None, f"The carrier says that it was delivered on {day}.")


def queues(session: Session, challenge: Challenge, roles: Collection[Role], at: datetime) -> list[Queue]:
    """What waits for logistics."""
    if Role.LOGISTICS not in roles:
        return []
    stages = {stage.state: stage for stage in pipeline(session, challenge.id)}
    url = f"/staff/{challenge.slug}/shipments"
    kinds = (
        ("Parcels to prepare", url, ShipmentState.ADDRESS_CONFIRMED),
        ("Parcels to pack", f"{url}/bench", ShipmentState.READY),
        ("Parcels to label", url, ShipmentState.PACKED),
        ("Parcels to hand over", url, ShipmentState.LABELLED),
    )
    found = [
        Queue(label, f"{page}?state={state}", stages[state].count, stages[state].oldest) for label, page, state in kinds
    ]
    planless = unplanned(session, challenge.id)
    oldest = min((participant.accepted_at for participant in planless), default=None)
    return [
        Queue("Participants without a parcel", url, len(planless), oldest), *found,
        _queue(session, challenge, "Parcels with a trouble", f"{url}?state=trouble", COMPLAINED, Shipment.word_at),
        *returns.queues(session, challenge, at), *late.queues(session, challenge, at),
        Queue("Tracking numbers nobody has", f"{url}/tracking", *count_unknown(session)),
    ]  # fmt: skip


def _queue(
    session: Session, challenge: Challenge, label: str, url: str, where: sa.ColumnElement[bool],
    age: sa.orm.InstrumentedAttribute[datetime | None],
) -> Queue:  # fmt: skip
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(age)).select_from(Shipment).where(
            Shipment.challenge_id == challenge.id, where
        )
    ).one()  # fmt: skip
    return Queue(label, url, count, oldest)
