"""Exceptions from a series: a session at another time, one more, and one that was called off opened again.

The key of each is its recurrence, so that nothing that the series makes later undoes an exception.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.moves import take
from portal.office_hours import queries, states
from portal.office_hours.actions.mails import tell
from portal.office_hours.actions.sittings import new_sitting
from portal.office_hours.actions.slots import carry, close_slots, fill, last_position, open_slots
from portal.office_hours.ics import Sender
from portal.office_hours.models import Series, Sitting
from portal.office_hours.queries.clashes import clashes_of_move
from portal.office_hours.queries.rotation import loads, lock_hosts
from portal.office_hours.queries.sittings import ids_of
from portal.office_hours.rules.exceptions import why_not_add, why_not_move, why_not_reopen
from portal.office_hours.states import SittingState
from portal.office_hours.time import instant, wall, zone_rules_version


def move_sitting(
    session: Session, sitting: Sitting, local: datetime, *, by: int, at: datetime, sender: Sender | None,
    reason: str | None = None,
) -> int:  # fmt: skip
    """Move a planned session to the naive `local` on its series' clock; how many bookings went with it.

    Bookings keep their uid, and everybody is told. Raises Refused, naming everyone who clashes, while somebody does.
    """
    series, before = sitting.series, sitting.starts_at
    starts_at = instant(local, series.zone)
    refusal = why_not_move(sitting, starts_at, at)
    if refusal:
        raise Refused(refusal)
    lock_hosts(session, {host for slot in open_slots(session, [sitting.id]) for host in ids_of(slot)})
    # The slots first: a booking that is being made holds its slot, and is seen from here on.
    slots = open_slots(session, [sitting.id])
    close_slots(session, slots)
    clashes = clashes_of_move(session, sitting, slots, starts_at - before)
    if clashes:
        raise Refused("First settle: " + " ".join(clashes))
    _set_time(session, sitting, local, before)
    with conflicts():
        moved = carry(session, slots, starts_at - before, at)
    for booking in moved:
        tell(session, queries.whole_booking(session, booking), "moved", at=at, sender=sender)
    _note(session, "move-session", sitting, series.challenge, by=by, at=at, reason=reason, before={"starts_at": before},
          after={"starts_at": starts_at, "bookings": len(moved)})  # fmt: skip
    return len(moved)


def _set_time(session: Session, sitting: Sitting, local: datetime, before: datetime) -> None:
    """Compare and set: somebody else may have moved it, or called it off."""
    series = sitting.series
    starts_at = instant(local, series.zone)
    changed = session.scalars(
        sa.update(Sitting)
        .where(Sitting.id == sitting.id, Sitting.state == SittingState.PLANNED, Sitting.starts_at == before)
        .values(
            starts_at=starts_at, ends_at=starts_at + (sitting.ends_at - before), wall=wall(local, series.zone),
            moved_local=None if local == sitting.recurrence_local else local, zone_rules=zone_rules_version(),
        )
        .returning(Sitting.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()  # fmt: skip
    if changed is None:
        raise Conflict("Somebody has just changed this session. Look at it again.")
    session.refresh(sitting, ["starts_at", "ends_at", "wall", "moved_local", "zone_rules"])


def add_sitting(session: Session, series: Series, local: datetime, *, by: int, at: datetime, scope: str) -> Sitting:
    """Add a session outside the rule at the naive `local`. Raises Conflict where the series has one there already."""
    starts_at = instant(local, series.zone)
    refusal = why_not_add(series, starts_at, at)
    if refusal:
        raise Refused(refusal)
    hosts = loads(session, series, starts_at, starts_at)
    sitting = new_sitting(series, local, starts_at, at)
    sitting.added = True
    session.add(sitting)
    with conflicts():
        session.flush()
        slots = fill(session, sitting, series, hosts)
    audit.record(session, "office_hours:add-session", f"session:{sitting.id}", by=by, at=at, scope=scope,
                 after={"starts_at": starts_at, "slots": len(slots)})  # fmt: skip
    return sitting


def reopen_sitting(session: Session, sitting: Sitting, *, by: int, at: datetime) -> int:
    """Open a session that was called off again, with new slots by rotation; how many. Old bookings stay cancelled."""
    refusal = why_not_reopen(sitting, at)
    if refusal:
        raise Refused(refusal)
    series = sitting.series
    hosts = loads(session, series, sitting.starts_at, sitting.starts_at)
    take(session, sitting, states.REOPEN_SITTING, at=at, cancel_reason=None)
    with conflicts():
        slots = fill(session, sitting, series, hosts, last_position(session, sitting.id))
    _note(session, "reopen-session", sitting, series.challenge, by=by, at=at, after={"slots": len(slots)})
    return len(slots)


def _note(
    session: Session, verb: str, sitting: Sitting, challenge: Challenge, *, by: int, at: datetime,
    reason: str | None = None, before: Mapping[str, object] | None = None, after: Mapping[str, object],
) -> None:  # fmt: skip
    audit.record(
        session, f"office_hours:{verb}", f"session:{sitting.id}", by=by, at=at, scope=challenge.slug, reason=reason,
        before=before, after=after,
    )  # fmt: skip
