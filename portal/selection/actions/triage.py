"""The first pass: handing out applications one by one, and noting what is made of them at first sight.

An application is on one screen at a time. `Look` says on whose: its key is the application, and a row that has not
lapsed is taken from nobody. The one who is given an application holds a lock on its row until the commit, so that
neither two people are given the same one nor somebody one that was judged a moment ago.

A verdict counts if its author still holds the look, lapsed or not, or is changing their mind. Whoever lets a look lapse
and loses it to a colleague is told so, and nothing is counted: the colleague judges.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import Triage
from portal.challenges.models import Challenge
from portal.core import audit, errors
from portal.core.constraints import conflicts
from portal.core.db import insert
from portal.core.errors import Invalid, Refused
from portal.selection.models import Conflict, Look, Plan, Verdict
from portal.selection.queries import triage as queries
from portal.selection.rules import triage as rules
from portal.selection.states import ConflictKind

# How many applications a hand-out passes over, noting why, before it gives up for this time.
_PASSED_OVER = 50
_TAKEN = "Somebody else has this application now, since you had it for long without a sign. Nothing was counted."


def hand_out(
    session: Session, challenge: Challenge, plan: Plan, reviewer_id: int, *, at: datetime, shown: Collection[int] = ()
) -> int | None:
    """Give somebody an application to look at, other than those `shown` already; None if there is none for them.

    What they hold is theirs again for another lease, and comes first. They never hold more than two.
    """
    kept = _renew(session, plan, reviewer_id, at)
    waiting = [number for number in kept if number not in shown]
    if waiting:
        return waiting[0]
    return _take_next(session, challenge, plan, reviewer_id, at) if len(kept) < rules.HELD else None


def _renew(session: Session, plan: Plan, reviewer_id: int, at: datetime) -> list[int]:
    """Prolong what somebody holds; let go of what is not theirs to judge any more."""
    looks = queries.held(session, plan, reviewer_id)
    gone = [look.application_id for look, fits in looks if not fits]
    if gone:
        session.execute(
            sa.delete(Look)
            .where(Look.application_id.in_(gone), Look.reviewer_id == reviewer_id)
            .execution_options(synchronize_session=False)
        )
    kept = [look.application_id for look, fits in looks if fits]
    if not kept:
        return []
    # Whoever takes a lapsed one at this moment was first: only what is still this person's is prolonged.
    still = session.scalars(
        sa.update(Look)
        .where(Look.application_id.in_(kept), Look.reviewer_id == reviewer_id)
        .values(until=at + rules.LEASE)
        .returning(Look.application_id)
        .execution_options(synchronize_session=False)
    ).all()
    return [number for number in kept if number in still]


def _take_next(session: Session, challenge: Challenge, plan: Plan, reviewer_id: int, at: datetime) -> int | None:
    me = queries.reader(session, challenge.id, reviewer_id)
    for _ in range(_PASSED_OVER):
        found = queries.candidate(session, plan, reviewer_id, at)
        if found is None:
            return None
        kind = rules.conflict_with(found, me.affiliation, me.emails)
        if kind is not None:
            _note_conflict(session, challenge, found.id, kind, by=reviewer_id, at=at)
        elif _lease(session, challenge, found.id, reviewer_id, at):
            return found.id
    return None


def _lease(session: Session, challenge: Challenge, application_id: int, reviewer_id: int, at: datetime) -> bool:
    """Put an application on somebody's screen, unless it is on another one."""
    values = {"reviewer_id": reviewer_id, "since": at, "until": at + rules.LEASE}
    taken = session.scalars(
        insert(session, Look)
        .values(application_id=application_id, challenge_id=challenge.id, **values)
        .on_conflict_do_update(
            index_elements=[Look.application_id],
            set_=values,
            where=sa.or_(Look.until <= at, Look.reviewer_id == reviewer_id),
        )
        .returning(Look.application_id)
    )
    return taken.one_or_none() is not None


def keep(session: Session, plan: Plan, reviewer_id: int, *, at: datetime) -> list[int]:
    """Prolong what somebody holds, since they are still reading; the applications that are theirs."""
    return _renew(session, plan, reviewer_id, at)


def judge(
    session: Session, challenge: Challenge, application_id: int, verdict: Triage, *, by: int, at: datetime,
    seconds: int | None = None,
) -> Triage | None:  # fmt: skip
    """Say what one makes of an application at first sight, or say it anew; gives what all say of it together.

    Raises Refused for one's own, for what is decided and where there is a conflict of interest, Conflict where somebody
    else has the application meanwhile.
    """
    if verdict not in rules.VERDICTS:
        raise Invalid({"verdict": "Choose yes, maybe, no or spam."})
    application = queries.locked(session, challenge, application_id)
    _refuse(rules.why_not_judge(application, by))
    if session.get(Conflict, (application_id, by), populate_existing=True) is not None:
        raise Refused("You have a conflict of interest here: others judge it.")
    known, look = queries.verdict_of(session, application_id, by), queries.look_at(session, application_id)
    if known is not None:
        before, known.verdict, known.at = known.verdict, verdict, at
    elif look is None or look.reviewer_id != by:
        raise errors.Conflict(_TAKEN)
    else:
        before = None
        looked = rules.seconds_of(seconds, look.since, at)
        session.add(_verdict(challenge, application_id, verdict, by, at, looked))
    if look is not None and look.reviewer_id == by:
        session.delete(look)
    with conflicts():
        session.flush()
    together = _write(session, application_id)
    audit.record(
        session, "selection:change-triage" if before else "selection:triage", f"application:{application_id}", by=by,
        at=at, scope=challenge.slug, before={"verdict": before} if before else None, after={"verdict": verdict},
    )  # fmt: skip
    return together


def _verdict(
    challenge: Challenge, application_id: int, verdict: Triage, by: int, at: datetime, seconds: int
) -> Verdict:
    return Verdict(
        challenge_id=challenge.id, application_id=application_id, reviewer_id=by, verdict=verdict, at=at,
        seconds=seconds,
    )  # fmt: skip


def _refuse(reason: str | None) -> None:
    if reason:
        raise Refused(reason)


def _write(session: Session, application_id: int) -> Triage | None:
    """Count the looks at an application again, and what they say together."""
    said = queries.verdicts(session, application_id)
    together = rules.combined(said)
    session.execute(
        sa.update(Application)
        .where(Application.id == application_id)
        .values(looks=len(said), triage=together)
        .execution_options(synchronize_session=False)
    )
    return together


def declare_conflict(session: Session, challenge: Challenge, application_id: int, *, by: int, at: datetime) -> None:
    """Say that one must not judge an application: somebody else gets it. What one said of it before does not count."""
    application = queries.locked(session, challenge, application_id)
    _refuse(rules.why_not_judge(application, by))
    known, look = queries.verdict_of(session, application_id, by), queries.look_at(session, application_id)
    if known is None and (look is None or look.reviewer_id != by):
        raise errors.Conflict(_TAKEN)
    for row in (known, look if look is not None and look.reviewer_id == by else None):
        if row is not None:
            session.delete(row)
    session.flush()
    if known is not None:
        _write(session, application_id)
    _note_conflict(session, challenge, application_id, ConflictKind.DECLARED, by=by, at=at)


def _note_conflict(
    session: Session, challenge: Challenge, application_id: int, kind: ConflictKind, *, by: int, at: datetime
) -> None:
    noted = insert(session, Conflict).values(application_id=application_id, reviewer_id=by, kind=kind, noted_at=at)
    session.execute(noted.on_conflict_do_nothing())
    audit.record(
        session, "selection:conflict", f"application:{application_id}", by=by, at=at, scope=challenge.slug,
        after={"kind": kind},
    )  # fmt: skip


def undo(
    session: Session, challenge: Challenge, plan: Plan, *, by: int, at: datetime, shown: Collection[int] = ()
) -> int:
    """Take back one's last verdict or declared conflict and have the application again; gives its number.

    Of what one holds beside it only one of those `shown` stays one's own. Raises Refused where there is nothing to
    take back or the application is decided, Conflict where somebody else looks at it.
    """
    last = queries.last_said(session, challenge.id, by)
    if last is None:
        raise Refused("You have said nothing yet that could be taken back.")
    application = queries.locked(session, challenge, last.application_id)
    _refuse(rules.why_not_judge(application, by))
    if not _lease(session, challenge, application.id, by, at):
        raise errors.Conflict("Somebody else is looking at that application now. Your answer stands.")
    _forget(session, last, by)
    _write(session, application.id)
    _let_go(session, plan, by, {application.id, *list(shown)[:1]})
    audit.record(
        session, "selection:undo-conflict" if last.said is Triage.CONFLICT else "selection:undo-triage",
        f"application:{application.id}", by=by, at=at, scope=challenge.slug, before={"verdict": last.said},
    )  # fmt: skip
    return application.id


def _forget(session: Session, last: queries.Last, by: int) -> None:
    kind = Conflict if last.said is Triage.CONFLICT else Verdict
    done = session.execute(
        sa.delete(kind)
        .where(kind.application_id == last.application_id, kind.reviewer_id == by)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise errors.Conflict("You have just taken it back in another tab.")


def _let_go(session: Session, plan: Plan, by: int, kept: set[int]) -> None:
    session.execute(
        sa.delete(Look)
        .where(Look.challenge_id == plan.challenge_id, Look.reviewer_id == by, Look.application_id.not_in(kept))
        .execution_options(synchronize_session=False)
    )
