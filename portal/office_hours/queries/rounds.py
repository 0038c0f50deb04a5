"""Finding demand rounds: those that are due, those on show, and what was asked for in them."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload, undefer

from portal.challenges.models import Member, Participant
from portal.challenges.states import ParticipantState
from portal.office_hours.models import Booking, Round, RoundRequest, RoundWish, Seat, Series, Sitting, Slot, SlotHost
from portal.office_hours.queries.base import one
from portal.office_hours.rules import rounds as rules
from portal.office_hours.states import COUNTED, SEATED, RequestState, RoundState, SittingState, SlotState

# So long a drawn round is still shown where one asks and books.
AFTERWARDS = timedelta(days=7)
_LIVE = Round.state != RoundState.CANCELLED


class Wanted(NamedTuple):
    """How much a slot of a round is asked for: by how many at all, and by how many before any other."""

    slot: Slot
    seats: int
    asked: int
    first: int


class Standing(NamedTuple):
    """A round as staff see it in a list."""

    round: Round
    counts: Counter[RequestState]


def round_in(session: Session, sitting_id: int) -> Round | None:
    """The round of a session, unless it was cancelled."""
    return session.scalars(
        sa.select(Round).where(Round.sitting_id == sitting_id, _LIVE).execution_options(populate_existing=True)
    ).one_or_none()


def why_not_yet(session: Session, slot: Slot, at: datetime) -> str | None:
    """Why nobody can book the slot for themselves yet, if its seats are drawn first."""
    sitting = slot.sitting
    return rules.why_not_yet(round_in(session, sitting.id), sitting.series, sitting, at)


def sittings_to_draw(session: Session, challenge_id: int, at: datetime) -> set[int]:
    """The coming sessions whose seats are drawn first, and are not drawn yet."""
    rows = session.execute(
        sa.select(Sitting, Round)
        .join(Sitting.series)
        .outerjoin(Round, sa.and_(Round.sitting_id == Sitting.id, _LIVE))
        .options(contains_eager(Sitting.series))
        .where(
            Series.challenge_id == challenge_id, Sitting.starts_at > at,
            sa.or_(Series.round_hours.is_not(None), Round.id.is_not(None)),
        )
    )  # fmt: skip
    return {sitting.id for sitting, found in rows if rules.why_not_yet(found, sitting.series, sitting, at)}


def sittings_without(session: Session, at: datetime) -> list[Sitting]:
    """The sessions of all challenges that need a round and have none, the next one first."""
    rows = session.scalars(
        sa.select(Sitting)
        .join(Sitting.series)
        .outerjoin(Round, sa.and_(Round.sitting_id == Sitting.id, _LIVE))
        .options(contains_eager(Sitting.series).joinedload(Series.challenge))
        .where(
            Series.round_hours.is_not(None), Sitting.state == SittingState.PLANNED, Sitting.starts_at > at,
            Round.id.is_(None),
        )
        .order_by(Sitting.starts_at, Sitting.id)
    )  # fmt: skip
    return [sitting for sitting in rows if rules.is_due(sitting.series, sitting, at)]


def rounds_due(session: Session, at: datetime) -> Sequence[int]:
    """The rounds whose window is over, the longest due first."""
    return session.scalars(
        sa.select(Round.id)
        .where(Round.state == RoundState.GATHERING, Round.draws_at <= at)
        .order_by(Round.draws_at, Round.id)
    ).all()


def _whole() -> "sa.Select[Round]":
    return (
        sa.select(Round)
        .join(Round.sitting)
        .join(Sitting.series)
        .options(contains_eager(Round.sitting).contains_eager(Sitting.series).joinedload(Series.challenge))
    )


def round_of(session: Session, challenge_id: int, round_id: int) -> Round:
    """One round of a challenge, with its draw if it is drawn, and without its seed. Raises NotFound."""
    own = _whole().where(Round.id == round_id, Series.challenge_id == challenge_id)
    return one(session, own.options(undefer(Round.protocol)), "round")


def rounds_on_show(session: Session, challenge_id: int, participant_id: int, at: datetime) -> Sequence[Round]:
    """The rounds that gather, and the drawn ones of sessions to come in which the participant has asked."""
    asked = sa.select(RoundRequest.round_id).where(
        RoundRequest.participant_id == participant_id, RoundRequest.state != RequestState.WITHDRAWN
    )
    return session.scalars(
        _whole()
        .where(
            Series.challenge_id == challenge_id, Sitting.starts_at > at,
            sa.or_(
                Round.state == RoundState.GATHERING,
                sa.and_(Round.state == RoundState.DRAWN, Round.state_since > at - AFTERWARDS, Round.id.in_(asked)),
            ),
        )
        .order_by(Round.draws_at, Sitting.starts_at, Round.id)
    ).all()  # fmt: skip


def request_in(session: Session, round_id: int, participant_id: int) -> RoundRequest | None:
    """What a participant has asked for in a round, withdrawn or not."""
    return session.scalars(
        sa.select(RoundRequest)
        .options(selectinload(RoundRequest.wishes), joinedload(RoundRequest.account), joinedload(RoundRequest.booking))
        .where(RoundRequest.round_id == round_id, RoundRequest.participant_id == participant_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def requests_of(session: Session, participant_id: int, round_ids: Iterable[int]) -> dict[int, RoundRequest]:
    """What a participant has asked for in rounds; by round."""
    rows = session.scalars(
        sa.select(RoundRequest).where(
            RoundRequest.participant_id == participant_id, RoundRequest.round_id.in_(list(round_ids))
        )
    )
    return {row.round_id: row for row in rows}


def open_requests(session: Session, round_id: int) -> Sequence[RoundRequest]:
    """The requests that take part in a draw, with their wishes."""
    return session.scalars(
        sa.select(RoundRequest)
        .options(selectinload(RoundRequest.wishes), joinedload(RoundRequest.account))
        .where(RoundRequest.round_id == round_id, RoundRequest.state == RequestState.OPEN)
        .order_by(RoundRequest.public_id)
        .execution_options(populate_existing=True)
    ).all()


def slots_in(session: Session, sitting_id: int, besides: Collection[int] = ()) -> Sequence[Slot]:
    """The open slots of a session with their hosts, in time order; `besides` are to be among them, open or not."""
    return session.scalars(
        sa.select(Slot)
        .options(joinedload(Slot.host), selectinload(Slot.seconds).joinedload(SlotHost.account))
        .where(Slot.sitting_id == sitting_id, sa.or_(Slot.state == SlotState.OPEN, Slot.id.in_(besides)))
        .order_by(Slot.starts_at, Slot.id)
    ).all()


def free_seats(session: Session, slot_ids: Collection[int]) -> dict[int, int]:
    """How many seats of each slot nobody has."""
    seats = sa.select(Seat.slot_id, sa.func.count()).where(Seat.slot_id.in_(slot_ids)).group_by(Seat.slot_id)
    taken = (
        sa.select(Booking.slot_id, sa.func.count())
        .where(Booking.slot_id.in_(slot_ids), Booking.state.in_(SEATED))
        .group_by(Booking.slot_id)
    )
    used = dict(session.execute(taken).all())
    return {slot_id: number - used.get(slot_id, 0) for slot_id, number in session.execute(seats)}


def members_of(session: Session, challenge_id: int, requests: Iterable[RoundRequest]) -> dict[int, Member]:
    """Who still takes part among those who asked: their places, by request."""
    requests = list(requests)
    rows = session.scalars(
        sa.select(Member)
        .join(Member.participant)
        .options(contains_eager(Member.participant), joinedload(Member.account))
        .where(
            Member.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE,
            Member.account_id.in_([request.account_id for request in requests]),
        )
    )  # fmt: skip
    places = {(member.participant_id, member.account_id): member for member in rows}
    found = {request.id: places.get((request.participant_id, request.account_id)) for request in requests}
    return {number: member for number, member in found.items() if member is not None}


def counted(session: Session, participant_ids: Collection[int], weeks: Collection[str]) -> Counter[tuple[int, str]]:
    """How many bookings of each participant count in each of the weeks."""
    rows = session.execute(
        sa.select(Booking.participant_id, Booking.quota_period, sa.func.count(Booking.quota_no))
        .where(Booking.participant_id.in_(participant_ids), Booking.quota_period.in_(weeks), Booking.state.in_(COUNTED))
        .group_by(Booking.participant_id, Booking.quota_period)
    )
    return Counter({(who, week): number for who, week, number in rows})


def rounds_of(session: Session, challenge_id: int, at: datetime) -> list[Standing]:
    """The rounds of a challenge as staff see them: those that gather first, then the newest."""
    rounds = session.scalars(
        _whole()
        .where(Series.challenge_id == challenge_id, Round.opened_at <= at)
        .order_by(Round.state != RoundState.GATHERING, Sitting.starts_at.desc(), Round.id)
        .limit(200)
    ).all()
    counts: dict[int, Counter[RequestState]] = {found.id: Counter() for found in rounds}
    for round_id, state, number in session.execute(
        sa.select(RoundRequest.round_id, RoundRequest.state, sa.func.count())
        .where(RoundRequest.round_id.in_(counts))
        .group_by(RoundRequest.round_id, RoundRequest.state)
    ):
        counts[round_id][state] = number
    return [Standing(found, counts[found.id]) for found in rounds]


def wanted(session: Session, found: Round) -> list[Wanted]:
    """How much each slot of a round's session is asked for; who would take any slot counts for every one."""
    slots = slots_in(session, found.sitting_id)
    standing = RoundRequest.state != RequestState.WITHDRAWN
    rows = session.execute(
        sa.select(RoundWish.slot_id, sa.func.count(), sa.func.count(sa.case((RoundWish.rank == 1, 1))))
        .join(RoundRequest, RoundRequest.id == RoundWish.request_id)
        .where(RoundRequest.round_id == found.id, standing)
        .group_by(RoundWish.slot_id)
    )
    named = {slot_id: (number, first) for slot_id, number, first in rows}
    anywhere = session.scalars(
        sa.select(sa.func.count()).where(RoundRequest.round_id == found.id, standing, RoundRequest.anywhere)
    ).one()
    seats = dict(
        session.execute(
            sa.select(Seat.slot_id, sa.func.count())
            .where(Seat.slot_id.in_([slot.id for slot in slots]))
            .group_by(Seat.slot_id)
        ).all()
    )
    return [
        Wanted(slot, seats.get(slot.id, 0), named.get(slot.id, (0, 0))[0] + anywhere, named.get(slot.id, (0, 0))[1])
        for slot in slots
    ]
