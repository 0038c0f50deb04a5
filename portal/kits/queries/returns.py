"""What is to come back, what has, and what people ask for instead."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload, undefer

from portal.challenges.models import Challenge, Member
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.core.todo import Queue, Task
from portal.kits.models import KitReplacement, KitReturn, Shipment, Unit, UnitReturn
from portal.kits.rules.returns import day_of, end_of
from portal.kits.states import ShipmentState, UnitState
from portal.kits.states.returns import EXPECTED, ReplacementState, ReturnState

_WHOLE = (
    selectinload(KitReturn.units).joinedload(UnitReturn.unit).joinedload(Unit.model),
    joinedload(KitReturn.shipment).joinedload(Shipment.participant),
    joinedload(KitReturn.shipment).joinedload(Shipment.challenge),
)  # fmt: skip


def expected_of(session: Session, shipment_id: int) -> KitReturn | None:
    """The return of a parcel that is still to come, if any."""
    rows = sa.select(KitReturn).where(KitReturn.shipment_id == shipment_id, KitReturn.state.in_(EXPECTED))
    return session.scalars(rows).one_or_none()


def returns_of(session: Session, shipment_ids: Sequence[int]) -> Sequence[KitReturn]:
    """Every return of these parcels, the newest first."""
    rows = sa.select(KitReturn).options(selectinload(KitReturn.units)).where(KitReturn.shipment_id.in_(shipment_ids))
    return session.scalars(rows.order_by(KitReturn.id.desc())).all()


def with_label(session: Session, shipment_ids: Sequence[int]) -> set[int]:
    """Which returns of these parcels have a label."""
    rows = sa.select(KitReturn.id).where(KitReturn.shipment_id.in_(shipment_ids), KitReturn.label.is_not(None))
    return set(session.scalars(rows))


def _one(session: Session, *where: sa.ColumnElement[bool], label: bool = False) -> KitReturn:
    rows = sa.select(KitReturn).join(Shipment, Shipment.id == KitReturn.shipment_id).options(*_WHOLE).where(*where)
    rows = rows.options(undefer(KitReturn.label)) if label else rows
    found = session.scalars(rows.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound("return")
    return found


def one(session: Session, challenge_id: int, return_id: int) -> KitReturn:
    """One return, for logistics. Raises NotFound."""
    return _one(session, KitReturn.challenge_id == challenge_id, KitReturn.id == return_id)


def own(session: Session, participant_id: int, return_id: int, *, label: bool = False) -> KitReturn:
    """One of the participant's returns; with its sealed label where that is asked for. Raises NotFound."""
    return _one(session, Shipment.participant_id == participant_id, KitReturn.id == return_id, label=label)


def _late(today: date) -> sa.ColumnElement[bool]:
    return sa.and_(KitReturn.state == ReturnState.ANNOUNCED, KitReturn.expected_on < today)


# The carrier says that they are here, and nobody of us has said so.
_BROUGHT = sa.and_(KitReturn.state == ReturnState.ANNOUNCED, KitReturn.delivered_at.is_not(None))


def _unseen(challenge_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Unit.challenge_id == challenge_id, Unit.state == UnitState.RETURNED, UnitReturn.inspected_at.is_(None)
    )  # fmt: skip


def _board(challenge_id: int, state: str, today: date) -> sa.Select[KitReturn]:
    rows = sa.select(KitReturn).where(KitReturn.challenge_id == challenge_id)
    if state == "":
        return rows.where(KitReturn.state.in_([*EXPECTED, ReturnState.ARRIVED]))
    if state == "late":
        return rows.where(_late(today))
    if state == "delivered":
        return rows.where(_BROUGHT)
    if state == "all":
        return rows
    if state not in set(ReturnState):
        raise NotFound("state")
    return rows.where(KitReturn.state == ReturnState(state))


def board(
    session: Session, challenge_id: int, state: str, today: date, after: str | None = None, limit: int = 50
) -> Page[KitReturn]:
    """Returns, those that have been longest where they are first: "" what is to be done, "delivered" what the
    carrier says has arrived, "late", "all", or a state."""
    rows = _board(challenge_id, state, today).options(*_WHOLE)
    order = [(KitReturn.state_since, "asc"), (KitReturn.id, "asc")]
    return keyset(session, rows, order=order, after=after, limit=limit)


def counts(session: Session, challenge_id: int, today: date) -> dict[str, int]:
    """How many returns are in each state, how many are late, and how many the carrier says have arrived."""
    late, here = sa.func.count().filter(_late(today)), sa.func.count().filter(_BROUGHT)
    rows = session.execute(
        sa.select(KitReturn.state, sa.func.count(), late, here)
        .where(KitReturn.challenge_id == challenge_id)
        .group_by(KitReturn.state)
    ).all()
    found = {state.value: number for state, number, *_ in rows}
    marked = {"late": sum(row[2] for row in rows), "delivered": sum(row[3] for row in rows)}
    return {**{state.value: found.get(state.value, 0) for state in ReturnState}, **marked}


def brought(session: Session, challenge_id: int) -> Sequence[KitReturn]:
    """Returns that the carrier says have arrived, and nobody of us does; the longest first."""
    rows = sa.select(KitReturn).options(*_WHOLE).where(KitReturn.challenge_id == challenge_id, _BROUGHT)
    return session.scalars(rows.order_by(KitReturn.delivered_at, KitReturn.id)).all()


def turned_back(session: Session, challenge_id: int) -> Sequence[Shipment]:
    """Parcels on their way back that nobody has asked for: the carrier turned them."""
    asked = sa.select(KitReturn.shipment_id).where(KitReturn.state.in_(EXPECTED))
    return session.scalars(
        sa.select(Shipment)
        .options(joinedload(Shipment.participant))
        .where(
            Shipment.challenge_id == challenge_id,
            Shipment.state == ShipmentState.RETURNING,
            Shipment.id.not_in(asked),
        )
        .order_by(Shipment.state_since, Shipment.id)
    ).all()


def last_time(session: Session, unit_id: int) -> UnitReturn | None:
    """When a unit last came back, and how it looked."""
    rows = sa.select(UnitReturn).where(UnitReturn.unit_id == unit_id)
    return session.scalars(rows.order_by(UnitReturn.id.desc()).limit(1)).one_or_none()


def unseen(session: Session, challenge_id: int) -> Sequence[UnitReturn]:
    """Units that came back and wait to be looked at, the longest first."""
    return session.scalars(
        sa.select(UnitReturn)
        .join(Unit, Unit.id == UnitReturn.unit_id)
        .options(joinedload(UnitReturn.unit).joinedload(Unit.model))
        .where(*_unseen(challenge_id))
        .order_by(UnitReturn.came_back_at, UnitReturn.id)
    ).all()


def wish_of(session: Session, shipment_id: int) -> KitReplacement | None:
    """The open wish for another kit instead of this parcel, if any."""
    return session.scalars(
        sa.select(KitReplacement).where(
            KitReplacement.shipment_id == shipment_id, KitReplacement.state == ReplacementState.ASKED
        )
    ).one_or_none()


def wishes_of(session: Session, shipment_ids: Sequence[int]) -> dict[int, KitReplacement]:
    """The latest wish for each of these parcels."""
    rows = sa.select(KitReplacement).where(KitReplacement.shipment_id.in_(shipment_ids)).order_by(KitReplacement.id)
    return {wish.shipment_id: wish for wish in session.scalars(rows)}


def replaced(session: Session, shipment_ids: Sequence[int]) -> dict[int, Shipment]:
    """The parcels that came instead of these."""
    rows = sa.select(Shipment).where(Shipment.replaces_id.in_(shipment_ids))
    return {made.replaces_id: made for made in session.scalars(rows) if made.replaces_id is not None}


def queues(session: Session, challenge: Challenge, at: datetime) -> list[Queue]:
    """What people ask for, what is to come back, and what nobody has looked at."""
    url, today = f"/staff/{challenge.slug}/shipments", day_of(at, challenge.zone)
    wishes = session.execute(
        sa.select(sa.func.count(), sa.func.min(KitReplacement.asked_at)).where(
            KitReplacement.challenge_id == challenge.id, KitReplacement.state == ReplacementState.ASKED
        )
    ).one()
    asked, late = KitReturn.state == ReturnState.ASKED, _late(today)
    row = session.execute(
        sa.select(
            sa.func.count().filter(asked), sa.func.min(sa.case((asked, KitReturn.asked_at))),
            sa.func.count().filter(late), sa.func.min(sa.case((late, KitReturn.state_since))),
            sa.func.count().filter(_BROUGHT), sa.func.min(sa.case((_BROUGHT, KitReturn.delivered_at))),
        ).where(KitReturn.challenge_id == challenge.id)
    ).one()  # fmt: skip
    waiting = session.execute(
        sa.select(sa.func.count(), sa.func.min(UnitReturn.came_back_at))
        .join(Unit, Unit.id == UnitReturn.unit_id)
        .where(*_unseen(challenge.id))
    ).one()
    return [
        Queue("Replacements asked for", f"{url}?state=all&trouble=replacement", *wishes),
        Queue("Returns to announce", f"{url}/returns?state=asked", row[0], row[1]),
        Queue("Returns that should be here, says the carrier", f"{url}/returns?state=delivered", row[4], row[5]),
        Queue("Returns that are late", f"{url}/returns?state=late", row[2], row[3]),
        Queue("Units to inspect", f"{url}/returns#inspect", *waiting),
    ]


def accounts_of(session: Session, shipment: Shipment) -> set[int]:
    """Who acts for the participant of a parcel."""
    rows = sa.select(Member.account_id).where(Member.participant_id == shipment.participant_id)
    return set(session.scalars(rows))


def tasks(session: Session, member: Member, url: str) -> list[Task]:
    """What a participant should send back, by the end of its day in the challenge's zone."""
    rows = session.execute(
        sa.select(KitReturn.id, KitReturn.expected_on)
        .join(Shipment, Shipment.id == KitReturn.shipment_id)
        .where(
            Shipment.participant_id == member.participant_id,
            KitReturn.state == ReturnState.ANNOUNCED,
            KitReturn.sent_at.is_(None),
        )
        .order_by(KitReturn.expected_on, KitReturn.id)
    )
    zone = member.participant.challenge.zone
    return [
        Task("Send your kit back", f"{url}#return-{number}", end_of(day, zone), "It is to be with us by then.")
        for number, day in rows
        if day is not None
    ]
