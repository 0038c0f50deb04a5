"""Mail after truth: what is to be sent is a row of the transaction that makes it true; a job delivers it.

Delivery is at least once. A row is claimed under a lease, handed over, and marked; a worker that dies in between lets
the lease run out, and the mail goes again under the same Message-ID.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.db import Model

LEASE = timedelta(minutes=5)
TRIES = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=2)


class Unreachable(Exception):
    """There is no way out for any mail just now; the one at hand is not at fault."""


class Undeliverable(Exception):
    """The mail server refuses this mail for good: another try would end in the same way."""


class MailState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    # Nothing to say any more when its turn came: its guard said so.
    DROPPED = "dropped"
    # A dead letter: staff see it and can send it again.
    FAILED = "failed"
    # A dead letter that somebody has dealt with in another way; the note says how.
    SETTLED = "settled"


class Calendar(NamedTuple):
    """What a calendar program reads in the mail: the iTIP method and the iCalendar text (RFC 6047)."""

    method: str
    text: str


_DEAD = sa.text("state = 'failed'")


class OutgoingMail(Model):
    """One mail to one address.

    `subject` is "kind:id" of what it tells of, `scope` the slug of the challenge, both as in the audit. `reply_to` is
    where an answer goes, `thread` the Message-IDs that it follows, the nearest last.
    """

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        sa.CheckConstraint("(state = 'sending') = (lease IS NOT NULL)", name="sending_has_lease"),
        sa.CheckConstraint("(calendar_method IS NULL) = (calendar_text IS NULL)", name="calendar_whole"),
        sa.CheckConstraint("(state = 'settled') = (note IS NOT NULL)", name="settled_has_note"),
        sa.Index("ix_outgoing_mail_due", "state", "not_before"),
        sa.Index("ix_outgoing_mail_dead", "scope", "id", sqlite_where=_DEAD, postgresql_where=_DEAD),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    template: Mapped[str] = mapped_column(sa.String(80))
    to: Mapped[str] = mapped_column(sa.String(254), index=True)
    context: Mapped[dict[str, Any]]
    subject: Mapped[str | None] = mapped_column(sa.String(80), index=True)
    scope: Mapped[str | None] = mapped_column(sa.String(64))
    secret: Mapped[bool] = mapped_column(default=False)
    calendar_method: Mapped[str | None] = mapped_column(sa.String(10))
    calendar_text: Mapped[str | None] = mapped_column(sa.Text)
    reply_to: Mapped[str | None] = mapped_column(sa.String(254))
    thread: Mapped[str | None] = mapped_column(sa.String(600))
    state: Mapped[MailState] = mapped_column(default=MailState.QUEUED)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(sa.String(32))
    error: Mapped[str | None] = mapped_column(sa.Text)
    note: Mapped[str | None] = mapped_column(sa.String(500))
    sent_at: Mapped[datetime | None]

    @property
    def token(self) -> str:
        """The left side of the Message-ID: the same for every try, and telling nothing."""
        return hashlib.sha256(self.dedupe_key.encode()).hexdigest()[:32]


# Made once for either engine: putting it together would take longer than running it.
_MAILS = Model.metadata.tables["outgoing_mail"]
_POSTED: dict[str, sa.Insert] = {
    "sqlite": sqlite.insert(_MAILS).on_conflict_do_nothing(index_elements=["dedupe_key"]),
    "postgresql": postgresql.insert(_MAILS).on_conflict_do_nothing(index_elements=["dedupe_key"]),
}
Guard = Callable[[Session, OutgoingMail], bool]
_GUARDS: dict[str, Guard] = {}


def guard(template: str, still_true: Guard) -> None:
    """Ask `still_true` again when a mail of this template is about to go; a no drops it."""
    _GUARDS[template] = still_true


def row(
    template: str,
    *,
    to: str,
    key: str,
    at: datetime,
    context: Mapping[str, Any] | None = None,
    subject: str | None = None,
    scope: str | None = None,
    not_before: datetime | None = None,
    calendar: Calendar | None = None,
    secret: bool = False,
    reply_to: str | None = None,
    thread: str | None = None,
) -> dict[str, Any]:
    """The row of a mail, for `post_all`; see `post`."""
    return {
        "dedupe_key": key,
        "template": template,
        "to": to,
        "context": dict(context or {}),
        "subject": subject,
        "scope": scope,
        "secret": secret,
        "state": MailState.QUEUED,
        "created_at": at,
        "not_before": not_before or at,
        "tries": 0,
        "calendar_method": calendar and calendar.method,
        "calendar_text": calendar and calendar.text,
        "reply_to": reply_to,
        "thread": thread,
    }


def post(session: Session, template: str, **values: Any) -> None:
    """Put a mail into the outbox, within the transaction of the change that it tells of.

    `template` is "room/name"; `key` makes it unique: what was posted once is never posted again. A `secret` mail's
    context is forgotten as soon as it was sent. The other values are those of `row`.
    """
    post_all(session, [row(template, **values)])


def post_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Put many mails into the outbox at once; each as `post` would."""
    if rows:
        session.execute(_POSTED[session.get_bind().dialect.name], rows)


def claim(session: Session, at: datetime, limit: int) -> Sequence[OutgoingMail]:
    """Take up to `limit` due mails under a fresh lease, those first whose lease a dead worker left behind."""
    due = (
        sa.select(OutgoingMail.id)
        .where(OutgoingMail.state.in_([MailState.QUEUED, MailState.SENDING]), OutgoingMail.not_before <= at)
        .order_by(OutgoingMail.not_before, OutgoingMail.id)
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    lease = secrets.token_hex(16)
    # While it is being sent, `not_before` is the end of the lease: one index serves both questions.
    taken = session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id.in_(due.scalar_subquery()))
        .values(state=MailState.SENDING, lease=lease, not_before=at + LEASE, tries=OutgoingMail.tries + 1)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    assert isinstance(taken, CursorResult)
    if not taken.rowcount:
        return []
    mails = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.lease == lease).order_by(OutgoingMail.id)).all()
    # Detached, a mail keeps the lease under which we took it, whatever becomes of the row.
    for mail in mails:
        session.expunge(mail)
    session.commit()
    return mails


def drain(session: Session, send: Callable[[OutgoingMail], None], at: datetime, limit: int = 100) -> int:
    """Deliver what is due through `send`; each mail is marked as soon as it was handed over. How many were tried.

    Raises Unreachable, as `send` does where no mail can go at all: then nothing is lost, not even a try.
    """
    mails = claim(session, at, limit)
    if not mails:
        return 0
    # Whoever is slow stops while the lease still holds, or another worker would send the rest as well.
    enough = time.monotonic() + LEASE.total_seconds() / 2
    with _marking(session) as connection:
        for done, mail in enumerate(mails):
            if time.monotonic() > enough:
                _let_go(session, mail, at)
                return done
            _attempt(session, connection, mail, send, at)
    return len(mails)


def _attempt(
    session: Session, connection: sa.Connection, mail: OutgoingMail, send: Callable[[OutgoingMail], None], at: datetime
) -> None:
    try:
        wanted = _deliver(session, mail, send)
    except Unreachable:
        _let_go(session, mail, at)
        raise
    except Undeliverable as problem:
        _mark(connection, mail, state=MailState.FAILED, error=str(problem)[:1000])
    except Exception as problem:
        session.rollback()
        _put_back(connection, mail, f"{type(problem).__name__}: {problem}"[:1000], at)
    else:
        if not wanted:
            _mark(connection, mail, state=MailState.DROPPED)
        elif mail.secret:
            _mark(connection, mail, state=MailState.SENT, sent_at=at, error=None, context={})
        else:
            _mark_sent(connection, mail, at)


@contextmanager
def _marking(session: Session) -> Iterator[sa.Connection]:
    """A connection whose commits outlive this process, but do not wait for the disk.

    Waiting would take longer than sending. If the machine loses its power, some of the last mails are sent again,
    under the same Message-ID, as after a kill; the database stays whole.
    """
    with session.get_bind().engine.connect() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            connection.execution_options(isolation_level="AUTOCOMMIT")
        hasty, safe = ("SET synchronous_commit = off", "RESET synchronous_commit") if postgresql else (
            "PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL"
        )  # fmt: skip
        _outside(connection, hasty)
        try:
            yield connection
        finally:
            # Nobody may be lent the connection as it is now.
            if not connection.invalidated:
                _outside(connection, safe)


def _outside(connection: sa.Connection, statement: str) -> None:
    """Run a setting of the connection outside of any transaction: SQLite takes it nowhere else."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(statement)


def _deliver(session: Session, mail: OutgoingMail, send: Callable[[OutgoingMail], None]) -> bool:
    """Hand a mail over, unless its guard says that there is nothing to tell any more."""
    still_true = _GUARDS.get(mail.template)
    wanted = still_true is None or still_true(session, mail)
    # A mail server may take its time: meanwhile nothing may be held, least of all SQLite's only write lock.
    session.rollback()
    if wanted:
        send(mail)
    return wanted


def wait_after(tries: int) -> timedelta:
    """How long to wait after the n-th failure: 30 s, 1 min, 2 min … at most 2 h."""
    return min(LONGEST_WAIT, FIRST_WAIT * float(2 ** (tries - 1)))


def _put_back(connection: sa.Connection, mail: OutgoingMail, error: str, at: datetime) -> None:
    state = MailState.FAILED if mail.tries >= TRIES else MailState.QUEUED
    _mark(connection, mail, state=state, error=error, not_before=at + wait_after(mail.tries))


def _let_go(session: Session, mail: OutgoingMail, at: datetime) -> None:
    """Give back all that is left under this mail's lease, as if it had never been taken."""
    session.rollback()
    session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.lease == mail.lease)
        .values(state=MailState.QUEUED, lease=None, not_before=at, tries=OutgoingMail.tries - 1)
        .execution_options(synchronize_session=False)
    )
    session.commit()


# Made once: SQLAlchemy takes longer to put a statement together than SQLite to run it.
_MINE = sa.and_(OutgoingMail.id == sa.bindparam("mail"), OutgoingMail.lease == sa.bindparam("mine"))
_SENT = (
    sa.update(OutgoingMail.__table__)  # type: ignore[arg-type]
    .where(_MINE)
    .values(state=MailState.SENT, lease=None, error=None, sent_at=sa.bindparam("at"))
)


def _mark_sent(connection: sa.Connection, mail: OutgoingMail, at: datetime) -> None:
    with connection.begin():
        connection.execute(_SENT, {"mail": mail.id, "mine": mail.lease, "at": at})


def _mark(connection: sa.Connection, mail: OutgoingMail, **values: Any) -> None:
    """Write the outcome, unless the lease ran out and somebody else has the mail now."""
    with connection.begin():
        outcome = sa.update(OutgoingMail).where(_MINE).values(lease=None, **values)
        connection.execute(outcome, {"mail": mail.id, "mine": mail.lease})


def send_again(session: Session, mail: OutgoingMail, at: datetime, *, to: str | None = None) -> bool:
    """Give a dead letter ten more tries, to another address if there is one by now. Whether it was dead still."""
    given = {"to": to} if to else {}
    done = session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id == mail.id, OutgoingMail.state == MailState.FAILED)
        .values(state=MailState.QUEUED, tries=0, not_before=at, error=None, **given)
    )
    assert isinstance(done, CursorResult)
    return done.rowcount == 1


def returned(session: Session, mail: OutgoingMail, reason: str) -> bool:
    """Note that a mail came back after the mail server had taken it. Whether it counted as sent until now."""
    done = session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id == mail.id, OutgoingMail.state == MailState.SENT)
        .values(state=MailState.FAILED, sent_at=None, error=reason)
    )
    assert isinstance(done, CursorResult)
    return done.rowcount == 1


def settle(session: Session, mail: OutgoingMail, note: str) -> bool:
    """Lay a dead letter to rest, as somebody has told the person in another way. Whether it was dead still."""
    done = session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id == mail.id, OutgoingMail.state == MailState.FAILED)
        .values(state=MailState.SETTLED, note=note)
    )
    assert isinstance(done, CursorResult)
    return done.rowcount == 1
