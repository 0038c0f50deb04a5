"""Demand rounds: opened with a seed that is bound to, drawn once, or called off with their session.

A round is drawn in one transaction, under a lock on its row: a worker that dies in it leaves nothing behind, and the
next one comes to the same result.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, undefer

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.core import audit, outbox, seeds
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.moves import Move, take
from portal.office_hours import rules, states
from portal.office_hours.actions.bookings import Wish, book_slot
from portal.office_hours.actions.places import expire_holds
from portal.office_hours.actions.slots import open_slots
from portal.office_hours.ics import Sender
from portal.office_hours.models import Round, RoundRequest, Series, Sitting, Slot
from portal.office_hours.queries import rounds as queries
from portal.office_hours.queries.access import access_of
from portal.office_hours.rules import rounds as told
from portal.office_hours.rules.access import Access
from portal.office_hours.rules.draw import Ask, best, draw, order, tier_of, weight_of
from portal.office_hours.states import RequestState, RoundState, SittingState, Source
from portal.office_hours.time import iso_week, spoken

# What was counted of a participant, as it stays with the request.
PARTS = ("owed", "total", "recent", "strikes")


class Asker(NamedTuple):
    """Who is told what became of a request."""

    public_id: str
    account: Account


@dataclass(slots=True)
class Table:
    """A draw while it is held: what there is, who wants it, and what was found on the way.

    `starts` and `seats` are those of the slots on offer; requests, reasons, bars and bookings go by public id.
    """

    challenge: Challenge
    starts: dict[int, datetime]
    seats: dict[int, int]
    requests: dict[str, RoundRequest]
    members: dict[int, Member]
    access: dict[int, Access]
    asks: list[Ask] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    barred: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    booked: dict[str, int] = field(default_factory=dict)


def open_round(session: Session, sitting_id: int, *, at: datetime, seed: str | None = None) -> bool:
    """Open the round of a session: whoever wants a seat can ask for one from now on. Whether it was this call.

    The seed comes by chance, unless a course of events is replayed.
    """
    sitting = session.scalars(
        sa.select(Sitting)
        .join(Sitting.series)
        .options(contains_eager(Sitting.series).joinedload(Series.challenge))
        .where(Sitting.id == sitting_id)
        .execution_options(populate_existing=True)
    ).one()
    seed, series = seed or seeds.draw(), sitting.series
    found = Round(
        sitting_id=sitting_id, state=RoundState.GATHERING, state_since=at, opened_at=at,
        draws_at=told.draws_at(series, at), commitment=seeds.commitment(seed), seed=seed, protocol=None,
    )  # fmt: skip
    try:
        with session.begin_nested(), conflicts():
            session.add(found)
            session.flush()
    except Conflict:
        return False  # another worker was first
    audit.record(
        session, "office_hours:open-round", f"round:{found.id}", by=None, at=at, scope=series.challenge.slug,
        after={"session": sitting_id, "draws_at": found.draws_at, "commitment": found.commitment},
    )  # fmt: skip
    return True


def cancel_round(session: Session, sitting: Sitting, *, by: int | None, at: datetime, sender: Sender | None) -> None:
    """Call off the round of a session that does not take place, and tell whoever has asked."""
    found = _locked(session, Round.sitting_id == sitting.id, Round.state == RoundState.GATHERING)
    if found is not None:
        _cancel(session, found, by=by, at=at, sender=sender)


def draw_round(session: Session, round_id: int, *, at: datetime, sender: Sender | None) -> bool:
    """Give out the seats of a round whose window is over, and tell everybody. Whether it was this call."""
    found = _locked(session, Round.id == round_id)
    if found is None or found.state is not RoundState.GATHERING or found.draws_at > at:
        return False
    sitting, seed = found.sitting, found.seed
    table = _set_up(session, found, at)
    if sitting.state is not SittingState.PLANNED:
        _cancel(session, found, by=None, at=at, sender=sender)
        return False
    _admit(session, table, sitting.series)
    _serve(session, table, seed, at=at, sender=sender)
    drawn = draw(seed, table.asks, table.seats)
    protocol = told.told(round_id, found.commitment, seed, table.starts, table.seats, drawn, table.barred)
    take(session, found, states.DRAW, at=at, protocol=protocol)
    passed = _settle(session, table, at)
    _tell(session, "round_passed", passed, round_id, sitting, at=at, sender=sender)
    audit.record(
        session, "office_hours:draw-round", f"round:{round_id}", by=None, at=at, scope=table.challenge.slug,
        after={"requests": len(table.requests), "seated": len(table.booked), "seed": seed},
    )  # fmt: skip
    return True


def _locked(session: Session, *which: sa.ColumnElement[bool]) -> Round | None:
    """The round as it is now, kept so until the end of the transaction: nobody asks, withdraws or draws meanwhile."""
    return session.scalars(
        sa.select(Round)
        .join(Round.sitting)
        .join(Sitting.series)
        .options(
            contains_eager(Round.sitting).contains_eager(Sitting.series).joinedload(Series.challenge),
            undefer(Round.seed),
        )
        .where(*which)
        .with_for_update(key_share=True, of=Round)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _cancel(session: Session, found: Round, *, by: int | None, at: datetime, sender: Sender | None) -> None:
    sitting, round_id = found.sitting, found.id
    askers = [Asker(each.public_id, each.account) for each in queries.open_requests(session, round_id)]
    take(session, found, states.CANCEL_ROUND, at=at)
    _tell(session, "round_off", askers, round_id, sitting, at=at, sender=sender)
    audit.record(
        session, "office_hours:cancel-round", f"round:{round_id}", by=by, at=at,
        scope=sitting.series.challenge.slug, after={"requests": len(askers)},
    )  # fmt: skip


def _set_up(session: Session, found: Round, at: datetime) -> Table:
    """Lock whoever asked and then the slots, as all who book do; what there is to give, and for whom."""
    sitting = found.sitting
    series, challenge = sitting.series, sitting.series.challenge
    requests = queries.open_requests(session, found.id)
    who = sorted({request.participant_id for request in requests})
    people = sa.select(Participant.id).where(Participant.id.in_(who)).order_by(Participant.id)
    session.execute(people.with_for_update(key_share=True)).all()
    slots = open_slots(session, [sitting.id], lock=True)
    session.refresh(sitting, ["state"])
    for slot in slots:
        expire_holds(session, at, slot_id=slot.id)
    starts = {slot.id: slot.starts_at for slot in slots if rules.why_not_slot(slot, series, at) is None}
    return Table(
        challenge, starts, queries.free_seats(session, starts), {request.public_id: request for request in requests},
        queries.members_of(session, challenge.id, requests), access_of(session, challenge.id, at, who),
    )  # fmt: skip


def _admit(session: Session, table: Table, series: Series) -> None:
    """Who takes part: whoever still is a participant and has not used up the weeks of all slots that they named."""
    week = {slot: iso_week(begin, table.challenge.zone) for slot, begin in table.starts.items()}
    who = [request.participant_id for request in table.requests.values()]
    used = queries.counted(session, who, set(week.values()))
    for public_id, request in table.requests.items():
        access = table.access.get(request.participant_id)
        if request.id not in table.members or access is None:
            table.reasons[public_id] = "Whoever asked does not take part any more."
            continue
        named = [slot for slot in told.named(request, table.starts) if slot in week]
        spent = [slot for slot in named if used[request.participant_id, week[slot]] >= series.weekly_quota]
        wishes = tuple(slot for slot in named if slot not in spent)
        if spent and not wishes:
            table.reasons[public_id] = "Your bookings of that week are used up."
            continue
        table.barred[public_id] += spent
        table.asks.append(Ask(public_id, tier_of(access), weight_of(access), wishes))


def _serve(session: Session, table: Table, seed: str, *, at: datetime, sender: Sender | None) -> None:
    """In the order of the draw, book for each the best slot that they named and may have.

    Booking has the last word. Where it refuses, the wish is struck out, so that the draw is told as it was.
    """
    free, served = dict(table.seats), []
    for ask, _number in order(seed, table.asks):
        request, wishes = table.requests[ask.id], list(ask.wishes)
        wish, member = Wish(f"round-{ask.id}", request.topic), table.members[request.id]
        while (slot_id := best(wishes, free)) is not None:
            slot = session.get_one(Slot, slot_id)
            try:
                with session.begin_nested():
                    booking = book_slot(session, slot, member, wish, at=at, sender=sender, source=Source.ROUND)
            except (Refused, Conflict) as refusal:
                table.barred[ask.id].append(slot_id)
                table.reasons[ask.id] = refusal.reason
                wishes.remove(slot_id)
                continue
            table.booked[ask.id] = booking.id
            free[slot_id] -= 1
            break
        served.append(ask._replace(wishes=tuple(wishes)))
    table.asks = served


def _settle(session: Session, table: Table, at: datetime) -> list[Asker]:
    """Note what became of each request. Who got nothing is still to be told; the others have their invitations."""
    passed: list[Asker] = []
    for public_id, request in table.requests.items():
        asker, access = Asker(public_id, request.account), table.access.get(request.participant_id)
        parts = {name: getattr(access, name) for name in PARTS} if access else {}
        move, values = _outcome(table, public_id)
        take(session, request, move, at=at, **values, **parts)
        if move is not states.SEAT:
            passed.append(asker)
    return passed


def _outcome(table: Table, public_id: str) -> tuple[Move[RequestState], Mapping[str, object]]:
    if public_id in table.booked:
        return states.SEAT, {"booking_id": table.booked[public_id]}
    if public_id in table.reasons:
        return states.BAR, {"reason": table.reasons[public_id][:300]}
    return states.PASS_OVER, {}


def _tell(
    session: Session, news: str, askers: Iterable[Asker], round_id: int, sitting: Sitting, *, at: datetime,
    sender: Sender | None,
) -> None:  # fmt: skip
    """One mail to each who asked. It says when, and where to read more; never what about."""
    if sender is None:
        return
    challenge = sitting.series.challenge
    outbox.post_all(session, [
        outbox.row(
            f"office_hours/{news}", to=account.email, at=at, key=f"office-hours:{news}:{public_id}",
            context={
                "challenge": challenge.title, "slug": challenge.slug, "round": round_id,
                "when": spoken(sitting.starts_at, sitting.ends_at, account.zone),
                "utc": spoken(sitting.starts_at, sitting.ends_at, "UTC"),
            },
        )
        for public_id, account in askers if account.active
    ])  # fmt: skip
