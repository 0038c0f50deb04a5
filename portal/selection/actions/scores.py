"""The figures that follow from reviews: written with each review, estimated anew when many have changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.db import insert
from portal.selection.models import Plan, Review, Reviewer
from portal.selection.queries import plan as plans
from portal.selection.queries import scores as queries
from portal.selection.rules import scores
from portal.selection.rules.scores import Figures, Fitted, Ranked

# Applications that have no rank among the others.
_OUT = (
    ApplicationState.DRAFT, ApplicationState.WITHDRAWN, ApplicationState.DISQUALIFIED, ApplicationState.ERASED,
)  # fmt: skip
# The columns of an application that hold its rules.scores.Figures, in their order.
FIGURES = ("review_count", "score_mean", "score_adjusted", "score_error", "score_spread")


def lock_plan(session: Session, challenge_id: int) -> Plan:
    """The plan of a challenge, made if need be, held until the end of the transaction.

    Whoever writes reviews, weights or offsets of a challenge does so one at a time, and takes this lock before any on
    an application: what is stored always belongs together.
    """
    asked = sa.select(Plan).where(Plan.challenge_id == challenge_id).with_for_update()
    asked = asked.execution_options(populate_existing=True)
    found = session.scalars(asked).one_or_none()
    if found is None:
        made = insert(session, Plan).values(challenge_id=challenge_id)
        session.execute(made.on_conflict_do_nothing(index_elements=["challenge_id"]))
        found = session.scalars(asked).one()
    return found


def note_change(plan: Plan, at: datetime) -> None:
    """Remember that there is something which the last estimate does not know. A job acts on it."""
    if plan.changed_at is None:
        plan.changed_at = at


def _columns(figures: Figures) -> dict[str, Any]:
    return dict(zip(FIGURES, figures, strict=True))


def rewrite(session: Session, plan: Plan, application: Application) -> None:
    """Write the figures of one application anew, from its reviews and the stored offsets."""
    said = queries.of_application(session, application.id)
    known = plans.offsets(session, plan.challenge_id)
    for name, value in _columns(scores.figures(said, plans.scale_of(plan), known)).items():
        setattr(application, name, value)
    session.flush()


def recompute(session: Session, challenge_id: int) -> int:
    """Write the figures of all applications anew, from reviews and stored offsets. Returns how many were written."""
    lock_plan(session, challenge_id)
    session.flush()
    now = queries.all_figures(session, challenge_id)
    before = queries.stored(session, challenge_id)
    found = {number: now.get(number, Figures()) for number in sorted(before.keys() | now.keys())}
    return _write(session, {number: _columns(figures) for number, figures in found.items()})


def _write(session: Session, columns: Mapping[int, Mapping[str, Any]]) -> int:
    """Columns of many applications in the order of their numbers, so that two writers cannot block each other."""
    if columns:
        session.execute(sa.update(Application), [{"id": number, **columns[number]} for number in sorted(columns)])
        _forget(session)
    return len(columns)


def _forget(session: Session) -> None:
    """Let what was read before be read again."""
    for row in list(session.identity_map.values()):
        if isinstance(row, Application | Reviewer | Review):
            session.expire(row)


def rescore(session: Session, challenge_id: int) -> None:
    """Take the score of every review anew from its marks, after the weights have changed, and what follows from it."""
    session.flush()
    changed = [
        {"id": number, "score": now}
        for number, (was, now) in sorted(queries.scores_by_marks(session, challenge_id).items())
        if was != now
    ]
    if changed:
        session.execute(sa.update(Review), changed)
    recompute(session, challenge_id)


def fit(session: Session, challenge: Challenge, *, at: datetime, by: int | None = None) -> int:
    """Estimate how harsh everybody is, and write what follows: offsets, figures and ranks. How many applications."""
    plan = lock_plan(session, challenge.id)
    fitted = scores.fit(queries.said(session, challenge.id))
    plan.changed_at = None
    if fitted is None:
        plan.fitted_at = plan.overall = plan.noise = plan.between_applications = None
    else:
        plan.fitted_at = at
        plan.overall, plan.noise, plan.between_applications = fitted.scale
    _write_offsets(session, challenge.id, fitted)
    session.flush()
    written = recompute(session, challenge.id)
    _write_ranks(session, challenge.id)
    if by is not None:
        audit.record(
            session, "selection:fit", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
            after={"applications": written},
        )  # fmt: skip
    return written


def _write_offsets(session: Session, challenge_id: int, fitted: Fitted | None) -> None:
    known = plans.reviewers(session, challenge_id)
    offsets, counts = (fitted.offsets, fitted.counts) if fitted else ({}, {})
    for account_id in sorted(offsets.keys() - known.keys()):
        known[account_id] = Reviewer(challenge_id=challenge_id, account_id=account_id)
        session.add(known[account_id])
    for account_id, row in known.items():
        row.offset, row.review_count = offsets.get(account_id, 0.0), counts.get(account_id, 0)


def _write_ranks(session: Session, challenge_id: int) -> None:
    rows = session.execute(
        sa.select(Application.id, Application.state, Application.score_adjusted, Application.score_error).where(
            Application.challenge_id == challenge_id,
            sa.or_(Application.review_count > 0, Application.rank_best.is_not(None)),
        )
    ).all()
    ranked = [
        Ranked(number, adjusted, error)
        for number, state, adjusted, error in rows
        if state not in _OUT and adjusted is not None and error is not None
    ]
    ranges = scores.rank_ranges(ranked)
    nothing = (None, None)
    _write(
        session,
        {row.id: dict(zip(("rank_best", "rank_worst"), ranges.get(row.id, nothing), strict=True)) for row in rows},
    )
