"""Reviewing, and the figures that follow from reviews."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.selection import queries, rules
from portal.selection.models import Review


def write_review(
    session: Session, application: Application, reviewer_id: int, *, score: int, comment: str, at: datetime
) -> Review:
    """Say what one makes of an application, or say it anew. Its figures change in the same transaction.

    Raises Refused for one's own application and for one that is decided.
    """
    _one_at_a_time(session, application)
    reason = rules.why_not_review(application, reviewer_id)
    if reason:
        raise Refused(reason)
    if score not in rules.SCORES:
        raise Invalid({"score": "Choose a score from 0 to 5."})
    review = queries.own_review(session, application.id, reviewer_id)
    verb = "change-review" if review else "review"
    if review is None:
        review = Review(application_id=application.id, reviewer_id=reviewer_id, created_at=at)
        session.add(review)
    review.score, review.comment, review.updated_at = score, comment, at
    with conflicts():
        session.flush()
    recompute(session, application.id)
    session.refresh(application, ["review_count", "score_mean"])
    audit.record(
        session, f"selection:{verb}", f"application:{application.id}", by=reviewer_id, at=at,
        scope=application.challenge.slug, after={"score": score},
    )  # fmt: skip
    return review


def recompute(session: Session, application_id: int | None = None) -> int:
    """Count the reviews of one application, or of all, and take their mean again. Returns how many were written."""
    of_it = Review.application_id == Application.id
    number = sa.select(sa.func.count(Review.id)).where(of_it).scalar_subquery()
    mean = sa.select(sa.func.avg(sa.cast(Review.score, sa.Double))).where(of_it).scalar_subquery()
    written = sa.update(Application).values(review_count=number, score_mean=mean, score_adjusted=mean)
    if application_id is not None:
        written = written.where(Application.id == application_id)
    done = session.execute(written.execution_options(synchronize_session=False))
    assert isinstance(done, CursorResult)
    return done.rowcount


def _one_at_a_time(session: Session, application: Application) -> None:
    """Two reviewers who save at once must both be counted (SQLite has but one writer anyway)."""
    session.refresh(application, ["state", "account_id"], with_for_update=True)
