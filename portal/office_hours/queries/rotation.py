"""What the hosts of a series have taken on, and when they are busy."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.office_hours.models import BusySpan, Series, SeriesHost, Sitting, Slot, SlotHost
from portal.office_hours.rules.planning import Span
from portal.office_hours.rules.rotation import HostLoad
from portal.office_hours.states import SlotState
from portal.office_hours.time import iso_week

# A week's maximum counts the whole week around each slot.
AROUND = timedelta(days=8)


def lock_hosts(session: Session, account_ids: Collection[int]) -> None:
    """Let only one transaction at a time give slots to these people; in one order, so that none waits for ever."""
    session.execute(
        sa.select(Account.id)
        .where(Account.id.in_(account_ids))
        .order_by(Account.id)
        .with_for_update(key_share=True, of=Account)
    )


def loads(
    session: Session, series: Series, first: datetime, last: datetime, *, lock: bool = True, also: Iterable[int] = ()
) -> list[HostLoad]:
    """What the hosts of a series have taken on so far, with their calendars around the span in question.

    With `lock`, nobody else gives them slots until the end of the transaction. `also` are people who could stand in:
    their share is the same, and their week has no maximum.
    """
    hosts = session.scalars(
        sa.select(SeriesHost).where(SeriesHost.series_id == series.id).order_by(SeriesHost.account_id)
    ).all()
    found = {host.account_id: HostLoad(host.account_id, host.weight, host.weekly_max) for host in hosts}
    for account_id in also:
        found.setdefault(account_id, HostLoad(account_id))
    if lock:
        lock_hosts(session, found)
    around = (first - AROUND, last + AROUND)
    for host_id, starts_at, busy_from, busy_until in session.execute(_taken(found, *around)):
        found[host_id].take(Span(busy_from, busy_until), iso_week(starts_at, series.zone))
    for host_id, since, until in session.execute(_away(found, *around)):
        found[host_id].away.append(Span(since, until))
    totals = _totals(session, series)
    for load in found.values():
        load.total = totals[load.account_id]
    return list(found.values())


def _taken(hosts: Collection[int], since: datetime, before: datetime) -> "sa.Select[int, datetime, datetime, datetime]":
    """The slots that the hosts hold, in either place."""
    when = (Slot.state == SlotState.OPEN, Slot.starts_at > since, Slot.starts_at < before)
    first = sa.select(Slot.host_id, Slot.starts_at, Slot.busy_from, Slot.busy_until).where(
        Slot.host_id.in_(hosts), *when
    )
    second = (
        sa.select(SlotHost.account_id, Slot.starts_at, Slot.busy_from, Slot.busy_until)
        .join(Slot, Slot.id == SlotHost.slot_id)
        .where(SlotHost.account_id.in_(hosts), *when)
    )
    return sa.union_all(first, second)  # type: ignore[return-value]


def _away(hosts: Collection[int], since: datetime, before: datetime) -> "sa.Select[int, datetime, datetime]":
    return (
        sa.select(BusySpan.account_id, BusySpan.since, BusySpan.until)
        .where(BusySpan.account_id.in_(hosts), BusySpan.until > since, BusySpan.since < before)
        .order_by(BusySpan.since)
    )


def _totals(session: Session, series: Series) -> Counter[int]:
    """How many slots of the series each host holds, in either place."""
    own = (Sitting.series_id == series.id, Slot.state == SlotState.OPEN)
    first = sa.select(Slot.host_id).join(Slot.sitting).where(*own)
    second = sa.select(SlotHost.account_id).join(Slot, Slot.id == SlotHost.slot_id).join(Slot.sitting).where(*own)
    return Counter(session.scalars(sa.union_all(first, second)))
