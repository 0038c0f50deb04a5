"""Finding parcels: a participant's own, and a challenge's pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.accounts.models import Account
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.kits import states
from portal.kits.models import Shipment, ShipmentEvent, ShipmentUnit, Unit
from portal.kits.queries.people import COMPLAINED
from portal.kits.states import ShipmentState

_IN_THE_BOX = selectinload(Shipment.places).joinedload(ShipmentUnit.unit).joinedload(Unit.model)


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of the pipeline: how many parcels are in it, and since when the oldest is."""

    state: ShipmentState
    count: int
    oldest: datetime | None


def parcels_of(session: Session, participant_id: int) -> Sequence[Shipment]:
    """A participant's parcels with what is in them and their stories, the newest first."""
    return session.scalars(
        sa.select(Shipment)
        .options(_IN_THE_BOX, selectinload(Shipment.events))
        .where(Shipment.participant_id == participant_id)
        .order_by(Shipment.number.desc())
    ).all()


def own_parcel(session: Session, participant_id: int, shipment_id: int) -> Shipment:
    """One of the participant's parcels. Raises NotFound."""
    return _one(session, Shipment.participant_id == participant_id, Shipment.id == shipment_id)


def shipment(session: Session, challenge_id: int, shipment_id: int) -> Shipment:
    """One parcel of a challenge, for logistics. Raises NotFound."""
    return _one(session, Shipment.challenge_id == challenge_id, Shipment.id == shipment_id)


def whole_parcel() -> sa.Select[Shipment]:
    """Parcels as they are now, each with what is in it; their stories are asked for where they are read."""
    return (
        sa.select(Shipment)
        .options(
            _IN_THE_BOX, joinedload(Shipment.participant), joinedload(Shipment.challenge), joinedload(Shipment.replaces)
        )
        .execution_options(populate_existing=True)
    )


def _one(session: Session, *where: sa.ColumnElement[bool]) -> Shipment:
    found = session.scalars(whole_parcel().where(*where)).one_or_none()
    if found is None:
        raise NotFound("parcel")
    return found


def story_of(session: Session, parcel: Shipment) -> Sequence[ShipmentEvent]:
    """What has happened to a parcel, in order."""
    return session.scalars(
        sa.select(ShipmentEvent)
        .where(ShipmentEvent.shipment_id == parcel.id)
        .order_by(ShipmentEvent.occurred_at, ShipmentEvent.id)
    ).all()


def names_of(session: Session, events: Sequence[ShipmentEvent]) -> dict[int, str]:
    """The names of the staff who did what is told, by account."""
    ids = {event.account_id for event in events if event.account_id is not None}
    rows = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {account_id: name for account_id, name in rows}  # noqa: C416 - a row is no pair to dict()


def pipeline(session: Session, challenge_id: int) -> list[Stage]:
    """Every state of a parcel in the order of its way, with count and age."""
    rows = session.execute(
        sa.select(Shipment.state, sa.func.count(), sa.func.min(Shipment.state_since))
        .where(Shipment.challenge_id == challenge_id)
        .group_by(Shipment.state)
    )
    found = {state: (count, oldest) for state, count, oldest in rows}
    return [Stage(state, *found.get(state, (0, None))) for state in ShipmentState]


def _parcels(challenge_id: int, state: str) -> sa.Select[Shipment]:
    rows = sa.select(Shipment).where(Shipment.challenge_id == challenge_id)
    if not state:
        return rows.where(Shipment.state.in_(states.OPEN))
    if state == "trouble":
        return rows.where(COMPLAINED)
    if state == "all":
        return rows
    if state not in list(ShipmentState):
        raise NotFound("state")
    return rows.where(Shipment.state == ShipmentState(state))


def shipments(
    session: Session, challenge_id: int, state: str = "", after: str | None = None, limit: int = 50
) -> Page[Shipment]:
    """Parcels that have been longest where they are first: "" the open ones, "trouble", "all", or one state."""
    rows = _parcels(challenge_id, state).options(joinedload(Shipment.participant), _IN_THE_BOX)
    order = [(Shipment.state_since, "asc"), (Shipment.id, "asc")]
    return keyset(session, rows, order=order, after=after, limit=limit)


def count_troubles(session: Session, challenge_id: int) -> int:
    """How many parcels a participant has complained of, and nobody has dealt with."""
    return session.scalars(
        sa.select(sa.func.count()).select_from(Shipment).where(Shipment.challenge_id == challenge_id, COMPLAINED)
    ).one()
