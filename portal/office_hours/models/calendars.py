"""When hosts are busy elsewhere: their own calendars, of which only the times are kept."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.db import Model, refers
from portal.office_hours.states import CalendarKind


class HostCalendar(Model):
    """Where a host's busy times come from: a file that was read once, or an address that is asked again and again.

    The address is a secret of the host (whoever knows it reads the calendar), so it is sealed. `asked_at` is when it
    was last tried, `read_at` when that last went well; `error` says why it did not.
    """

    __tablename__ = "office_host_calendar"
    __table_args__ = (
        sa.CheckConstraint("(kind = 'address') = (sealed IS NOT NULL)", name="address_sealed"),
        sa.Index("ix_office_host_calendar_due", "kind", "asked_at"),
    )

    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    kind: Mapped[CalendarKind]
    sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary(4000), deferred=True)
    etag: Mapped[str | None] = mapped_column(sa.String(200))
    given_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    # How far ahead the times are known.
    known_until: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(sa.String(200))

    account: Mapped[Account] = refers(lazy="raise_on_sql")


class BusySpan(Model):
    """A time at which a host is busy elsewhere. Never with what."""

    __tablename__ = "office_busy_span"
    __table_args__ = (
        sa.CheckConstraint("since < until", name="forward"),
        sa.Index("ix_office_busy_span_when", "account_id", "since"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    since: Mapped[datetime]
    until: Mapped[datetime]
