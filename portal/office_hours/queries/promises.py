"""Finding what was promised, each for the person who asks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member
from portal.core.paging import Page, keyset
from portal.core.todo import Queue, Task
from portal.office_hours.models import Booking, Promise, Series, Sitting, Slot
from portal.office_hours.queries.base import held_by, one
from portal.office_hours.rules.promises import reminded_at, today
from portal.office_hours.states import PromiseState


class Shown(StrEnum):
    """Which promises a list shows."""

    OPEN = ""
    OVERDUE = "overdue"
    MINE = "mine"
    DONE = "done"
    DROPPED = "dropped"


def _promises(challenge_id: int) -> sa.Select[Promise]:
    booking = contains_eager(Promise.booking)
    return (
        sa.select(Promise)
        .join(Promise.booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(
            booking.joinedload(Booking.participant), booking.joinedload(Booking.account), joinedload(Promise.owner)
        )
        .where(Series.challenge_id == challenge_id)
    )


def _for_staff(challenge_id: int, account_id: int, *, lead: bool) -> sa.Select[Promise]:
    """All of them for the lead; for a host those of the own slots, and the own ones."""
    rows = _promises(challenge_id)
    return rows if lead else rows.where(sa.or_(held_by(account_id), Promise.owner_id == account_id))


def staff_promises(
    session: Session, challenge: Challenge, account_id: int, shown: Shown, at: datetime, *, lead: bool,
    after: str | None = None, limit: int = 50,
) -> Page[Promise]:  # fmt: skip
    """A page of promises by the day on which they are due: what is overdue stands on top."""
    rows = _for_staff(challenge.id, account_id, lead=lead)
    state = PromiseState.DONE if shown is Shown.DONE else PromiseState.DROPPED
    rows = rows.where(Promise.state == (state if shown in (Shown.DONE, Shown.DROPPED) else PromiseState.OPEN))
    if shown is Shown.OVERDUE:
        rows = rows.where(Promise.due_on < today(at, challenge.zone))
    if shown is Shown.MINE:
        rows = rows.where(Promise.owner_id == account_id)
    return keyset(session, rows, order=[(Promise.due_on, "asc"), (Promise.id, "asc")], after=after, limit=limit)


def counts(session: Session, challenge: Challenge, account_id: int, at: datetime, *, lead: bool) -> dict[Shown, int]:
    """How many promises each of the lists has."""
    rows = _for_staff(challenge.id, account_id, lead=lead).with_only_columns(
        sa.func.count().filter(Promise.state == PromiseState.OPEN),
        sa.func.count().filter(
            Promise.state == PromiseState.OPEN, Promise.due_on < today(at, challenge.zone)
        ),
        sa.func.count().filter(Promise.state == PromiseState.OPEN, Promise.owner_id == account_id),
        sa.func.count().filter(Promise.state == PromiseState.DONE),
        sa.func.count().filter(Promise.state == PromiseState.DROPPED),
    )  # fmt: skip
    return dict(zip(Shown, session.execute(rows).one(), strict=True))


def promise_for_staff(session: Session, challenge_id: int, account_id: int, promise_id: int, *, lead: bool) -> Promise:
    """A promise that the person may close. Raises NotFound."""
    rows = _for_staff(challenge_id, account_id, lead=lead).where(Promise.id == promise_id)
    return one(session, rows, "commitment")


def promise_of(session: Session, member: Member, promise_id: int) -> Promise:
    """A promise of the member's own participant. Raises NotFound."""
    rows = _promises(member.challenge_id).where(
        Promise.id == promise_id, Promise.owner_id.is_(None), Booking.participant_id == member.participant_id
    )
    return one(session, rows, "commitment")


def promises_to(session: Session, member: Member) -> Sequence[Promise]:
    """What was promised in the sessions of the member's participant, by either side; what is open first."""
    return session.scalars(
        _promises(member.challenge_id)
        .where(Booking.participant_id == member.participant_id)
        .order_by(Promise.state != PromiseState.OPEN, Promise.due_on, Promise.id)
    ).all()


def open_around(session: Session, at: datetime) -> Sequence[Promise]:
    """The open promises whose day is near, in whatever zone, with all that a reminder says."""
    day = today(at, "UTC")
    booking = joinedload(Promise.booking)
    series = booking.joinedload(Booking.slot).joinedload(Slot.sitting).joinedload(Sitting.series)
    return session.scalars(
        sa.select(Promise)
        .options(booking.joinedload(Booking.account), series.joinedload(Series.challenge), joinedload(Promise.owner))
        .where(
            Promise.state == PromiseState.OPEN,
            Promise.due_on >= day - timedelta(days=3), Promise.due_on <= day + timedelta(days=1),
        )
        .order_by(Promise.due_on, Promise.id)
    ).all()  # fmt: skip


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a participant has promised and not done yet."""
    challenge = session.get_one(Challenge, member.challenge_id)
    page = f"/challenges/{challenge.slug}/office-hours/commitments"
    return [
        Task("Keep a commitment of office hours", page, reminded_at(each.due_on, challenge.zone), each.text)
        for each in promises_to(session, member)
        if each.state is PromiseState.OPEN and each.owner_id is None
    ]


def queues(session: Session, challenge: Challenge, account: Account, at: datetime) -> list[Queue]:
    """What a host has promised: how many are open, and since when the oldest is overdue."""
    rows = _promises(challenge.id).where(Promise.state == PromiseState.OPEN, Promise.owner_id == account.id)
    count, first = session.execute(rows.with_only_columns(sa.func.count(), sa.func.min(Promise.due_on))).one()
    overdue = first is not None and first < today(at, challenge.zone)
    page = f"/staff/{challenge.slug}/office-hours/commitments?show=mine"
    oldest = reminded_at(first, challenge.zone) if overdue else None
    return [Queue("Your commitments of office hours", page, count, oldest)]
