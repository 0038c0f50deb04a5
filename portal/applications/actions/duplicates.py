"""Noting what looks like the same person twice, and what a person makes of it."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.applications import states
from portal.applications.actions.applying import move
from portal.applications.models import Application, DuplicatePair, DuplicateScan
from portal.applications.queries.duplicates import COMPARED, UNJUDGED
from portal.applications.rules.duplicates import Common, Found, clusters
from portal.applications.states import Disqualified
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.db import insert
from portal.core.errors import Conflict, Invalid, NotFound, Refused

REASON_LENGTH = 500


def ask_to_compare(session: Session, challenge: Challenge, *, at: datetime) -> None:
    """Have the applications compared at once; the worker does it."""
    asked = insert(session, DuplicateScan).values(
        challenge_id=challenge.id, asked_at=at, compared=0, took_ms=0, common=[]
    )
    session.execute(asked.on_conflict_do_update(index_elements=["challenge_id"], set_={"asked_at": at}))


def note_evidence(
    session: Session, challenge_id: int, found: Sequence[Found], common: Sequence[Common], *, compared: int,
    took_ms: int, at: datetime,
) -> None:  # fmt: skip
    """Keep what a comparison begun `at` has found, beside what was judged before, which stays judged."""
    alive = set(session.scalars(_compared(challenge_id)))
    wanted = {(each.low, each.high, each.kind): each for each in found if each.low in alive and each.high in alive}
    known = {
        (pair.low_id, pair.high_id, pair.kind): pair
        for pair in session.scalars(sa.select(DuplicatePair).where(DuplicatePair.challenge_id == challenge_id))
    }
    stale = [pair.id for key, pair in known.items() if key not in wanted and pair.dismissed_at is None]
    for begin in range(0, len(stale), 500):
        session.execute(sa.delete(DuplicatePair).where(DuplicatePair.id.in_(stale[begin : begin + 500])))
    for key, pair in known.items():
        if key in wanted and (pair.detail, pair.share) != (wanted[key].detail, wanted[key].share):
            pair.detail, pair.share = wanted[key].detail, wanted[key].share
    new = [_row(challenge_id, each, at) for key, each in wanted.items() if key not in known]
    if new:
        made = insert(session, DuplicatePair).on_conflict_do_nothing(index_elements=["low_id", "high_id", "kind"])
        session.execute(made, new)
    told = {
        "scanned_at": at, "asked_at": None, "compared": compared, "took_ms": took_ms,
        "common": [[each.kind.value, each.value, each.holders] for each in common[:20]],
    }  # fmt: skip
    noted = insert(session, DuplicateScan).values(challenge_id=challenge_id, **told)
    session.execute(noted.on_conflict_do_update(index_elements=["challenge_id"], set_=told))
    recluster(session, challenge_id)


def _compared(challenge_id: int) -> sa.Select[int]:
    return sa.select(Application.id).where(Application.challenge_id == challenge_id, Application.state.in_(COMPARED))


def _row(challenge_id: int, each: Found, at: datetime) -> dict[str, object]:
    return {
        "challenge_id": challenge_id, "low_id": each.low, "high_id": each.high, "kind": each.kind,
        "detail": each.detail, "share": each.share, "found_at": at,
    }  # fmt: skip


def recluster(session: Session, challenge_id: int) -> None:
    """Give the applications their clusters by the evidence that nobody has dismissed; only changes are written."""
    session.flush()
    # One at a time: who waited here sees the evidence that the other has judged.
    held = sa.select(DuplicateScan.challenge_id).where(DuplicateScan.challenge_id == challenge_id)
    session.execute(held.with_for_update())
    pairs = session.execute(
        sa.select(DuplicatePair.low_id, DuplicatePair.high_id).where(
            DuplicatePair.challenge_id == challenge_id, DuplicatePair.dismissed_at.is_(None)
        )
    )
    wanted = clusters((low, high) for low, high in pairs)
    had = sa.select(Application.id, Application.cluster_id).where(
        Application.challenge_id == challenge_id, Application.cluster_id.is_not(None)
    )
    now: dict[int, int | None] = dict(session.execute(had).all())
    changes = [
        {"id": number, "cluster_id": wanted.get(number)}
        for number in sorted(now.keys() | wanted.keys())
        if now.get(number) != wanted.get(number)
    ]
    if changes:
        session.execute(sa.update(Application), changes)


def disqualify_duplicates(
    session: Session, challenge: Challenge, *, stays: int, gone: Sequence[int], reason: str, by: int, at: datetime
) -> int:
    """Disqualify applications as duplicates of the one that stays; how many.

    All rows are locked in one order, so that of two who judge at once the second sees what the first has done.
    Raises Invalid, NotFound, Refused for one's own, Conflict where the one that stays has gone or the cluster changed.
    """
    messages = _wrong(stays, gone, reason)
    if messages:
        raise Invalid(messages)
    rows = session.scalars(
        sa.select(Application)
        .where(Application.challenge_id == challenge.id, Application.id.in_({stays, *gone}))
        .where(Application.state.in_(COMPARED))
        .order_by(Application.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    found = {row.id: row for row in rows}
    if found.keys() != {stays, *gone}:
        raise NotFound("application")
    if any(row.account_id == by for row in rows):
        raise Refused("One of these is your own application. Somebody else judges it.")
    if any(row.state not in UNJUDGED for row in rows):
        raise Conflict("Somebody has just disqualified one of these. Look at them again.")
    if found[stays].cluster_id is None or len({row.cluster_id for row in rows}) > 1:
        raise Conflict("The evidence has changed in the meantime. Look at it again.")
    for number in gone:
        move(
            session, found[number], states.DISQUALIFY, by=by, at=at, reason=reason,
            disqualified=Disqualified.DUPLICATE, disqualified_reason=reason, duplicate_of_id=stays,
        )  # fmt: skip
    return len(gone)


def _wrong(stays: int, gone: Sequence[int], reason: str) -> dict[str, str]:
    found = {}
    if not gone:
        found["gone"] = "Choose which applications are duplicates. Nothing was changed."
    elif stays in gone:
        found["stays"] = "The application that stays cannot be its own duplicate."
    if not reason or len(reason) > REASON_LENGTH:
        found["reason"] = f"Say why, in at most {REASON_LENGTH} characters."
    return found


def dismiss(
    session: Session, challenge: Challenge, pair_ids: Sequence[int], reason: str, *, by: int, at: datetime
) -> None:
    """Judge pairs to be different people. What was found about them since the page was made stays open.

    Raises Invalid, NotFound, Refused for one's own application, Conflict where somebody has judged them before.
    """
    if not pair_ids:
        raise Invalid({"pairs": "Nothing was chosen, so nothing was changed."})
    if len(reason) > REASON_LENGTH:
        raise Invalid({"reason": f"At most {REASON_LENGTH} characters."})
    pairs = _pairs(session, challenge, DuplicatePair.id.in_(list(pair_ids)))
    if len(pairs) != len(set(pair_ids)):
        raise Conflict("The evidence has changed in the meantime. Look at it again.")
    _refuse_own(session, pairs, by)
    changed = session.execute(
        sa.update(DuplicatePair)
        .where(DuplicatePair.id.in_(list(pair_ids)), DuplicatePair.dismissed_at.is_(None))
        .values(dismissed_at=at, dismissed_by_id=by, reason=reason or None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != len(pairs):
        raise Conflict("Somebody has just judged these. Look at them again.")
    _judged(session, challenge, "applications:not-duplicates", pairs, reason, by=by, at=at)


def restore(session: Session, challenge: Challenge, low_id: int, high_id: int, *, by: int, at: datetime) -> None:
    """Take back the judgement that two applications are different people's. Raises NotFound, Refused, Conflict."""
    pairs = _pairs(session, challenge, DuplicatePair.low_id == low_id, DuplicatePair.high_id == high_id)
    if not pairs:
        raise NotFound("judgement")
    _refuse_own(session, pairs, by)
    changed = session.execute(
        sa.update(DuplicatePair)
        .where(DuplicatePair.id.in_([pair.id for pair in pairs]), DuplicatePair.dismissed_at.is_not(None))
        .values(dismissed_at=None, dismissed_by_id=None, reason=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if not changed.rowcount:
        raise Conflict("Somebody has just taken it back.")
    _judged(session, challenge, "applications:perhaps-duplicates", pairs, "", by=by, at=at)


def _pairs(session: Session, challenge: Challenge, *which: sa.ColumnElement[bool]) -> Sequence[DuplicatePair]:
    return session.scalars(
        sa.select(DuplicatePair).where(DuplicatePair.challenge_id == challenge.id, *which).order_by(DuplicatePair.id)
    ).all()


def _refuse_own(session: Session, pairs: Sequence[DuplicatePair], by: int) -> None:
    ids = {number for pair in pairs for number in (pair.low_id, pair.high_id)}
    own = sa.select(Application.id).where(Application.id.in_(ids), Application.account_id == by)
    if session.scalars(own.limit(1)).one_or_none() is not None:
        raise Refused("One of these is your own application. Somebody else judges it.")


def _judged(
    session: Session, challenge: Challenge, tag: str, pairs: Sequence[DuplicatePair], reason: str, *,
    by: int, at: datetime,
) -> None:  # fmt: skip
    told = [[pair.low_id, pair.high_id, pair.kind.value] for pair in pairs]
    session.expire_all()
    recluster(session, challenge.id)
    audit.record(
        session, tag, f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug, after={"pairs": told},
        reason=reason or None,
    )  # fmt: skip
