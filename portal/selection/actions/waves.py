"""Waves: from decisions that are meant to answers that are told."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.actions import move
from portal.applications.models import Application
from portal.applications.states import RELEASES, Decision
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import take
from portal.selection import queries, rules, states
from portal.selection.actions.mails import TEMPLATES, tell
from portal.selection.models import Wave, WaveEntry
from portal.selection.states import EntryState, WaveState

# How many answers go out in one transaction.
CHUNK = 100


def create_wave(session: Session, challenge: Challenge, answer_by: datetime | None, *, by: int, at: datetime) -> Wave:
    """Freeze all decisions that are meant and in no wave yet into a new one. Nobody is told of anything.

    Raises Refused where none is meant, Invalid for a date by which nobody could answer.
    """
    highest = sa.select(sa.func.max(Wave.number)).where(Wave.challenge_id == challenge.id)
    number = (session.scalars(highest).one() or 0) + 1
    wave = Wave(
        challenge_id=challenge.id, number=number, state=WaveState.DRAFT, state_since=at, answer_by=answer_by,
        created_by_id=by, created_at=at,
    )  # fmt: skip
    session.add(wave)
    with conflicts():
        session.flush()
    held = _freeze(session, wave)
    if not held.total:
        raise Refused("No decision is meant at present: choose some on the selection page first.")
    reason = rules.why_not_deadline(held, answer_by, at)
    if reason:
        raise Invalid({"answer_by": reason})
    if not held.invite:
        wave.answer_by = None
    _note(session, wave, "create-wave", by=by, at=at, after=held._asdict())
    return wave


def _freeze(session: Session, wave: Wave) -> rules.Counts:
    """Take the applications first: two leads at the same moment then never hold the same one."""
    session.execute(
        sa.update(Application)
        .where(
            Application.challenge_id == wave.challenge_id,
            Application.pending_decision.is_not(None),
            Application.wave_id.is_(None),
        )
        .values(wave_id=wave.id)
        .execution_options(synchronize_session=False)
    )
    columns = [WaveEntry.wave_id, WaveEntry.application_id, WaveEntry.decision, WaveEntry.state]
    pending = sa.literal(EntryState.PENDING, WaveEntry.state.type)
    taken = sa.select(Application.wave_id, Application.id, Application.pending_decision, pending)
    session.execute(
        sa.insert(WaveEntry).from_select(columns, taken.where(Application.wave_id == wave.id).order_by(Application.rnd))
    )
    session.expire_all()
    return queries.counts(session, wave.id)


def discard_wave(session: Session, wave: Wave, *, by: int, at: datetime) -> None:
    """Dissolve a wave that was not released; what was meant is still meant."""
    take(session, wave, states.DISCARD, at=at)
    session.execute(
        sa.update(WaveEntry)
        .where(WaveEntry.wave_id == wave.id)
        .values(state=EntryState.SKIPPED, reason="the wave was discarded", done_at=at)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        sa.update(Application)
        .where(Application.wave_id == wave.id)
        .values(wave_id=None)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    _note(session, wave, "discard-wave", by=by, at=at)


def release_wave(session: Session, wave: Wave, *, count: int, by: int, at: datetime) -> None:
    """Let a wave go out. `count` is how many answers the person means to send. The first ones go at once.

    Raises Refused where the wave holds another number, Conflict where somebody has just released it.
    """
    take(session, wave, states.RELEASE, at=at, released_by_id=by, released_at=at)
    held = queries.counts(session, wave.id, EntryState.PENDING)
    if count != held.total:
        raise Refused(f"The wave holds {held.total} answers, not {count}. Nothing was sent.")
    reason = rules.why_not_deadline(held, wave.answer_by, at)
    if reason:
        raise Refused(f"{reason} Discard the wave and make a new one with a later date.")
    _note(session, wave, "release-wave", by=by, at=at, after=held._asdict())
    hand_over(session, wave, at=at)


def hand_over(session: Session, wave: Wave, *, at: datetime, limit: int = CHUNK) -> int:
    """Give out the next answers of a wave that is being released: state, mail and audit together.

    Returns how many were dealt with. What is not true any more is skipped, with its reason. Safe to call at any time.
    """
    due = queries.due_entries(session, wave.id, limit)
    for entry in due:
        reason = rules.why_not_answer(entry, entry.application)
        if reason is None:
            _answer(session, wave, entry, at)
        entry.state, entry.reason = (EntryState.SKIPPED, reason) if reason else (EntryState.DONE, None)
        entry.done_at = at
    session.flush()
    if wave.state is WaveState.RELEASING and not queries.counts(session, wave.id, EntryState.PENDING).total:
        take(session, wave, states.FINISH, at=at)
    return len(due)


def _answer(session: Session, wave: Wave, entry: WaveEntry, at: datetime) -> None:
    application, step = entry.application, RELEASES[entry.decision]
    invited = entry.decision is Decision.INVITE
    move(
        session, application, step, by=wave.released_by_id, at=at, room="selection",
        decided_by_id=wave.released_by_id, decided_at=at,
        answer_by=wave.answer_by if invited else application.answer_by, reminded_at=None,
    )  # fmt: skip
    tell(session, application, TEMPLATES[entry.decision], f"wave:{wave.id}", at=at)


def _note(
    session: Session, wave: Wave, verb: str, *, by: int, at: datetime, after: dict[str, int] | None = None
) -> None:
    audit.record(session, f"selection:{verb}", f"wave:{wave.id}", by=by, at=at, scope=wave.challenge.slug, after=after)
