"""Waves: from decisions that are meant to answers that are told."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import Decision
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import take
from portal.selection import queries, rules, states, supply
from portal.selection.actions import answers
from portal.selection.models import Wave, WaveEntry, WaveLetter
from portal.selection.queries.holding import hold
from portal.selection.queries.promised import needing
from portal.selection.rules import letters
from portal.selection.rules.pace import Pace, pace_of
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
        raise Refused("No decision is meant at present: choose some in the list of applications, or freeze a draft.")
    reason = rules.why_not_deadline(held, answer_by, at)
    if reason:
        raise Invalid({"answer_by": reason})
    if not held.invite:
        wave.answer_by = None
    _note(session, wave, "create-wave", by=by, at=at, after=held._asdict())
    return wave


def _freeze(session: Session, wave: Wave) -> rules.Counts:
    """Take the applications first: two leads at the same moment then never hold the same one."""
    meant = (
        Application.challenge_id == wave.challenge_id,
        Application.pending_decision.is_not(None),
        Application.wave_id.is_(None),
    )
    hold(session, *meant)
    session.execute(
        sa.update(Application).where(*meant).values(wave_id=wave.id).execution_options(synchronize_session=False)
    )
    columns = [WaveEntry.wave_id, WaveEntry.application_id, WaveEntry.decision, WaveEntry.state]
    pending = sa.literal(EntryState.PENDING, WaveEntry.state.type)
    taken = sa.select(Application.wave_id, Application.id, Application.pending_decision, pending)
    session.execute(
        sa.insert(WaveEntry).from_select(columns, taken.where(Application.wave_id == wave.id).order_by(Application.rnd))
    )
    session.expire_all()
    return queries.counts(session, wave.id)


def _let_go(session: Session, wave: Wave, reason: str, at: datetime) -> int:
    """Skip what has not gone, and let its applications be meant again. How many answers that were."""
    waiting = WaveEntry.wave_id == wave.id, WaveEntry.state == EntryState.PENDING
    skipped = session.execute(
        sa.update(WaveEntry)
        .where(*waiting)
        .values(state=EntryState.SKIPPED, reason=reason, done_at=at)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        sa.update(Application)
        .where(Application.wave_id == wave.id)
        .values(wave_id=None)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    assert isinstance(skipped, sa.CursorResult)
    return skipped.rowcount


def discard_wave(session: Session, wave: Wave, *, by: int, at: datetime) -> None:
    """Dissolve a wave that was not released; what was meant is still meant."""
    take(session, wave, states.DISCARD, at=at)
    _let_go(session, wave, "the wave was discarded", at)
    _note(session, wave, "discard-wave", by=by, at=at)


def pace_wave(session: Session, wave: Wave, pace: Pace, *, by: int, at: datetime) -> None:
    """Say how fast and at which hours a wave goes out, as long as it does not. Raises Refused, Conflict."""
    if wave.state not in (WaveState.DRAFT, WaveState.PAUSED):
        raise Refused("The pace can be changed before the release, and while the wave is paused.")
    values = {"rate": pace.rate, "open_from": pace.open_from, "open_until": pace.open_until, "weekdays": pace.weekdays}
    _set(session, wave, **values)
    _note(session, wave, "pace-wave", by=by, at=at, after=values)


def write_letter(
    session: Session, wave: Wave, decision: Decision, subject: str, body: str, *, by: int, at: datetime
) -> None:
    """Say in the lead's own words what one kind of answer of a draft says. Raises Invalid by field, Refused, Conflict.

    Everybody of a kind is told the same: once it goes out, nothing can be written any more.
    """
    wrong = letters.faults(decision, subject, body)
    if wrong:
        raise Invalid(wrong)
    _refuse_written(session, wave)
    session.merge(WaveLetter(wave_id=wave.id, decision=decision, subject=subject.strip(), body=body.strip()))
    session.flush()
    told = {"decision": decision, "subject": subject.strip(), "body": body.strip()}
    _note(session, wave, "write-letter", by=by, at=at, after=told)


def drop_letter(session: Session, wave: Wave, decision: Decision, *, by: int, at: datetime) -> None:
    """Send the portal's own words after all."""
    _refuse_written(session, wave)
    mine = WaveLetter.wave_id == wave.id, WaveLetter.decision == decision
    session.execute(sa.delete(WaveLetter).where(*mine).execution_options(synchronize_session="fetch"))
    _note(session, wave, "drop-letter", by=by, at=at, after={"decision": decision})


def _refuse_written(session: Session, wave: Wave) -> None:
    if wave.state is not WaveState.DRAFT:
        raise Refused("The words of a wave can be changed until it is released.")
    _set(session, wave, state=WaveState.DRAFT)


def _set(session: Session, wave: Wave, **values: object) -> None:
    """Compare and set: the wave is held as it was read, until the commit."""
    session.flush()
    changed = session.execute(
        sa.update(Wave)
        .where(Wave.id == wave.id, Wave.state == wave.state)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, sa.CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just moved it. Look at it again.")
    session.refresh(wave)


def release_wave(session: Session, wave: Wave, *, count: int, by: int, at: datetime) -> None:
    """Let a wave go out. `count` is how many answers the person means to send. The first ones go at once.

    Raises Refused where the wave holds another number and where there are too few kits for whom it invites, Conflict
    where somebody has just released it.
    """
    take(session, wave, states.RELEASE, at=at, released_by_id=by, released_at=at)
    held = queries.counts(session, wave.id, EntryState.PENDING)
    if count != held.total:
        raise Refused(f"The wave holds {held.total} answers, not {count}. Nothing was sent.")
    reason = rules.why_not_deadline(held, wave.answer_by, at)
    if reason:
        raise Refused(f"{reason} Discard the wave and make a new one with a later date.")
    _note(session, wave, "release-wave", by=by, at=at, after=held._asdict())
    reserve_kits(session, wave, by=by, at=at)
    hand_over(session, wave, at=at)


def reserve_kits(session: Session, wave: Wave, *, by: int, at: datetime) -> None:
    """Keep a kit for everybody whom the wave will invite. Raises Refused with the number that is missing."""
    supply.reserve(session, wave.challenge, needing(session, wave.id), by=by, at=at)


def pause_wave(session: Session, wave: Wave, *, by: int, at: datetime) -> None:
    """Tell nobody else for now. Whoever is being told at this moment still is."""
    take(session, wave, states.PAUSE, at=at)
    _note(session, wave, "pause-wave", by=by, at=at)


def resume_wave(session: Session, wave: Wave, *, by: int, at: datetime) -> None:
    """Go on where it was paused. The time of the pause is not made up for."""
    take(session, wave, states.RESUME, at=at, paced_until=at)
    _note(session, wave, "resume-wave", by=by, at=at)


def stop_wave(session: Session, wave: Wave, reason: str, *, by: int, at: datetime) -> int:
    """End a wave before everybody was told. What has not gone is meant still, and can be meant otherwise.

    Returns how many answers did not go. Raises Invalid without a reason, Refused, Conflict.
    """
    if not reason.strip():
        raise Invalid({"reason": "Say why."})
    take(session, wave, states.STOP, at=at, stopped_because=reason.strip()[:200])
    supply.release(session, wave.challenge, needing(session, wave.id), by=by, at=at)
    left = _let_go(session, wave, f"stopped: {reason.strip()}"[:120], at)
    _note(session, wave, "stop-wave", by=by, at=at, after={"left": left}, reason=reason.strip())
    return left


def hand_over(session: Session, wave: Wave, *, at: datetime, limit: int = CHUNK) -> int:
    """Give out the next answers of a wave that is being released: state, mail and audit together.

    Returns how many were dealt with: none while somebody else is at it, outside of its hours, or faster than its rate.
    What is not true any more is skipped, with its reason. Safe to call at any time.
    """
    if not queries.hold_releasing(session, wave.id):
        return 0
    pace = pace_of(wave, wave.challenge.zone)
    allowed = pace.allowance(wave.paced_until, at, limit)
    due = queries.due_entries(session, wave.id, allowed) if allowed else []
    judged = [(entry, rules.why_not_answer(entry, entry.application, wave.answer_by, at)) for entry in due]
    told = [entry for entry, reason in judged if reason is None]
    answers.give(session, wave, told, at=at)
    skipped = [(entry, reason) for entry, reason in judged if reason]
    uninvited = [entry.application_id for entry, _ in skipped if entry.decision is Decision.INVITE]
    answers.skip(session, skipped, at=at)
    supply.release(session, wave.challenge, uninvited, by=None, at=at)
    if wave.rate:
        wave.paced_until = pace.since(wave.paced_until, at) + pace.each * len(told)
    session.flush()
    if not queries.some_pending(session, wave.id):
        take(session, wave, states.FINISH, at=at)
    return len(due)


def _note(
    session: Session, wave: Wave, verb: str, *, by: int, at: datetime, after: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> None:  # fmt: skip
    audit.record(
        session, f"selection:{verb}", f"wave:{wave.id}", by=by, at=at, scope=wave.challenge.slug, after=after,
        reason=reason,
    )  # fmt: skip
