"""Reviewing, agreeing, and saying that one must not."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.db import insert
from portal.core.errors import Invalid, NotFound, Refused
from portal.selection import rules
from portal.selection.actions import scores
from portal.selection.models import Assignment, Conflict, Endorsement, Mark, Review
from portal.selection.queries import plan as plans
from portal.selection.queries import reviewing as queries
from portal.selection.queries.holding import hold
from portal.selection.rules.reviews import OVERALL, Opinion, misfits
from portal.selection.rules.scores import weighted
from portal.selection.states import ConflictKind

_CONFLICT = "You have a conflict of interest here: others read it."


def write_review(
    session: Session, application: Application, reviewer_id: int, opinion: Opinion, *, at: datetime
) -> Review:
    """Say what one makes of an application, or say it anew. Its figures change in the same transaction.

    Raises Refused for one's own application, for one that is decided and where there is a conflict of interest, and
    Invalid where the rubric asks for something else.
    """
    plan = scores.lock_plan(session, application.challenge_id)
    # Read anew what is about to be written: what looks unchanged beside an old copy would not be written at all.
    session.refresh(application, ["state", "account_id", *scores.FIGURES], with_for_update=True)
    _may_review(session, application, reviewer_id)
    weights = {row.id: row.weight for row in plans.rubric(session, application.challenge_id)}
    messages = misfits(opinion, weights)
    if messages:
        raise Invalid(messages)
    review = queries.own_review(session, application.id, reviewer_id)
    verb = "change-review" if review else "review"
    if review is None:
        review = Review(application_id=application.id, reviewer_id=reviewer_id, created_at=at)
        session.add(review)
    score = weighted(opinion.marks, weights)
    assert score is not None  # every criterion has its mark
    review.score, review.confidence, review.updated_at = score, opinion.confidence, at
    review.comment, review.note = opinion.comment, opinion.note
    with conflicts():
        session.flush()
    _write_marks(session, review, {number: opinion.marks[number] for number in weights if number != OVERALL})
    scores.note_change(plan, at)
    scores.rewrite(session, plan, application)
    audit.record(
        session, f"selection:{verb}", f"application:{application.id}", by=reviewer_id, at=at,
        scope=application.challenge.slug, after={"score": round(score, 3)},
    )  # fmt: skip
    return review


def _may_review(session: Session, application: Application, reviewer_id: int) -> None:
    reason = rules.why_not_review(application, reviewer_id)
    if reason:
        raise Refused(reason)
    if queries.conflict(session, application, reviewer_id):
        raise Refused(_CONFLICT)


def _write_marks(session: Session, review: Review, marks: Mapping[int, int]) -> None:
    """What it says on each criterion that is asked for; what it said on retired ones stays."""
    known = {row.criterion_id: row for row in session.scalars(sa.select(Mark).where(Mark.review_id == review.id))}
    for number, mark in marks.items():
        if number in known:
            known[number].mark = mark
        else:
            session.add(Mark(review_id=review.id, criterion_id=number, mark=mark))
    session.flush()


def set_agreement(session: Session, application: Application, review_id: int, account_id: int, agree: bool, *,
                  at: datetime) -> Review:  # fmt: skip
    """Agree with another's review of an application that one has reviewed, or take that back.

    Raises NotFound for what one may not see yet, Refused for one's own review.
    """
    review = session.get(Review, review_id)
    own = queries.own_review(session, application.id, account_id)
    if review is None or own is None or review.application_id != application.id:
        raise NotFound("review")
    if review.reviewer_id == account_id:
        raise Refused("This is your own review.")
    if agree:
        made = insert(session, Endorsement).values(review_id=review.id, reviewer_id=account_id, at=at)
        session.execute(made.on_conflict_do_nothing())
    else:
        session.execute(
            sa.delete(Endorsement).where(Endorsement.review_id == review.id, Endorsement.reviewer_id == account_id)
        )
    audit.record(
        session, f"selection:{'agree' if agree else 'disagree'}", f"application:{application.id}", by=account_id, at=at,
        scope=application.challenge.slug, after={"review": review.id},
    )  # fmt: skip
    return review


def declare_conflict(session: Session, application: Application, account_id: int, *, at: datetime) -> None:
    """Say that one must not judge an application. It is taken off one's list, and others read it.

    Raises Refused where one has reviewed it: the scores would no longer be what the others saw.
    """
    hold(session, Application.id == application.id)
    if queries.own_review(session, application.id, account_id):
        raise Refused("You have reviewed it already. Ask the lead what to do with your review.")
    made = insert(session, Conflict).values(
        application_id=application.id, reviewer_id=account_id, kind=ConflictKind.DECLARED, noted_at=at
    )
    session.execute(
        made.on_conflict_do_update(
            index_elements=["application_id", "reviewer_id"], set_={"kind": ConflictKind.DECLARED, "noted_at": at}
        )
    )
    session.execute(
        sa.delete(Assignment).where(Assignment.application_id == application.id, Assignment.reviewer_id == account_id)
    )
    audit.record(
        session, "selection:declare-conflict", f"application:{application.id}", by=account_id, at=at,
        scope=application.challenge.slug,
    )  # fmt: skip


def withdraw_conflict(session: Session, application: Application, account_id: int, *, at: datetime) -> None:
    """Take back what one declared. What the portal knows by itself stays. Raises Refused where nothing was declared."""
    found = session.get(Conflict, (application.id, account_id))
    if found is None or found.kind is not ConflictKind.DECLARED:
        raise Refused("You have not declared a conflict of interest here.")
    session.delete(found)
    audit.record(
        session, "selection:withdraw-conflict", f"application:{application.id}", by=account_id, at=at,
        scope=application.challenge.slug,
    )  # fmt: skip
