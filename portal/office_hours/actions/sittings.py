"""Sessions: made ahead of time from the series, following the clocks of its zone, and called off."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.core.moves import take
from portal.office_hours import queries, rules, states
from portal.office_hours.actions.bookings import withdraw_booking
from portal.office_hours.actions.mails import tell
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Seat, Series, SeriesHost, Sitting, Slot
from portal.office_hours.rules import HostLoad, Span
from portal.office_hours.states import SeriesState, SittingState, SlotState
from portal.office_hours.time import Occurrence, expand, instant, iso_week, zone_rules_version


def materialise(session: Session, series_id: int, *, since: datetime, before: datetime, at: datetime) -> int:
    """Make the sessions of a series that start in a span and do not exist yet; how many were made.

    Safe to repeat and to run twice at once: a recurrence is made once, whatever became of it since.
    """
    series = session.scalars(
        sa.select(Series)
        .where(Series.id == series_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if series.state is not SeriesState.OPEN:
        return 0
    known = set(session.scalars(sa.select(Sitting.recurrence_local).where(Sitting.series_id == series.id)))
    missing = [found for found in expand(series.rule, since, before) if found.recurrence_local not in known]
    if missing:
        hosts = _loads(session, series, missing[0].starts_at, missing[-1].starts_at)
        with conflicts():
            _make(session, series, missing, hosts, at)
    return len(missing)


def follow_zone_rules(session: Session, series_id: int, *, at: datetime, sender: Sender | None) -> int:
    """Recompute the coming sessions that were computed under other time-zone rules; how many have moved."""
    series = session.get_one(Series, series_id)
    version = zone_rules_version()
    stale = session.scalars(
        sa.select(Sitting)
        .where(
            Sitting.series_id == series.id,
            Sitting.state == SittingState.PLANNED,
            Sitting.starts_at > at,
            Sitting.zone_rules != version,
        )
        .order_by(Sitting.starts_at)
    ).all()
    moved = 0
    for sitting in stale:
        by = instant(sitting.recurrence_local, series.zone) - sitting.starts_at
        if by:
            _shift(session, sitting, by, at=at, sender=sender)
            moved += 1
        sitting.zone_rules = version
    session.flush()
    return moved


def cancel_sitting(
    session: Session, sitting: Sitting, reason: str, *, by: int, at: datetime, sender: Sender | None
) -> int:
    """Call a session off: its bookings are taken back with their credit, and everybody is told. How many there were."""
    refusal = rules.why_not_cancel_sitting(sitting, at)
    if refusal:
        raise Refused(refusal)
    slug = sitting.series.challenge.slug
    take(session, sitting, states.CANCEL_SITTING, at=at, cancel_reason=reason)
    # The slots first: a booking that is being made holds its slot, and one made later finds it cancelled.
    session.execute(sa.update(Slot).where(Slot.sitting_id == sitting.id).values(state=SlotState.CANCELLED))
    bookings = _live_in(session, sitting)
    for booking in bookings:
        withdraw_booking(session, booking, reason, by=by, at=at, sender=sender)
    audit.record(
        session, "office_hours:cancel-session", f"session:{sitting.id}", by=by, at=at, scope=slug, reason=reason,
        after={"bookings": len(bookings)},
    )  # fmt: skip
    return len(bookings)


def _make(
    session: Session, series: Series, occurrences: Sequence[Occurrence], hosts: list[HostLoad], at: datetime
) -> None:
    for found in occurrences:
        places = rules.layout(found.starts_at, series)
        sitting = Sitting(
            series_id=series.id, recurrence_local=found.recurrence_local, starts_at=found.starts_at,
            ends_at=places[-1].slot.until, wall=found.wall, zone_rules=zone_rules_version(),
            state=SittingState.PLANNED, state_since=at,
        )  # fmt: skip
        session.add(sitting)
        session.flush()
        slots = _slots(sitting, series, places, hosts)
        session.add_all(slots)
        session.flush()
        session.add_all(Seat(slot_id=slot.id, seat_no=number + 1) for slot in slots for number in range(series.seats))
    session.flush()


def _slots(sitting: Sitting, series: Series, places: Sequence[rules.Place], hosts: list[HostLoad]) -> list[Slot]:
    """The slots that somebody is free to hold; where nobody is, there is none."""
    slots = []
    week = iso_week(sitting.starts_at, series.zone)
    for place in places:
        host = rules.next_host(hosts, place.busy, week)
        if host is None:
            continue
        host.take(place.busy, week)
        slots.append(
            Slot(
                sitting_id=sitting.id,
                position=place.position,
                host_id=host.account_id,
                state=SlotState.OPEN,
                starts_at=place.slot.since,
                ends_at=place.slot.until,
                busy_from=place.busy.since,
                busy_until=place.busy.until,
            )
        )
    return slots


def _loads(session: Session, series: Series, first: datetime, last: datetime) -> list[HostLoad]:
    """What the hosts of a series have taken on so far, with their calendars around the span in question."""
    hosts = session.scalars(
        sa.select(SeriesHost)
        .join(SeriesHost.account)
        .where(SeriesHost.series_id == series.id)
        .order_by(SeriesHost.account_id)
        # Two series that share hosts get their time one after the other, instead of waiting for each other for ever.
        .with_for_update(key_share=True, of=Account)
    ).all()
    loads = {host.account_id: HostLoad(host.account_id, host.weight, host.weekly_max) for host in hosts}
    totals: Counter[int] = Counter(
        session.scalars(
            sa.select(Slot.host_id)
            .join(Slot.sitting)
            .where(Sitting.series_id == series.id, Slot.state == SlotState.OPEN)
        )
    )
    around = timedelta(days=8)
    taken = sa.select(Slot.host_id, Slot.starts_at, Slot.busy_from, Slot.busy_until).where(
        Slot.host_id.in_(loads), Slot.state == SlotState.OPEN,
        Slot.starts_at > first - around, Slot.starts_at < last + around,
    )  # fmt: skip
    for host_id, starts_at, busy_from, busy_until in session.execute(taken):
        loads[host_id].take(Span(busy_from, busy_until), iso_week(starts_at, series.zone))
    for load in loads.values():
        load.total = totals[load.account_id]
    return list(loads.values())


def _live_in(session: Session, sitting: Sitting) -> Sequence[Booking]:
    return session.scalars(
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .where(Slot.sitting_id == sitting.id, Booking.state.in_(states.LIVE))
        .order_by(Booking.id)
        .execution_options(populate_existing=True)
    ).all()


def _shift(session: Session, sitting: Sitting, by: timedelta, *, at: datetime, sender: Sender | None) -> None:
    """Move a session with its slots. The bookings' times follow by foreign key; their people get an update."""
    sitting.starts_at, sitting.ends_at = sitting.starts_at + by, sitting.ends_at + by
    order = Slot.starts_at.desc() if by > timedelta() else Slot.starts_at.asc()
    # The foremost slot first, so that no slot runs into its neighbour on the way.
    with conflicts():
        for slot in session.scalars(sa.select(Slot).where(Slot.sitting_id == sitting.id).order_by(order)).all():
            slot.starts_at, slot.ends_at = slot.starts_at + by, slot.ends_at + by
            slot.busy_from, slot.busy_until = slot.busy_from + by, slot.busy_until + by
            session.flush()
    for booking in _live_in(session, sitting):
        booking.sequence, booking.changed_at = booking.sequence + 1, at
        session.flush()
        tell(session, queries.whole_booking(session, booking.id), "moved", at=at, sender=sender)
