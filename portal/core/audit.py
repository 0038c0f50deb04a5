"""The audit: who did what to which object, in an append-only chain of hashes.

Entries wait in the session until it commits. Only then are they chained and written, under a lock that is held for
the commit alone: writers do not wait for one another while they work, and the rows stand in the order of the chain.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, cast
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from portal.core.db import Model, append_only

GENESIS = "0" * 64
_PENDING = "portal.audit.pending"
# How many entries were pending when a savepoint was set.
_marks: WeakKeyDictionary[SessionTransaction, int] = WeakKeyDictionary()
# An arbitrary number of ours: the advisory lock under which the chain grows on PostgreSQL.
_LOCK = 0x61756469


class AuditEntry(Model):
    """One act. `subject` is "kind:id", `scope` the slug of the challenge it belongs to."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.Index("ix_audit_entry_subject", "subject", "id"),
        sa.Index("ix_audit_entry_scope", "scope", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    tag: Mapped[str] = mapped_column(sa.String(64))
    subject: Mapped[str] = mapped_column(sa.String(80))
    scope: Mapped[str | None] = mapped_column(sa.String(64))
    # No foreign key: what was done stays told when the account is erased.
    actor_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)

    def digest(self) -> str:
        """SHA-256 over the previous hash and this entry's content in canonical JSON."""
        content = [self.previous, self.at.isoformat(), self.tag, self.subject, self.scope, self.actor_id, self.detail]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


append_only(AuditEntry.__table__)
# Made once: they run in every change, under the lock.
_LAST = sa.select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
_ADDED = sa.insert(AuditEntry.__table__)  # type: ignore[arg-type]
_COLUMNS = [column.key for column in AuditEntry.__table__.columns if column.key != "id"]


def record(
    session: Session,
    tag: str,
    subject: str,
    *,
    by: int | None,
    at: datetime,
    scope: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Note an act, to be written with the session's commit. `tag` is "room:verb"; values must be fit for JSON."""
    told = {"before": before, "after": after, "reason": reason}
    detail = json.loads(json.dumps({key: value for key, value in told.items() if value is not None}, default=str))
    if not session.in_transaction():
        session.begin()  # so that a rollback is noticed even where nothing else was done
    # The hash is over the time as it is read back: in UTC, whichever zone it comes in.
    entry = AuditEntry(at=at.astimezone(UTC), tag=tag, subject=subject, scope=scope, actor_id=by, detail=detail)
    session.info.setdefault(_PENDING, []).append(entry)


def chain(entries: list[AuditEntry], previous: str) -> None:
    """Fill in the hashes of `entries`, which follow the entry whose hash is `previous`."""
    for entry in entries:
        entry.previous = previous
        entry.hash = previous = entry.digest()


def first_broken(session: Session) -> AuditEntry | None:
    """Recompute the whole chain; the first row that does not fit, if any."""
    previous = GENESIS
    with closing(
        session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000))
    ) as rows:
        for entry in rows:
            if entry.previous != previous or entry.hash != entry.digest():
                return entry
            previous = entry.hash
    return None


@event.listens_for(Session, "before_commit")
def _write_pending(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.get(_PENDING):
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    entries = cast(list[AuditEntry], session.info.pop(_PENDING))
    last = session.scalars(_LAST).one_or_none()
    chain(entries, last or GENESIS)
    # One statement for all of them, whose order is that of the list.
    session.execute(_ADDED, [{name: getattr(entry, name) for name in _COLUMNS} for entry in entries])


@event.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _marks[transaction] = len(session.info.get(_PENDING, []))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """What was rolled back did not happen: neither did its entries."""
    kept = _marks.pop(transaction, 0) if transaction.nested else 0
    del session.info.setdefault(_PENDING, [])[kept:]
