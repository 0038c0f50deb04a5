"""Sessions: made ahead of time from the series, following the clocks of its zone, and called off."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.moves import take
from portal.office_hours import queries, rules, states
from portal.office_hours.actions.bookings import withdraw_booking
from portal.office_hours.actions.mails import tell
from portal.office_hours.actions.rounds import cancel_round
from portal.office_hours.actions.slots import carry, close_slots, fill, open_slots
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.queries.rotation import loads
from portal.office_hours.rules import HostLoad
from portal.office_hours.states import SeriesState, SittingState, SlotState
from portal.office_hours.time import Occurrence, expand, instant, wall, zone_rules_version


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
        hosts = loads(session, series, missing[0].starts_at, missing[-1].starts_at)
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
        try:
            with session.begin_nested():
                moved += _follow(session, sitting, series.zone, version, at=at, sender=sender)
        except Conflict:
            # Somebody cannot come at the right time. It stays stale, staff are shown it, and the next run tries again.
            continue
    return moved


def _follow(
    session: Session, sitting: Sitting, zone: str, version: str, *, at: datetime, sender: Sender | None
) -> bool:
    """Put one session where its zone's present rules have it; whether it has moved."""
    by = instant(sitting.local, zone) - sitting.starts_at
    if by:
        _shift(session, sitting, by, at=at, sender=sender)
    sitting.zone_rules, sitting.wall = version, wall(sitting.local, zone)
    session.flush()
    return bool(by)


def cancel_sitting(
    session: Session, sitting: Sitting, reason: str, *, by: int, at: datetime, sender: Sender | None
) -> int:
    """Call a session off: its bookings are taken back with their credit, and everybody is told. How many there were."""
    refusal = rules.why_not_cancel_sitting(sitting, at)
    if refusal:
        raise Refused(refusal)
    slug = sitting.series.challenge.slug
    take(session, sitting, states.CANCEL_SITTING, at=at, cancel_reason=reason)
    cancel_round(session, sitting, by=by, at=at, sender=sender)
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
        sitting = new_sitting(series, found.recurrence_local, found.starts_at, at)
        session.add(sitting)
        session.flush()
        fill(session, sitting, series, hosts)


def new_sitting(series: Series, local: datetime, starts_at: datetime, at: datetime) -> Sitting:
    """A session of the series that does not exist yet."""
    return Sitting(
        series_id=series.id, recurrence_local=local, starts_at=starts_at,
        ends_at=rules.layout(starts_at, series)[-1].slot.until,
        wall=wall(local, series.zone), zone_rules=zone_rules_version(),
        state=SittingState.PLANNED, state_since=at, added=False,
    )  # fmt: skip


def _live_in(session: Session, sitting: Sitting) -> Sequence[Booking]:
    return session.scalars(
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .where(Slot.sitting_id == sitting.id, Booking.state.in_(states.LIVE))
        .order_by(Booking.id)
        .execution_options(populate_existing=True)
    ).all()


def _shift(session: Session, sitting: Sitting, by: timedelta, *, at: datetime, sender: Sender | None) -> None:
    """Move a session with its slots and their bookings, whose people get an update."""
    sitting.starts_at, sitting.ends_at = sitting.starts_at + by, sitting.ends_at + by
    slots = open_slots(session, [sitting.id], lock=True)
    close_slots(session, slots)
    with conflicts():
        went = carry(session, slots, by, at)
    for number in went:
        tell(session, queries.whole_booking(session, number), "moved", at=at, sender=sender)
