"""What happened to a session, and which of its times nobody holds."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.audit import AuditEntry
from portal.office_hours import rules
from portal.office_hours.models import Series, Sitting, Slot
from portal.office_hours.queries.rotation import loads
from portal.office_hours.rules.planning import Place
from portal.office_hours.rules.rotation import HostLoad, in_turn
from portal.office_hours.states import SlotState
from portal.office_hours.time import iso_week


class Told(NamedTuple):
    """An entry of the audit with the name of who acted, if it was a person."""

    entry: AuditEntry
    actor: str


class Unheld(NamedTuple):
    """A time of a session for which no host was free, and why each of them is not."""

    place: Place
    reasons: list[str]


def story_of(session: Session, sitting: Sitting) -> list[Told]:
    """What was done to a session, in order."""
    rows = session.execute(
        sa.select(AuditEntry, Account.name)
        .outerjoin(Account, Account.id == AuditEntry.actor_id)
        .where(AuditEntry.subject == f"session:{sitting.id}")
        .order_by(AuditEntry.id)
    )
    return [Told(entry, actor or "") for entry, actor in rows]


def unheld(session: Session, sitting: Sitting, series: Series) -> list[Unheld]:
    """The times at which a planned session could have a slot, but nobody of its hosts is free."""
    held = set(
        session.scalars(sa.select(Slot.starts_at).where(Slot.sitting_id == sitting.id, Slot.state == SlotState.OPEN))
    )
    free = [place for place in rules.layout(sitting.starts_at, series) if place.slot.since not in held]
    if not free:
        return []
    hosts = in_turn(loads(session, series, sitting.starts_at, sitting.starts_at, lock=False))
    names = names_of(session, [host.account_id for host in hosts])
    week = iso_week(sitting.starts_at, series.zone)
    return [Unheld(place, [_reason(host, place, week, names) for host in hosts]) for place in free]


def _reason(host: HostLoad, place: Place, week: str, names: dict[int, str]) -> str:
    return f"{names[host.account_id]} {host.why_not(place.busy, week) or 'is free by now'}"


def names_of(session: Session, account_ids: Iterable[int]) -> dict[int, str]:
    """People's names by their accounts."""
    return dict(session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(account_ids))).all())
