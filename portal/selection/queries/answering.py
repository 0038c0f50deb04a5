"""Finding what is decided, what goes out, and what must be answered."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, undefer_group

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.models import Challenge
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.selection.models import Wave, WaveEntry
from portal.selection.rules import LAST_DAY, REMIND_BEFORE, UNDECIDED, Counts, Standing, counts_of
from portal.selection.states import EntryState, WaveState


def standing(session: Session, challenge: Challenge) -> Standing:
    """How far the selection has come, in one statement."""
    rows = session.execute(
        sa.select(
            Application.state, Application.pending_decision, Application.wave_id.is_not(None), sa.func.count()
        )
        .where(Application.challenge_id == challenge.id)
        .group_by(Application.state, Application.pending_decision, Application.wave_id.is_not(None))
    ).all()  # fmt: skip

    def of(*states: ApplicationState) -> int:
        return sum(number for state, _, _, number in rows if state in states)

    pending = {
        decision: sum(number for _, meant, waved, number in rows if meant is decision and not waved)
        for decision in {meant for _, meant, _, _ in rows if meant}
    }
    return Standing(
        places=challenge.places, accepted=of(ApplicationState.ACCEPTED), invited=of(ApplicationState.INVITED),
        waitlisted=of(ApplicationState.WAITLISTED), open=of(*UNDECIDED), pending=counts_of(pending),
        in_waves=sum(number for _, meant, waved, number in rows if meant and waved),
    )  # fmt: skip


def waves(session: Session, challenge_id: int) -> list[tuple[Wave, Counts]]:
    """All waves with what they hold, the newest first; two statements."""
    found = session.scalars(sa.select(Wave).where(Wave.challenge_id == challenge_id).order_by(Wave.number.desc())).all()
    held = session.execute(
        sa.select(WaveEntry.wave_id, WaveEntry.decision, sa.func.count())
        .join(WaveEntry.wave)
        .where(Wave.challenge_id == challenge_id)
        .group_by(WaveEntry.wave_id, WaveEntry.decision)
    ).all()  # fmt: skip
    return [
        (wave, counts_of({decision: number for wave_id, decision, number in held if wave_id == wave.id}))
        for wave in found
    ]


def wave(session: Session, challenge_id: int, number: int) -> Wave:
    """One wave of the challenge. Raises NotFound."""
    found = session.scalars(
        sa.select(Wave)
        .options(joinedload(Wave.challenge))
        .where(Wave.challenge_id == challenge_id, Wave.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("wave")
    return found


def counts(session: Session, wave_id: int, *states: EntryState) -> Counts:
    """How many answers a wave holds by decision: all, or those in some states."""
    rows = sa.select(WaveEntry.decision, sa.func.count()).where(WaveEntry.wave_id == wave_id)
    if states:
        rows = rows.where(WaveEntry.state.in_(states))
    return counts_of(dict(session.execute(rows.group_by(WaveEntry.decision)).all()))


def entries(session: Session, wave_id: int, after: str | None = None, *, reader: int | None = None) -> Page[WaveEntry]:
    """The answers of a wave with applications and accounts, a page of them; not the one that the reader gets."""
    rows = (
        sa.select(WaveEntry)
        .join(WaveEntry.application)
        .options(contains_eager(WaveEntry.application).joinedload(Application.account))
        .where(WaveEntry.wave_id == wave_id)
    )
    if reader is not None:
        rows = rows.where(Application.account_id != reader)
    return keyset(session, rows, order=((WaveEntry.decision, "asc"), (WaveEntry.id, "asc")), after=after)


def samples(session: Session, wave_id: int) -> list[WaveEntry]:
    """One answer of each kind, to be read before it is sent."""
    first = sa.select(sa.func.min(WaveEntry.id)).where(WaveEntry.wave_id == wave_id).group_by(WaveEntry.decision)
    rows = (
        sa.select(WaveEntry)
        .options(joinedload(WaveEntry.application).joinedload(Application.account), joinedload(WaveEntry.wave))
        .where(WaveEntry.id.in_(first))
    )
    order = ("invite", "waitlist", "decline")
    return sorted(session.scalars(rows), key=lambda entry: order.index(entry.decision.value))


def due_entries(session: Session, wave_id: int, limit: int) -> Sequence[WaveEntry]:
    """The next answers to hand over, they and their applications kept from everybody else until the commit."""
    return session.scalars(
        sa.select(WaveEntry)
        .join(WaveEntry.application)
        .join(Application.account)
        .options(contains_eager(WaveEntry.application).contains_eager(Application.account))
        .where(WaveEntry.wave_id == wave_id, WaveEntry.state == EntryState.PENDING)
        .order_by(WaveEntry.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=[WaveEntry, Application])
        .execution_options(populate_existing=True)
    ).all()


def releasing(session: Session) -> Sequence[int]:
    """The waves that are on their way out."""
    return session.scalars(sa.select(Wave.id).where(Wave.state == WaveState.RELEASING).order_by(Wave.id)).all()


def hold_releasing(session: Session, wave_id: int) -> bool:
    """Keep a wave that is going out from everybody else until the commit. False if it is not, or somebody has it."""
    held = sa.select(Wave).where(Wave.id == wave_id, Wave.state == WaveState.RELEASING)
    held = held.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return session.scalars(held).one_or_none() is not None


def some_pending(session: Session, wave_id: int) -> bool:
    """Whether an answer of the wave is still to be given."""
    waiting = sa.select(WaveEntry.id).where(WaveEntry.wave_id == wave_id, WaveEntry.state == EntryState.PENDING)
    return session.scalars(waiting.limit(1)).one_or_none() is not None


def due_answers(session: Session, before: datetime, *, limit: int = 500) -> Sequence[int]:
    """Invitations that must be answered by `before`."""
    rows = sa.select(Application.id).where(
        Application.state == ApplicationState.INVITED, Application.answer_by <= before
    )
    return session.scalars(rows.order_by(Application.answer_by, Application.id).limit(limit)).all()


def due_reminders(session: Session, at: datetime) -> Sequence[int]:
    """Invitations of which somebody may have to be reminded; `rules.reminder_due` says whether."""
    first = sa.and_(Application.reminded_at.is_(None), Application.answer_by <= at + REMIND_BEFORE)
    last = sa.and_(Application.reminded_at <= at - LAST_DAY, Application.answer_by <= at + LAST_DAY)
    rows = sa.select(Application.id).where(
        Application.state == ApplicationState.INVITED, Application.answer_by > at, sa.or_(first, last)
    )
    return session.scalars(rows.order_by(Application.answer_by, Application.id)).all()


def whole_application(session: Session, application_id: int) -> Application:
    """An application with its account and challenge, as it is now."""
    return session.scalars(
        sa.select(Application)
        .options(joinedload(Application.account), joinedload(Application.challenge), undefer_group("text"))
        .where(Application.id == application_id)
        .execution_options(populate_existing=True)
    ).one()
