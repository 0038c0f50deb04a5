"""The board of parcels: which there are, in what order, and how many are where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.challenges.models import Member, Participant
from portal.challenges.states import MemberRole
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.kits import states
from portal.kits.models import DeliveryAddress, KitReplacement, Shipment, ShipmentUnit, Unit
from portal.kits.queries.late import any_late, is_late
from portal.kits.queries.people import COMPLAINED
from portal.kits.rules.late import Late
from portal.kits.states import ShipmentState, Word
from portal.kits.states.returns import ReplacementState

PAGE = 50
_NUMBER = re.compile(r"[sS]-?([0-9]{1,9})")
_IN_THE_BOX = selectinload(Shipment.places).joinedload(ShipmentUnit.unit).joinedload(Unit.model)

_lead = (
    sa.select(Member.country)
    .where(Member.participant_id == Shipment.participant_id, Member.role == MemberRole.LEAD)
    .correlate(Shipment)
    .limit(1)
    .scalar_subquery()
)
_given = (
    sa.select(DeliveryAddress.country)
    .where(DeliveryAddress.participant_id == Shipment.participant_id)
    .correlate(Shipment)
    .scalar_subquery()
)
# Where a parcel goes: the country of the address where there is one, else of the person who leads.
country_of = sa.func.coalesce(_given, _lead)
ASKED_AGAIN = (
    sa.select(KitReplacement.id)
    .where(KitReplacement.shipment_id == Shipment.id, KitReplacement.state == ReplacementState.ASKED)
    .correlate(Shipment)
    .exists()
)


class Board(NamedTuple):
    """Which parcels are shown. Empty words mean all, an empty `state` the open ones."""

    state: str = ""
    trouble: str = ""
    late: str = ""
    country: str = ""
    carrier: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of the pipeline: how many parcels are in it, since when the oldest is, how many are late."""

    state: ShipmentState
    count: int
    oldest: datetime | None
    late: int


def stages(session: Session, challenge_id: int, at: datetime) -> list[Stage]:
    """Every state in the order of the way."""
    rows = session.execute(
        sa.select(
            Shipment.state, sa.func.count(), sa.func.min(Shipment.state_since), sa.func.count().filter(any_late(at))
        )
        .where(Shipment.challenge_id == challenge_id)
        .group_by(Shipment.state)
    )
    found = {state: (count, oldest, late) for state, count, oldest, late in rows}
    return [Stage(state, *found.get(state, (0, None, 0))) for state in ShipmentState]


def _in_state(state: str) -> list[sa.ColumnElement[bool]]:
    if state == "":
        return [Shipment.state.in_(states.OPEN)]
    if state == "all":
        return []
    if state == "trouble":
        return [COMPLAINED]
    if state not in set(ShipmentState):
        raise NotFound("state")
    return [Shipment.state == ShipmentState(state)]


def _in_trouble(trouble: str) -> list[sa.ColumnElement[bool]]:
    if trouble == "":
        return []
    if trouble == "replacement":
        return [ASKED_AGAIN]
    if trouble == "any":
        return [COMPLAINED]
    if trouble not in set(Word) - {Word.RECEIVED}:
        raise NotFound("trouble")
    return [COMPLAINED, Shipment.word == Word(trouble)]


def _being_late(late: str, at: datetime) -> list[sa.ColumnElement[bool]]:
    if late == "":
        return []
    if late == "any":
        return [any_late(at)]
    if late not in set(Late):
        raise NotFound("rule")
    return [is_late(Late(late), at)]


def _saying(text: str) -> list[sa.ColumnElement[bool]]:
    """A participant, a reference, a serial number or a tracking number."""
    if not text:
        return []
    named = sa.select(Participant.id).where(Participant.name.icontains(text, autoescape=True))
    holding = (
        sa.select(ShipmentUnit.shipment_id)
        .join(Unit, Unit.id == ShipmentUnit.unit_id)
        .where(Unit.serial.istartswith(text, autoescape=True))
    )
    known = [
        Shipment.participant_id.in_(named), Shipment.id.in_(holding),
        Shipment.tracking_number.istartswith(text, autoescape=True),
    ]  # fmt: skip
    number = _NUMBER.fullmatch(text)
    return [sa.or_(*known, Shipment.id == int(number[1]) if number else sa.false())]


def matching(challenge_id: int, shown: Board, at: datetime) -> list[sa.ColumnElement[bool]]:
    """The conditions that a board stands for. Raises NotFound for words that are none."""
    found = [Shipment.challenge_id == challenge_id, *_in_state(shown.state), *_in_trouble(shown.trouble)]
    found += [*_being_late(shown.late, at), *_saying(shown.text)]
    if shown.country:
        found.append(country_of == shown.country)
    if shown.carrier:
        found.append(Shipment.carrier == shown.carrier)
    return found


def parcels(
    session: Session, challenge_id: int, shown: Board, at: datetime, after: str | None = None, limit: int = PAGE
) -> Page[Shipment]:
    """Those that have been longest where they are first."""
    rows = (
        sa.select(Shipment)
        .options(joinedload(Shipment.participant), _IN_THE_BOX)
        .where(*matching(challenge_id, shown, at))
    )
    order = [(Shipment.state_since, "asc"), (Shipment.id, "asc")]
    return keyset(session, rows, order=order, after=after, limit=limit)


def count(session: Session, challenge_id: int, shown: Board, at: datetime) -> int:
    """How many a board shows."""
    return session.scalars(sa.select(sa.func.count(Shipment.id)).where(*matching(challenge_id, shown, at))).one()


def numbers(session: Session, challenge_id: int, shown: Board, at: datetime) -> Sequence[int]:
    """All that a board shows, by their ids."""
    return session.scalars(sa.select(Shipment.id).where(*matching(challenge_id, shown, at)).order_by(Shipment.id)).all()


def whole(session: Session, challenge_id: int, ids: Sequence[int]) -> Sequence[Shipment]:
    """These parcels of the challenge with what is in them, in the order of their ids; unknown ones are left out."""
    return session.scalars(
        sa.select(Shipment)
        .options(_IN_THE_BOX, joinedload(Shipment.challenge), joinedload(Shipment.participant))
        .where(Shipment.challenge_id == challenge_id, Shipment.id.in_(ids))
        .order_by(Shipment.id)
        .execution_options(populate_existing=True)
    ).all()


def choices(session: Session, challenge_id: int) -> tuple[Sequence[str], Sequence[str]]:
    """The countries and the carriers of a challenge's parcels."""
    rows = (
        sa.select(country_of.label("country"), Shipment.carrier).where(Shipment.challenge_id == challenge_id).distinct()
    )
    found = session.execute(rows).all()
    countries = sorted({country for country, _ in found if country})
    return countries, sorted({carrier for _, carrier in found if carrier})


def asking_again(session: Session, parcels: Sequence[Shipment]) -> set[int]:
    """Which of these parcels somebody wants replaced."""
    rows = sa.select(KitReplacement.shipment_id).where(
        KitReplacement.shipment_id.in_([parcel.id for parcel in parcels]),
        KitReplacement.state == ReplacementState.ASKED,
    )
    return set(session.scalars(rows))
