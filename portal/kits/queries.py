"""Finding kits: a participant's own parcels, and a challenge's stock and pipeline."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload, undefer

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.states import MemberRole, ParticipantState
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.core.todo import Queue, Task
from portal.kits import rules, states
from portal.kits.models import DeliveryAddress, KitModel, Shipment, ShipmentEvent, ShipmentUnit, Unit
from portal.kits.states import ShipmentState, UnitState, Word

_IN_THE_BOX = selectinload(Shipment.places).joinedload(ShipmentUnit.unit).joinedload(Unit.model)
_COMPLAINED = sa.and_(Shipment.word.is_not(None), Shipment.word != Word.RECEIVED, Shipment.settled_at.is_(None))


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of the pipeline: how many parcels are in it, and since when the oldest is."""

    state: ShipmentState
    count: int
    oldest: datetime | None


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


def _one(session: Session, *where: sa.ColumnElement[bool]) -> Shipment:
    found = session.scalars(
        sa.select(Shipment)
        .options(
            _IN_THE_BOX, selectinload(Shipment.events), joinedload(Shipment.participant),
            joinedload(Shipment.challenge), joinedload(Shipment.replaces),
        )
        .where(*where)
        .execution_options(populate_existing=True)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("parcel")
    return found


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
        return rows.where(_COMPLAINED)
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
        sa.select(sa.func.count()).select_from(Shipment).where(Shipment.challenge_id == challenge_id, _COMPLAINED)
    ).one()


def countries_of(session: Session, participant_ids: Collection[int]) -> dict[int, str]:
    """The country of each participant: of the address where there is one, else of the person who leads."""
    rows = session.execute(
        sa.select(Member.participant_id, sa.func.coalesce(DeliveryAddress.country, Member.country))
        .outerjoin(DeliveryAddress, DeliveryAddress.participant_id == Member.participant_id)
        .where(Member.participant_id.in_(participant_ids), Member.role == MemberRole.LEAD)
    )
    return {participant_id: country for participant_id, country in rows}  # noqa: C416 - a row is no pair to dict()


def unplanned(session: Session, challenge_id: int) -> Sequence[Participant]:
    """Active participants for whom no parcel is planned, under way or arrived."""
    served = sa.select(Shipment.participant_id).where(
        Shipment.challenge_id == challenge_id,
        Shipment.state.not_in([ShipmentState.CANCELLED, ShipmentState.LOST, ShipmentState.RETURNED]),
    )
    return session.scalars(
        sa.select(Participant)
        .where(
            Participant.challenge_id == challenge_id,
            Participant.state == ParticipantState.ACTIVE,
            Participant.id.not_in(served),
        )
        .order_by(Participant.id)
    ).all()


def contact(session: Session, participant_id: int) -> Account | None:
    """Whom mails about parcels go to: the member who leads, else the first who is active."""
    return session.scalars(
        sa.select(Account)
        .join(Member, Member.account_id == Account.id)
        .where(Member.participant_id == participant_id, Account.active)
        .order_by(Member.role != MemberRole.LEAD, Member.id)
        .limit(1)
    ).one_or_none()


def address_of(session: Session, participant_id: int, *, sealed: bool = False) -> DeliveryAddress | None:
    """The participant's address, still sealed; without the sealed part unless asked for."""
    rows = sa.select(DeliveryAddress).where(DeliveryAddress.participant_id == participant_id)
    return session.scalars(rows.options(undefer(DeliveryAddress.sealed)) if sealed else rows).one_or_none()


def addresses_over(session: Session, before: datetime) -> Sequence[int]:
    """Participants whose last parcel arrived before `before` and for whom nothing is under way."""
    arrived = sa.func.coalesce(Shipment.received_at, Shipment.delivered_at)
    # What was delivered has arrived, whether or not the participant has said so.
    pending = [state for state in states.OPEN if state is not ShipmentState.DELIVERED]
    under_way = sa.select(Shipment.participant_id).where(Shipment.state.in_(pending))
    last = (
        sa.select(Shipment.participant_id)
        .where(arrived.is_not(None))
        .group_by(Shipment.participant_id)
        .having(sa.func.max(arrived) <= before)
    )
    return session.scalars(
        sa.select(DeliveryAddress.participant_id).where(
            DeliveryAddress.purged_at.is_(None),
            DeliveryAddress.participant_id.in_(last),
            DeliveryAddress.participant_id.not_in(under_way),
        )
    ).all()


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a participant should do about their kit."""
    slug = member.participant.challenge.slug
    rows = session.execute(
        sa.select(Shipment.state, Shipment.state_since)
        .where(
            Shipment.participant_id == member.participant_id,
            Shipment.state.in_([ShipmentState.ADDRESS_REQUESTED, ShipmentState.DELIVERED]),
            Shipment.word.is_(None),
        )
        .order_by(Shipment.state_since)
    )
    found = []
    for state, since in rows:
        url = f"/challenges/{slug}/kit"
        if state is ShipmentState.ADDRESS_REQUESTED:
            found.append(Task("Tell us where to send your kit", url, since + rules.ADDRESS_WITHIN))
        else:
            found.append(Task("Say whether your kit has arrived", url, None, "The carrier says that it is delivered."))
    return found


def queues(session: Session, challenge: Challenge, roles: Collection[Role], at: datetime) -> list[Queue]:
    """What waits for logistics."""
    if Role.LOGISTICS not in roles:
        return []
    stages = {stage.state: stage for stage in pipeline(session, challenge.id)}
    url = f"/staff/{challenge.slug}/shipments"
    kinds = (
        ("Parcels to prepare", ShipmentState.ADDRESS_CONFIRMED),
        ("Parcels to pack", ShipmentState.READY),
        ("Parcels to label", ShipmentState.PACKED),
        ("Parcels to hand over", ShipmentState.LABELLED),
    )
    found = [Queue(label, f"{url}?state={state}", stages[state].count, stages[state].oldest) for label, state in kinds]
    planless = unplanned(session, challenge.id)
    oldest = min((participant.accepted_at for participant in planless), default=None)
    return [
        Queue("Participants without a parcel", url, len(planless), oldest), *found,
        _queue(session, challenge, "Parcels with a trouble", f"{url}?state=trouble", _COMPLAINED, Shipment.word_at),
        _queue(
            session, challenge, "Parcels without news for a week", f"{url}?state=in_transit",
            sa.and_(Shipment.state.in_(states.ON_THE_WAY), Shipment.tracked_at < at - rules.SILENT_AFTER),
            Shipment.tracked_at,
        ),
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
