"""Finding hosts' own calendars."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, undefer

from portal.accounts.models import Account
from portal.office_hours.models import BusySpan, HostCalendar
from portal.office_hours.states import CalendarKind


def calendar_of(session: Session, account_id: int) -> HostCalendar | None:
    """The person's calendar, without its address."""
    return session.scalars(sa.select(HostCalendar).where(HostCalendar.account_id == account_id)).one_or_none()


def busy_of(session: Session, account_id: int, since: datetime, before: datetime) -> Sequence[BusySpan]:
    """The person's busy times around a span, in order."""
    return session.scalars(
        sa.select(BusySpan)
        .where(BusySpan.account_id == account_id, BusySpan.until > since, BusySpan.since < before)
        .order_by(BusySpan.since)
    ).all()


def due_calendars(session: Session, at: datetime, every: timedelta) -> Sequence[HostCalendar]:
    """The addresses that have not been asked for a while, of active people, with their seals."""
    return session.scalars(
        sa.select(HostCalendar)
        .join(HostCalendar.account)
        .options(joinedload(HostCalendar.account), undefer(HostCalendar.sealed))
        .where(
            HostCalendar.kind == CalendarKind.ADDRESS,
            Account.active,
            sa.or_(HostCalendar.asked_at.is_(None), HostCalendar.asked_at <= at - every),
        )
        .order_by(HostCalendar.account_id)
    ).all()
