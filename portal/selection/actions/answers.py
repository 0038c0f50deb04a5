"""Giving out many answers at once: what `applications.actions.move` and `mails.tell` do to one, done to a chunk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application, Step
from portal.applications.states import RELEASES, Decision
from portal.core import audit, outbox
from portal.core.errors import Conflict
from portal.selection import rules
from portal.selection.actions import mails
from portal.selection.models import Wave, WaveEntry
from portal.selection.states import EntryState


def give(session: Session, wave: Wave, entries: Sequence[WaveEntry], *, at: datetime) -> None:
    """Tell these people their answers, a few statements for all of them. The entries are held by the caller.

    Raises Conflict where an application has moved since, which the caller's hold makes impossible on PostgreSQL, and
    the one writer of SQLite there.
    """
    if not entries:
        return
    letters = mails.letters_of(session, wave.id)
    for entry in entries:
        step = RELEASES[entry.decision]
        audit.record(
            session, f"selection:{step.name}", f"application:{entry.application_id}", by=wave.released_by_id, at=at,
            scope=wave.challenge.slug, before={"state": entry.application.state}, after={"state": step.target},
        )  # fmt: skip
    outbox.post_all(
        session,
        [
            mails.answer_of(entry, wave.challenge, wave.answer_by, letters, at)
            for entry in entries
            if entry.application.account.active
        ],
    )
    for decision in Decision:
        _move(session, wave, decision, [entry for entry in entries if entry.decision is decision], at)
    _done(session, entries, at, state=EntryState.DONE)


def _move(session: Session, wave: Wave, decision: Decision, entries: Sequence[WaveEntry], at: datetime) -> None:
    if not entries:
        return
    step, numbers = RELEASES[decision], [entry.application_id for entry in entries]
    values: dict[str, Any] = {
        "state": step.target, "state_since": at, "decided_by_id": wave.released_by_id, "decided_at": at,
        "reminded_at": None, "pending_decision": None, "pending_at": None, "wave_id": None,
    }  # fmt: skip
    if decision is Decision.INVITE:
        values["answer_by"] = wave.answer_by
    moved = session.execute(
        sa.update(Application)
        .where(Application.id.in_(numbers), Application.state.in_(step.sources), Application.wave_id == wave.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(moved, sa.CursorResult)
    if moved.rowcount != len(numbers):
        raise Conflict("Somebody has just moved one of them.")
    rows = [
        {"application_id": number, "at": at, "state": step.target, "by_id": wave.released_by_id} for number in numbers
    ]
    session.execute(sa.insert(Step), rows)
    for entry in entries:
        session.expire(entry.application)


def skip(session: Session, entries: Sequence[tuple[WaveEntry, str]], *, at: datetime) -> None:
    """Tell these people nothing. Whose time to answer would be too short is meant still, for another wave."""
    for entry, reason in entries:
        _done(session, [entry], at, state=EntryState.SKIPPED, reason=reason)
        if reason == rules.TOO_LATE:
            entry.application.wave_id = None


def _done(session: Session, entries: Sequence[WaveEntry], at: datetime, **values: object) -> None:
    session.execute(
        sa.update(WaveEntry)
        .where(WaveEntry.id.in_([entry.id for entry in entries]))
        .values(done_at=at, **values)
        .execution_options(synchronize_session=False)
    )
    for entry in entries:
        session.expire(entry)
