"""Mail after truth: what is to be sent is a row of the transaction that makes it true; a job delivers it.

Delivery is at least once. A row is claimed under a lease, handed over, and marked; a worker that dies in between lets
the lease run out, and the mail goes again under the same Message-ID.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.db import Model, insert

LEASE = timedelta(minutes=5)
TRIES = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=2)


class Unreachable(Exception):
    """There is no way out for any mail just now; the one at hand is not at fault."""


class MailState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    # Nothing to say any more when its turn came: its guard said so.
    DROPPED = "dropped"
    # A dead letter: staff see it and can send it again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a calendar program reads in the mail: the iTIP method and the iCalendar text (RFC 6047)."""

    method: str
    text: str


class OutgoingMail(Model):
    """One mail to one address."""

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        sa.CheckConstraint("(state = 'sending') = (lease IS NOT NULL)", name="sending_has_lease"),
        sa.CheckConstraint("(calendar_method IS NULL) = (calendar_text IS NULL)", name="calendar_whole"),
        sa.Index("ix_outgoing_mail_due", "state", "not_before"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    template: Mapped[str] = mapped_column(sa.String(80))
    to: Mapped[str] = mapped_column(sa.String(254), index=True)
    context: Mapped[dict[str, Any]]
    secret: Mapped[bool] = mapped_column(default=False)
    calendar_method: Mapped[str | None] = mapped_column(sa.String(10))
    calendar_text: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[MailState] = mapped_column(default=MailState.QUEUED)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(sa.String(32))
    error: Mapped[str | None] = mapped_column(sa.Text)
    sent_at: Mapped[datetime | None]

    @property
    def token(self) -> str:
        """The left side of the Message-ID: the same for every try, and telling nothing."""
        return hashlib.sha256(self.dedupe_key.encode()).hexdigest()[:32]


Guard = Callable[[Session, OutgoingMail], bool]
_GUARDS: dict[str, Guard] = {}


def guard(template: str, still_true: Guard) -> None:
    """Ask `still_true` again when a mail of this template is about to go; a no drops it."""
    _GUARDS[template] = still_true


def post(
    session: Session,
    template: str,
    *,
    to: str,
    key: str,
    at: datetime,
    context: Mapping[str, Any] | None = None,
    not_before: datetime | None = None,
    calendar: Calendar | None = None,
    secret: bool = False,
) -> None:
    """Put a mail into the outbox, within the transaction of the change that it tells of.

    `template` is "room/name"; `key` makes it unique: what was posted once is never posted again. A `secret` mail's
    context is forgotten as soon as it was sent.
    """
    values = {
        "dedupe_key": key,
        "template": template,
        "to": to,
        "context": dict(context or {}),
        "secret": secret,
        "state": MailState.QUEUED,
        "created_at": at,
        "not_before": not_before or at,
        "tries": 0,
        "calendar_method": calendar and calendar.method,
        "calendar_text": calendar and calendar.text,
    }
    session.execute(insert(session, OutgoingMail).values(values).on_conflict_do_nothing(index_elements=["dedupe_key"]))


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
    # Whoever is slow stops while the lease still holds, or another worker would send the rest as well.
    enough = time.monotonic() + LEASE.total_seconds() / 2
    for done, mail in enumerate(mails):
        if time.monotonic() > enough:
            _let_go(session, mail, at)
            return done
        try:
            wanted = _deliver(session, mail, send)
        except Unreachable:
            _let_go(session, mail, at)
            raise
        except Exception as problem:
            session.rollback()
            _put_back(session, mail, f"{type(problem).__name__}: {problem}"[:1000], at)
        else:
            forgotten: dict[str, Any] = {"context": {}} if mail.secret else {}
            sent = {"state": MailState.SENT, "sent_at": at, "error": None, **forgotten}
            _mark(session, mail, **sent if wanted else {"state": MailState.DROPPED})
    return len(mails)


def _deliver(session: Session, mail: OutgoingMail, send: Callable[[OutgoingMail], None]) -> bool:
    """Hand a mail over, unless its guard says that there is nothing to tell any more."""
    still_true = _GUARDS.get(mail.template)
    if still_true and not still_true(session, mail):
        return False
    # A mail server may take its time: meanwhile nothing may be held, least of all SQLite's only write lock.
    session.rollback()
    send(mail)
    return True


def wait_after(tries: int) -> timedelta:
    """How long to wait after the n-th failure: 30 s, 1 min, 2 min … at most 2 h."""
    return min(LONGEST_WAIT, FIRST_WAIT * float(2 ** (tries - 1)))


def _put_back(session: Session, mail: OutgoingMail, error: str, at: datetime) -> None:
    state = MailState.FAILED if mail.tries >= TRIES else MailState.QUEUED
    _mark(session, mail, state=state, error=error, not_before=at + wait_after(mail.tries))


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


def _mark(session: Session, mail: OutgoingMail, **values: Any) -> None:
    """Write the outcome, unless the lease ran out and somebody else has the mail now."""
    session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id == mail.id, OutgoingMail.lease == mail.lease)
        .values(lease=None, **values)
        .execution_options(synchronize_session=False)
    )
    session.commit()


def send_again(session: Session, mail: OutgoingMail, at: datetime) -> None:
    """Give a dead letter ten more tries."""
    session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id == mail.id, OutgoingMail.state == MailState.FAILED)
        .values(state=MailState.QUEUED, tries=0, not_before=at, error=None)
    )
