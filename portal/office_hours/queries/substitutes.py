"""Who can stand in for an engineer, and whose slots need somebody else."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.challenges.models import Challenge
from portal.office_hours.models import Series, Sitting, Slot
from portal.office_hours.queries.base import whole_slot
from portal.office_hours.queries.rotation import loads
from portal.office_hours.queries.sittings import hosts_of, ids_of
from portal.office_hours.rules.planning import Span
from portal.office_hours.rules.rotation import in_turn
from portal.office_hours.states import SlotState
from portal.office_hours.time import iso_week


class Candidate(NamedTuple):
    """Somebody who might hold a slot, and why not; `why_not` is empty for those who can."""

    account: Account
    why_not: str = ""


class Gap(NamedTuple):
    """A coming slot and the engineer who has left the programme."""

    slot: Slot
    account: Account


def candidates(session: Session, slots: Sequence[Slot], *, lock: bool = False) -> list[Candidate]:
    """The hosts of the slots' series in the order of their turn, then the challenge's other hosts.

    The slots are whole ones of one session. Nobody is offered who could not take all of them.
    """
    series = slots[0].sitting.series
    others = {host.id: host for host in holders(session, Role.HOST, series.challenge.slug)}
    begin, end, spans = (
        slots[0].starts_at,
        slots[-1].starts_at,
        [Span(slot.busy_from, slot.busy_until) for slot in slots],
    )
    week, holding = iso_week(begin, series.zone), {number for slot in slots for number in ids_of(slot)}
    found = loads(session, series, begin, end, lock=lock, also=others)
    told = []
    for load in in_turn(found):
        if load.account_id not in others:
            continue  # left the programme
        why_not = next(filter(None, (load.why_not(span, week) for span in spans)), "")
        told.append(Candidate(others[load.account_id], "holds it" if load.account_id in holding else why_not))
    return told


def slots_of(session: Session, sitting_id: int, account_id: int) -> Sequence[Slot]:
    """The open slots of a session that the person holds in either place, whole, in order."""
    slots = session.scalars(
        sa.select(Slot)
        .options(*whole_slot())
        .where(Slot.sitting_id == sitting_id, Slot.state == SlotState.OPEN)
        .order_by(Slot.starts_at, Slot.id)
        .execution_options(populate_existing=True)
    ).all()
    return [slot for slot in slots if account_id in ids_of(slot)]


def gaps(session: Session, challenge: Challenge, at: datetime) -> list[Gap]:
    """The coming slots of engineers who are no hosts of the challenge any more, the next one first."""
    known = {host.id for host in holders(session, Role.HOST, challenge.slug)}
    coming = session.scalars(
        sa.select(Slot)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(*whole_slot())
        .where(Series.challenge_id == challenge.id, Slot.state == SlotState.OPEN, Slot.starts_at > at)
        .order_by(Slot.starts_at, Slot.id)
    ).all()
    return [Gap(slot, host) for slot in coming for host in hosts_of(slot) if host.id not in known]
