"""Asking for a seat in a demand round, asking for another one, and withdrawing. It does not matter when."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.core.moves import take
from portal.office_hours import states
from portal.office_hours.models import Round, RoundRequest, RoundWish, Slot
from portal.office_hours.rules.rounds import why_not_ask
from portal.office_hours.states import RequestState, SlotState


class Asking(NamedTuple):
    """What somebody wants of a round: these slots, the best first, or any. Only the seat's topic is told to hosts."""

    topic: str
    slots: tuple[int, ...] = ()
    anywhere: bool = False


def ask(session: Session, found: Round, member: Member, wish: Asking, *, at: datetime) -> RoundRequest:
    """Ask for a seat, or change what was asked for. A participant has one request in a round."""
    _open(session, found, at)
    _check(session, found, wish)
    request = session.scalars(
        sa.select(RoundRequest)
        .where(RoundRequest.round_id == found.id, RoundRequest.participant_id == member.participant_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    again = request is not None
    if request is None:
        request = _new(session, found, member, wish, at)
    else:
        _change(session, request, member, wish, at)
    slots = () if wish.anywhere else wish.slots
    session.add_all(
        RoundWish(request_id=request.id, rank=rank, slot_id=slot_id) for rank, slot_id in enumerate(slots, start=1)
    )
    session.flush()
    _note(session, "change-request" if again else "ask", request, found, by=member.account_id, at=at)
    return request


def take_back(session: Session, found: Round, request: RoundRequest, *, by: int, at: datetime) -> None:
    """Withdraw a request while the round gathers. It can be made again."""
    _open(session, found, at)
    take(session, request, states.TAKE_BACK, at=at)
    _note(session, "take-back", request, found, by=by, at=at)


def _open(session: Session, found: Round, at: datetime) -> None:
    """Keep the round from being drawn until this is done. Raises Refused where it gathers no more."""
    session.refresh(found, ["state", "draws_at"], with_for_update={"read": True})
    reason = why_not_ask(found, at)
    if reason:
        raise Refused(reason)


def _check(session: Session, found: Round, wish: Asking) -> None:
    if wish.anywhere:
        return
    if not wish.slots:
        raise Refused("Name at least one slot, or take any.")
    if len(set(wish.slots)) < len(wish.slots):
        raise Refused("A slot can be named only once.")
    there: Sequence[int] = session.scalars(
        sa.select(Slot.id).where(Slot.sitting_id == found.sitting_id, Slot.state == SlotState.OPEN)
    ).all()
    if not set(wish.slots) <= set(there):
        raise Refused("One of these slots is not on offer any more. Look at the round again.")


def _new(session: Session, found: Round, member: Member, wish: Asking, at: datetime) -> RoundRequest:
    request = RoundRequest(
        round_id=found.id, participant_id=member.participant_id, account_id=member.account_id,
        public_id=uuid.uuid4().hex, state=RequestState.OPEN, state_since=at, asked_at=at, topic=wish.topic,
        anywhere=wish.anywhere,
    )  # fmt: skip
    session.add(request)
    with conflicts():
        session.flush()
    return request


def _change(session: Session, request: RoundRequest, member: Member, wish: Asking, at: datetime) -> None:
    """Forget what was asked for, and let the request be the member's own."""
    if request.state is RequestState.WITHDRAWN:
        take(session, request, states.ASK_AGAIN, at=at)
    request.topic, request.anywhere, request.account_id = wish.topic, wish.anywhere, member.account_id
    session.flush()
    session.execute(sa.delete(RoundWish).where(RoundWish.request_id == request.id))


def _note(session: Session, verb: str, request: RoundRequest, found: Round, *, by: int, at: datetime) -> None:
    """The audit entry: that somebody asked, never what about."""
    audit.record(
        session, f"office_hours:{verb}", f"request:{request.id}", by=by, at=at,
        scope=found.sitting.series.challenge.slug, after={"round": found.id, "state": request.state},
    )  # fmt: skip
