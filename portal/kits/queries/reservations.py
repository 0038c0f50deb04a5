"""Places and kits as one counter: who is to have a kit, who has one kept, and whether the books agree."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.kits import states
from portal.kits.models import KitModel, Reservation, Shipment, ShipmentUnit, Unit
from portal.kits.queries.people import unplanned
from portal.kits.rules.books import Books, Place, lacks
from portal.kits.states import UnitState
from portal.selection.queries.promised import promised
from portal.selection.supply import holder_of

LIVE = Reservation.ended_at.is_(None)


def lock_contents(session: Session, challenge_id: int) -> None:
    """Keep others from reserving kits of the challenge until the commit. SQLite has but one writer."""
    rows = sa.select(KitModel.id).where(KitModel.challenge_id == challenge_id).order_by(KitModel.id)
    session.execute(rows.with_for_update(key_share=True)).all()


def books(session: Session, challenge_id: int) -> Books:
    """The counter as it stands; a fixed number of statements."""
    contents = dict(
        session.execute(
            sa.select(KitModel.id, KitModel.per_place)
            .where(KitModel.challenge_id == challenge_id, KitModel.per_place > 0)
            .order_by(KitModel.id)
        ).all()
    )
    if not contents:
        return Books({}, {}, [])
    stock = session.execute(
        sa.select(Unit.model_id, sa.func.count())
        .where(Unit.challenge_id == challenge_id, Unit.state == UnitState.IN_STOCK)
        .group_by(Unit.model_id)
    )
    return Books(contents, dict(stock.all()), _lacking(session, challenge_id, contents))


def _lacking(session: Session, challenge_id: int, contents: Mapping[int, int]) -> list[Place]:
    by_holder, by_participant = _kept(session, challenge_id)
    places = [
        Place(holder, None, lacks(contents, by_holder[holder]))
        for holder in map(holder_of, promised(session, challenge_id))
    ]
    for participant in unplanned(session, challenge_id):
        has = by_participant[participant.id]
        places.append(Place(_own(participant.id), participant.id, lacks(contents, has)))
    places += [Place("", participant_id, contents) for participant_id in _empty(session, challenge_id)]
    return [place for place in places if place.lacks]


def _own(participant_id: int) -> str:
    return f"participant:{participant_id}"


def _kept(session: Session, challenge_id: int) -> tuple[dict[str, Counter[int]], dict[int | None, Counter[int]]]:
    """How many units of each model are kept, by holder and by participant."""
    by_holder: dict[str, Counter[int]] = defaultdict(Counter)
    by_participant: dict[int | None, Counter[int]] = defaultdict(Counter)
    rows = session.execute(
        sa.select(Reservation.holder, Reservation.participant_id, Unit.model_id, sa.func.count())
        .join(Reservation.unit)
        .where(Reservation.challenge_id == challenge_id, LIVE)
        .group_by(Reservation.holder, Reservation.participant_id, Unit.model_id)
    )
    for holder, participant_id, model_id, count in rows:
        by_holder[holder][model_id] += count
        by_participant[participant_id][model_id] += count
    return by_holder, by_participant


def _empty(session: Session, challenge_id: int) -> Sequence[int]:
    """The participants of open parcels in which there is nothing yet."""
    filled = sa.select(ShipmentUnit.id).where(ShipmentUnit.shipment_id == Shipment.id, ShipmentUnit.live)
    return session.scalars(
        sa.select(Shipment.participant_id)
        .join(Shipment.participant)
        .where(
            Shipment.challenge_id == challenge_id, Shipment.state.in_(states.BEFORE_LABEL), ~filled.exists(),
            Participant.state == ParticipantState.ACTIVE, Participant.needs_kit,
        )
    ).all()  # fmt: skip


def held_by(session: Session, challenge_id: int, holders: Collection[str]) -> dict[str, Counter[int]]:
    """What is kept for these holders, by model."""
    by_holder, _ = _kept(session, challenge_id)
    return {holder: by_holder[holder] for holder in holders}


class Held(NamedTuple):
    """A unit that is kept for a place. `gone` says that nobody is promised it any more."""

    reservation: Reservation
    gone: bool


def reservations(session: Session, challenge_id: int, after: str | None = None) -> Page[Held]:
    """The units that are kept, those that have been kept longest first; three statements."""
    page = keyset(
        session, _live(challenge_id), order=((Reservation.since, "asc"), (Reservation.id, "asc")), after=after
    )
    return Page(_judged(session, challenge_id, page.rows), page.next)


def reservation(session: Session, challenge_id: int, reservation_id: int) -> Held:
    """One unit that is kept. Raises NotFound."""
    found = session.scalars(_live(challenge_id).where(Reservation.id == reservation_id)).all()
    if not found:
        raise NotFound("reservation")
    return _judged(session, challenge_id, found)[0]


def _live(challenge_id: int) -> sa.Select[Reservation]:
    whole = joinedload(Reservation.unit).joinedload(Unit.model), joinedload(Reservation.participant)
    return sa.select(Reservation).options(*whole).where(Reservation.challenge_id == challenge_id, LIVE)


def _judged(session: Session, challenge_id: int, rows: Sequence[Reservation]) -> list[Held]:
    offered = {holder_of(number) for number in promised(session, challenge_id)}

    def is_gone(row: Reservation) -> bool:
        who = row.participant
        if who is None:
            return row.holder not in offered
        return who.state is not ParticipantState.ACTIVE or not who.needs_kit

    return [Held(row, is_gone(row)) for row in rows]


def reservation_of(session: Session, unit: Unit) -> Reservation | None:
    """What keeps a unit, if anything does."""
    return session.scalars(
        sa.select(Reservation).options(joinedload(Reservation.participant)).where(Reservation.unit_id == unit.id, LIVE)
    ).one_or_none()


def kept_for(session: Session, participant_id: int) -> list[tuple[str, datetime]]:
    """Serial numbers of the units that are kept for a participant, and since when."""
    rows = session.execute(
        sa.select(Unit.serial, Reservation.since)
        .join(Reservation.unit)
        .where(Reservation.participant_id == participant_id, LIVE)
        .order_by(Unit.serial)
    )
    return [(serial, since) for serial, since in rows]


class Count(NamedTuple):
    """Units that are reserved: all, those kept for places, those in parcels, and those that do not add up."""

    reserved: int
    kept: int
    packed: int
    wrong: Sequence[str]


def count(session: Session, challenge_id: int) -> Count:
    """Whether every reserved unit is kept for exactly one place or in exactly one parcel, and no other unit is."""
    kept = sa.select(Reservation.id).where(Reservation.unit_id == Unit.id, LIVE).exists()
    boxed = sa.select(ShipmentUnit.id).where(ShipmentUnit.unit_id == Unit.id, ShipmentUnit.live).exists()
    rows = session.execute(
        sa.select(Unit.serial, Unit.state, kept, boxed)
        .where(Unit.challenge_id == challenge_id, sa.or_(Unit.state == UnitState.RESERVED, kept))
        .order_by(Unit.serial)
    ).all()
    reserved = [row for row in rows if row[1] is UnitState.RESERVED]
    return Count(
        len(reserved), sum(is_kept for *_, is_kept, _ in rows), sum(is_boxed for *_, is_boxed in reserved),
        [serial for serial, state, is_kept, is_boxed in rows
         if state is not UnitState.RESERVED or is_kept == is_boxed],
    )  # fmt: skip
