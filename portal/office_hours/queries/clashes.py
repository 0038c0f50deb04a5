"""Who could not come if a session were at another time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal.accounts.models import Account
from portal.challenges.models import Participant
from portal.office_hours.models import Booking, BusySpan, Sitting, Slot, SlotHost
from portal.office_hours.queries.sittings import ids_of
from portal.office_hours.rules.planning import Span
from portal.office_hours.states import LIVE, BookingState, SlotState


def clashes_of_move(session: Session, sitting: Sitting, slots: Sequence[Slot], by: timedelta) -> list[str]:
    """A sentence for each participant and host who has something else when these slots are so much later."""
    return [*_participants(session, sitting, by), *_hosts(session, sitting, slots, by)]


def _participants(session: Session, sitting: Sitting, by: timedelta) -> list[str]:
    other, theirs = aliased(Booking), Booking.participant_id
    booked = session.execute(
        sa.select(Participant.name, Booking.starts_at, Booking.ends_at, other.starts_at, other.ends_at)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Participant, Participant.id == theirs)
        .join(other, sa.and_(other.participant_id == theirs, other.id != Booking.id, other.state.in_(LIVE)))
        .where(Slot.sitting_id == sitting.id, Booking.state == BookingState.CONFIRMED)
        .order_by(Booking.id)
    )
    return [
        f"{name} has another booking then."
        for name, since, until, other_since, other_until in booked
        if Span(since + by, until + by).meets(Span(other_since, other_until))
    ]


def _hosts(session: Session, sitting: Sitting, slots: Sequence[Slot], by: timedelta) -> list[str]:
    wanted: defaultdict[int, list[Span]] = defaultdict(list)
    for slot in slots:
        for account_id in ids_of(slot):
            wanted[account_id].append(Span(slot.busy_from + by, slot.busy_until + by))
    if not wanted:
        return []
    spans = [span for each in wanted.values() for span in each]
    around = Span(min(span.since for span in spans), max(span.until for span in spans))
    names = dict(session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(wanted))).all())
    held, away = held_in(session, wanted, around, sitting.id), away_in(session, wanted, around)
    return [
        *_told(wanted, held, names, "has another slot then."),
        *_told(wanted, away, names, "is busy in their own calendar then."),
    ]


def _told(
    wanted: dict[int, list[Span]], taken: Iterable[tuple[int, Span]], names: dict[int, str], what: str
) -> list[str]:
    who = {account_id for account_id, span in taken if any(span.meets(each) for each in wanted[account_id])}
    return [f"{names[account_id]} {what}" for account_id in sorted(who)]


def held_in(
    session: Session, account_ids: Collection[int], around: Span, apart: int | None = None
) -> list[tuple[int, Span]]:
    """When people hold slots, in either place, around a span; those of the session `apart` left out."""
    when = (Slot.state == SlotState.OPEN, Slot.busy_from < around.until, Slot.busy_until > around.since)
    other = Slot.sitting_id != (apart or 0)
    first = sa.select(Slot.host_id, Slot.busy_from, Slot.busy_until).where(Slot.host_id.in_(account_ids), *when, other)
    second = (
        sa.select(SlotHost.account_id, Slot.busy_from, Slot.busy_until)
        .join(Slot, Slot.id == SlotHost.slot_id)
        .where(SlotHost.account_id.in_(account_ids), *when, other)
    )
    rows: Iterable[tuple[int, datetime, datetime]] = session.execute(sa.union_all(first, second))
    return [(account_id, Span(since, until)) for account_id, since, until in rows]


def away_in(session: Session, account_ids: Collection[int], around: Span) -> list[tuple[int, Span]]:
    """When people's own calendars say that they are busy, around a span."""
    rows = session.execute(
        sa.select(BusySpan.account_id, BusySpan.since, BusySpan.until)
        .where(BusySpan.account_id.in_(account_ids), BusySpan.until > around.since, BusySpan.since < around.until)
        .order_by(BusySpan.since)
    )
    return [(account_id, Span(since, until)) for account_id, since, until in rows]
