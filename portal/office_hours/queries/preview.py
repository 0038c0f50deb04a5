"""What a plan would make, before it is one; and what a change of a series meets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.office_hours.models import Booking, BusySpan, Series, SeriesHost, Sitting, Slot, SlotHost
from portal.office_hours.rules import Plan, Share
from portal.office_hours.rules.planning import Span
from portal.office_hours.states import LIVE, SittingState, SlotState
from portal.office_hours.time import Occurrence, expand

PREVIEW = timedelta(weeks=8)


class Foreseen(NamedTuple):
    """A session that a plan would make, with a sentence for each of its hosts who has something else then."""

    occurrence: Occurrence
    ends_at: datetime
    clashes: list[str]


class Booked(NamedTuple):
    """A coming session that somebody has booked."""

    sitting: Sitting
    bookings: int


def foresee(session: Session, plan: Plan, at: datetime, apart: int | None = None) -> list[Foreseen]:
    """What a plan makes in the next eight weeks; the slots of the series `apart` are nobody's obstacle."""
    found = list(expand(plan.rule, at, at + PREVIEW))
    hosts = [share.account_id for share in plan.hosts]
    if not found:
        return []
    around = Span(found[0].starts_at, found[-1].starts_at + plan.whole)
    names = dict(session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(hosts))).all())
    taken = _taken(session, hosts, around, apart)
    spans = [Span(one.starts_at, one.starts_at + plan.whole) for one in found]
    return [Foreseen(one, span.until, _clashes(span, taken, names)) for one, span in zip(found, spans, strict=True)]


def _clashes(span: Span, taken: Sequence[tuple[int, Span, str]], names: dict[int, str]) -> list[str]:
    told = {f"{names.get(account_id, '')} {what}" for account_id, other, what in taken if span.meets(other)}
    return sorted(told)


def _taken(session: Session, hosts: Sequence[int], around: Span, apart: int | None) -> list[tuple[int, Span, str]]:
    own = (
        Slot.state == SlotState.OPEN, Slot.busy_from < around.until, Slot.busy_until > around.since,
        Sitting.series_id != (apart or 0),
    )  # fmt: skip
    first = (
        sa.select(Slot.host_id, Slot.busy_from, Slot.busy_until, Series.title)
        .join(Slot.sitting).join(Sitting.series).where(Slot.host_id.in_(hosts), *own)
    )  # fmt: skip
    second = (
        sa.select(SlotHost.account_id, Slot.busy_from, Slot.busy_until, Series.title)
        .join(Slot, Slot.id == SlotHost.slot_id).join(Slot.sitting).join(Sitting.series)
        .where(SlotHost.account_id.in_(hosts), *own)
    )  # fmt: skip
    away = sa.select(BusySpan.account_id, BusySpan.since, BusySpan.until).where(
        BusySpan.account_id.in_(hosts), BusySpan.since < around.until, BusySpan.until > around.since
    )
    held = [
        (host, Span(since, until), f"has slots of “{title}” then")
        for host, since, until, title in session.execute(sa.union_all(first, second))
    ]
    busy = [
        (host, Span(since, until), "is busy in their own calendar for a part of it")
        for host, since, until in session.execute(away)
    ]
    return held + busy


def booked_sittings(session: Session, series_id: int, at: datetime) -> list[Booked]:
    """The coming sessions of a series that somebody has booked, the next one first."""
    rows = session.execute(
        sa.select(Sitting, sa.func.count())
        .join(Slot, Slot.sitting_id == Sitting.id)
        .join(Booking, Booking.slot_id == Slot.id)
        .where(
            Sitting.series_id == series_id, Sitting.state == SittingState.PLANNED, Sitting.starts_at > at,
            Booking.state.in_(LIVE),
        )
        .group_by(Sitting.id)
        .order_by(Sitting.starts_at)
    )  # fmt: skip
    return [Booked(sitting, count) for sitting, count in rows]


def plan_of(session: Session, series: Series) -> Plan:
    """The plan by which a series is made now."""
    hosts = session.scalars(
        sa.select(SeriesHost).where(SeriesHost.series_id == series.id).order_by(SeriesHost.account_id)
    )
    return Plan(
        title=series.title, rule=series.rule, slots=series.slots, slot_minutes=series.slot_minutes, seats=series.seats,
        buffer_before=series.buffer_before, buffer_after=series.buffer_after, notice_minutes=series.notice_minutes,
        cutoff_minutes=series.cutoff_minutes, advance_days=series.advance_days, weekly_quota=series.weekly_quota,
        question_due_minutes=series.question_due_minutes, engineers=series.engineers, round_hours=series.round_hours,
        hosts=tuple(Share(host.account_id, host.weight, host.weekly_max, tuple(host.components)) for host in hosts),
    )  # fmt: skip
