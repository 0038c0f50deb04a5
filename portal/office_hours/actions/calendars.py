"""Hosts' own calendars: given, read again, taken back. Only the times are kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.db import insert
from portal.kits.queries.sealed import Sealed, everything
from portal.office_hours.busy import Busy
from portal.office_hours.models import BusySpan, HostCalendar
from portal.office_hours.states import CalendarKind

# How far ahead busy times are kept, and how often an address is asked.
AHEAD = timedelta(days=366)
EVERY = timedelta(hours=1)


def subject(account_id: int) -> str:
    """As whose the address of a calendar is sealed."""
    return f"host calendar {account_id}"


everything.append(Sealed("calendars", HostCalendar, "account_id", "sealed", subject))


def give_file(session: Session, account_id: int, times: Sequence[Busy], *, at: datetime) -> None:
    """Keep the busy times of an uploaded calendar instead of whatever was known."""
    _put(session, account_id, kind=CalendarKind.FILE, sealed=None, etag=None, given_at=at, asked_at=at, read_at=at,
         known_until=at + AHEAD, error=None)  # fmt: skip
    _replace(session, account_id, times)
    _note(session, "give-calendar", account_id, at, {"kind": CalendarKind.FILE})


def give_address(session: Session, account_id: int, sealed: bytes, *, at: datetime) -> None:
    """Keep a sealed address, to be asked by the next run of the job. What was known before is forgotten."""
    _put(session, account_id, kind=CalendarKind.ADDRESS, sealed=sealed, etag=None, given_at=at, asked_at=None,
         read_at=None, known_until=None, error=None)  # fmt: skip
    _replace(session, account_id, [])
    _note(session, "give-calendar", account_id, at, {"kind": CalendarKind.ADDRESS})


def take_back_calendar(session: Session, account_id: int, *, at: datetime) -> None:
    """Forget the calendar and all that it told."""
    forget_calendar(session, account_id)
    _note(session, "take-back-calendar", account_id, at, {})


def forget_calendar(session: Session, account_id: int) -> None:
    """Delete the calendar and its times."""
    for kind in (BusySpan, HostCalendar):
        session.execute(sa.delete(kind).where(kind.account_id == account_id))


def claim_calendar(session: Session, calendar: HostCalendar, *, at: datetime) -> bool:
    """Whether this worker is the one that asks the address now; to be committed before it does."""
    mine = (
        sa.update(HostCalendar)
        .where(HostCalendar.account_id == calendar.account_id, HostCalendar.given_at == calendar.given_at,
               HostCalendar.asked_at.is_not_distinct_from(calendar.asked_at))
        .values(asked_at=at)
        .returning(HostCalendar.account_id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return session.scalars(mine).one_or_none() is not None


def note_answer(
    session: Session, calendar: HostCalendar, *, at: datetime, times: Sequence[Busy] | None = None,
    etag: str | None = None, error: str | None = None,
) -> None:  # fmt: skip
    """Keep what an address answered. After an error, the times that were known stay; so they do without new ones."""
    values: dict[str, object] = {"error": error}
    if error is None:
        values |= {"read_at": at, "etag": etag}
    if times is not None:
        values["known_until"] = at + AHEAD
    same = (HostCalendar.account_id == calendar.account_id, HostCalendar.given_at == calendar.given_at)
    noted = sa.update(HostCalendar).where(*same).values(values).returning(HostCalendar.account_id)
    still = session.scalars(noted, execution_options={"synchronize_session": False}).one_or_none()
    if still is not None and times is not None:
        _replace(session, calendar.account_id, times)


def _put(session: Session, account_id: int, **values: object) -> None:
    made = insert(session, HostCalendar).values(account_id=account_id, **values)
    session.execute(made.on_conflict_do_update(index_elements=["account_id"], set_=values))


def _replace(session: Session, account_id: int, times: Sequence[Busy]) -> None:
    session.execute(sa.delete(BusySpan).where(BusySpan.account_id == account_id))
    if times:
        rows = [{"account_id": account_id, "since": each.since, "until": each.until} for each in times]
        session.execute(sa.insert(BusySpan), rows)


def _note(session: Session, verb: str, account_id: int, at: datetime, after: dict[str, object]) -> None:
    audit.record(session, f"office_hours:{verb}", f"account:{account_id}", by=account_id, at=at, after=after)
