"""What a challenge's parcels tell together: each figure is counted from the rows, and no row names anybody."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Participant
from portal.kits.models import KitReplacement, KitReturn, Shipment, ShipmentEvent, Unit, UnitReturn
from portal.kits.queries.board import country_of
from portal.kits.rules.numbers import Way
from portal.kits.states import ShipmentState, Word
from portal.kits.states.returns import Condition, ReplacementState, ReturnState

_known = (
    sa.select(sa.func.min(ShipmentEvent.occurred_at))
    .where(ShipmentEvent.shipment_id == Shipment.id, ShipmentEvent.status == ShipmentState.ADDRESS_CONFIRMED)
    .correlate(Shipment)
    .scalar_subquery()
)


class Trouble(NamedTuple):
    """How often participants told of something, and how often it is open still."""

    word: Word
    told: int
    open: int


class Back(NamedTuple):
    """Units that came back in one condition, and how many of them were wiped."""

    condition: Condition | None
    units: int
    wiped: int


def ways(session: Session, challenge_id: int) -> list[Way]:
    """Every parcel's way, without anybody's name."""
    rows = session.execute(
        sa.select(
            Shipment.state, country_of, Shipment.carrier, sa.case((Shipment.number == 1, Participant.accepted_at)),
            _known, Shipment.handed_over_at, Shipment.delivered_at, Shipment.received_at,
        )
        .join(Participant, Participant.id == Shipment.participant_id)
        .where(Shipment.challenge_id == challenge_id)
        .order_by(Shipment.id)
    )  # fmt: skip
    return [Way(*row) for row in rows]


def troubles(session: Session, challenge_id: int) -> list[Trouble]:
    """What participants said that went wrong."""
    rows = session.execute(
        sa.select(Shipment.word, sa.func.count(), sa.func.count().filter(Shipment.settled_at.is_(None)))
        .where(Shipment.challenge_id == challenge_id, Shipment.word.is_not(None), Shipment.word != Word.RECEIVED)
        .group_by(Shipment.word)
        .order_by(Shipment.word)
    )
    return [Trouble(word, told, unsettled) for word, told, unsettled in rows if word is not None]


def replacements(session: Session, challenge_id: int) -> dict[ReplacementState, int]:
    """How many replacements were asked for, and what became of it."""
    rows = session.execute(
        sa.select(KitReplacement.state, sa.func.count())
        .where(KitReplacement.challenge_id == challenge_id)
        .group_by(KitReplacement.state)
    )
    found = {state: number for state, number in rows}  # noqa: C416 - a row is no pair to dict()
    return {state: found.get(state, 0) for state in ReplacementState}


def returns(session: Session, challenge_id: int) -> dict[ReturnState, int]:
    """How many returns are where."""
    rows = session.execute(
        sa.select(KitReturn.state, sa.func.count())
        .where(KitReturn.challenge_id == challenge_id)
        .group_by(KitReturn.state)
    )
    found = {state: number for state, number in rows}  # noqa: C416 - a row is no pair to dict()
    return {state: found.get(state, 0) for state in ReturnState}


def came_back(session: Session, challenge_id: int) -> list[Back]:
    """In what condition units came back; None for those that nobody has looked at."""
    rows = session.execute(
        sa.select(UnitReturn.condition, sa.func.count(), sa.func.count().filter(UnitReturn.wiped.is_(True)))
        .join(Unit, Unit.id == UnitReturn.unit_id)
        .where(Unit.challenge_id == challenge_id)
        .group_by(UnitReturn.condition)
    )
    return sorted((Back(*row) for row in rows), key=lambda back: back.condition or "")
