"""Changing a series that exists: what it makes from now on, and what becomes of the sessions that it has made.

Sessions that nobody has booked follow the new rule. Booked ones stay as they are, unless somebody moves them along;
so do exceptions. All of them take the key of the new rule's session of their week, so that it is not made besides.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.office_hours import queries, rules
from portal.office_hours.actions.exceptions import move_sitting
from portal.office_hours.actions.series import check_plan, columns, hosts_of_plan
from portal.office_hours.actions.sittings import materialise
from portal.office_hours.actions.slots import close_slots, fill, last_position, live_in, open_slots
from portal.office_hours.ics import Sender
from portal.office_hours.models import Series, SeriesHost, Sitting
from portal.office_hours.queries.rotation import loads
from portal.office_hours.rules import Plan
from portal.office_hours.states import SeriesState, SittingState
from portal.office_hours.time import Occurrence, expand, wall, zone_rules_version

# Why a session that nobody booked is gone after a change. Another change may bring it back.
DROPPED = "The series has changed."


class Change(NamedTuple):
    """What a change did: sessions made anew, those left as they were booked, and those moved along with bookings."""

    made: int
    left: int
    moved: int


def change_series(
    session: Session, series: Series, plan: Plan, *, version: int, moving: Collection[int] = (), before: datetime,
    by: int, at: datetime, sender: Sender | None,
) -> Change:  # fmt: skip
    """Let an open series be what `plan` says from `at` on; `version` is the one that was seen.

    Of the booked sessions those in `moving` go to their week's new time, with everybody told. Raises Conflict where
    somebody else has changed it, Refused where a session cannot be moved along; then nothing has changed.
    """
    challenge = series.challenge
    check_plan(session, challenge, plan)
    _lock(session, series, version)
    coming = list(coming_sittings(session, series.id, at))
    slots = open_slots(session, [sitting.id for sitting in coming], lock=True)
    sitting_of = {slot.id: slot.sitting_id for slot in slots}
    booked = {sitting_of[booking.slot_id] for booking in live_in(session, sitting_of)}
    free = [sitting for sitting in coming if _follows(sitting) and sitting.id not in booked]
    following = {sitting.id for sitting in free}
    close_slots(session, [slot for slot in slots if slot.sitting_id in following])
    title = series.title
    _rewrite(session, series, plan)
    made = _follow(session, series, coming, free, before, at)
    made += materialise(session, series.id, since=at, before=before, at=at)
    along = [one for one in coming if one.id in booked & set(moving)]
    moved = _move_along(session, challenge.id, along, by=by, at=at, sender=sender)
    audit.record(
        session, "office_hours:change-series", f"series:{series.id}", by=by, at=at, scope=challenge.slug,
        before={"title": title, "version": version},
        after={"title": plan.title, "first": plan.rule.first, "zone": plan.rule.zone, "sessions": made, "moved": moved,
               "hosts": [host.account_id for host in plan.hosts]},
    )  # fmt: skip
    return Change(made, len(booked) - moved, moved)


def coming_sittings(session: Session, series_id: int, at: datetime) -> Sequence[Sitting]:
    """The sessions of a series that have not begun, whatever their state, in the order of their keys."""
    return session.scalars(
        sa.select(Sitting)
        .where(Sitting.series_id == series_id, Sitting.starts_at > at)
        .order_by(Sitting.recurrence_local, Sitting.id)
        .execution_options(populate_existing=True)
    ).all()


def _lock(session: Session, series: Series, version: int) -> None:
    seen = session.execute(
        sa.select(Series.version, Series.state).where(Series.id == series.id).with_for_update(key_share=True)
    ).one()
    if seen.state is not SeriesState.OPEN:
        raise Refused("This series is closed: it makes no more sessions.")
    if seen.version != version:
        raise Conflict("Somebody has changed this series since you opened it. Look at it again.")


def _rewrite(session: Session, series: Series, plan: Plan) -> None:
    values = {**columns(plan), "version": Series.version + 1}
    session.execute(sa.update(Series).where(Series.id == series.id).values(values))
    session.execute(sa.delete(SeriesHost).where(SeriesHost.series_id == series.id))
    hosts = hosts_of_plan(plan)
    for host in hosts:
        host.series_id = series.id
    session.add_all(hosts)
    session.flush()
    session.refresh(series)


def _follows(sitting: Sitting) -> bool:
    """Whether a session goes where its series goes: it is no exception."""
    dropped = sitting.state is SittingState.CANCELLED and sitting.cancel_reason == DROPPED
    planned = sitting.state is SittingState.PLANNED and sitting.moved_local is None and not sitting.added
    return planned or dropped


def _week(local: datetime) -> date:
    return local.date() - timedelta(days=local.weekday())


def _follow(
    session: Session, series: Series, coming: Sequence[Sitting], free: Sequence[Sitting], before: datetime, at: datetime
) -> int:
    """Give every session its new key, and those that are free their new time and slots; how many those were."""
    until = max([before, *(sitting.starts_at + timedelta(weeks=1) for sitting in coming)])
    new = {_week(found.recurrence_local): found for found in expand(series.rule, at, until)}
    taken = set(session.scalars(sa.select(Sitting.recurrence_local).where(Sitting.series_id == series.id)))
    made: list[Sitting] = []
    for sitting in coming:
        found = None if sitting.added else new.get(_week(sitting.recurrence_local))
        if found is not None and found.recurrence_local != sitting.recurrence_local:
            found = None if found.recurrence_local in taken else found
        if sitting in free:
            _place(series, sitting, found, at)
            made += [sitting] if found is not None else []
        else:
            _keep(series, sitting, found)
        taken.add(sitting.recurrence_local)
        session.flush()
    hosts = loads(session, series, made[0].starts_at, made[-1].starts_at) if made else []
    with conflicts():
        for sitting in made:
            fill(session, sitting, series, hosts, last_position(session, sitting.id))
    return len(made)


def _place(series: Series, sitting: Sitting, found: Occurrence | None, at: datetime) -> None:
    """A session that nobody booked follows its week's recurrence, or goes with it."""
    if found is None:
        sitting.state, sitting.state_since, sitting.cancel_reason = SittingState.CANCELLED, at, DROPPED
        return
    sitting.state, sitting.state_since, sitting.cancel_reason = SittingState.PLANNED, at, None
    sitting.recurrence_local, sitting.moved_local = found.recurrence_local, None
    sitting.starts_at, sitting.wall, sitting.zone_rules = found.starts_at, found.wall, zone_rules_version()
    sitting.ends_at = rules.layout(found.starts_at, series)[-1].slot.until


def _keep(series: Series, sitting: Sitting, found: Occurrence | None) -> None:
    """A booked session or an exception stays when it is, and stands for its week's recurrence."""
    if found is not None:
        sitting.recurrence_local = found.recurrence_local
    local = sitting.starts_at.astimezone(ZoneInfo(series.zone)).replace(tzinfo=None, fold=0)
    sitting.moved_local = None if local == sitting.recurrence_local else local
    sitting.wall = wall(sitting.local, series.zone)


def _move_along(
    session: Session, challenge_id: int, sittings: Sequence[Sitting], *, by: int, at: datetime, sender: Sender | None
) -> int:
    moved = 0
    for sitting in sittings:
        if sitting.moved_local is None or sitting.added:
            continue
        whole = queries.sitting_of(session, challenge_id, sitting.id)
        move_sitting(session, whole, sitting.recurrence_local, by=by, at=at, sender=sender, reason=DROPPED)
        moved += 1
    return moved
