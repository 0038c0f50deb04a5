"""What the selection keeps of a person, and what is forgotten with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.applications.models import Application
from portal.selection.models import (
    Assignment,
    Conflict,
    Criterion,
    Draft,
    Endorsement,
    Look,
    Mark,
    Pin,
    Review,
    Reviewer,
    SavedView,
    Verdict,
)
from portal.selection.rules.drafts import PINNED


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What the person did as a reviewer, and what is known of them as one."""
    return {
        "reviews_written": _written(session, account_id),
        "reviews_agreed_with": _rows(session, Endorsement, account_id, "review_id", "at"),
        "reviews_assigned": _rows(session, Assignment, account_id, "application_id", "assigned_at"),
        "conflicts_of_interest": _rows(session, Conflict, account_id, "application_id", "kind", "noted_at"),
        "first_looks": _rows(session, Verdict, account_id, "application_id", "verdict", "at", "seconds"),
        "views_kept": [
            {"challenge": row.challenge_id, "name": row.name, "filter": row.query, "kept_at": row.created_at}
            for row in session.scalars(
                sa.select(SavedView).where(SavedView.owner_id == account_id).order_by(SavedView.id)
            )
        ],
        "as_reviewer": [
            {"challenge": row.challenge_id, "affiliation": row.affiliation, "reads_at_most": row.capacity,
             "scores_above_others_by": row.offset, "from_reviews": row.review_count}
            for row in session.scalars(
                sa.select(Reviewer).where(Reviewer.account_id == account_id).order_by(Reviewer.challenge_id)
            )
        ],
    }  # fmt: skip


def _written(session: Session, account_id: int) -> list[dict[str, Any]]:
    marks: dict[int, dict[str, int]] = {}
    for review_id, label, mark in session.execute(
        sa.select(Mark.review_id, Criterion.label, Mark.mark)
        .join(Criterion, Criterion.id == Mark.criterion_id)
        .join(Review, Review.id == Mark.review_id)
        .where(Review.reviewer_id == account_id)
    ):
        marks.setdefault(review_id, {})[label] = mark
    written = session.scalars(sa.select(Review).where(Review.reviewer_id == account_id).order_by(Review.id))
    return [
        {"application": review.application_id, "score": review.score, "marks": marks.get(review.id, {}),
         "confidence": review.confidence, "comment": review.comment, "note": review.note,
         "written_at": review.created_at, "changed_at": review.updated_at}
        for review in written
    ]  # fmt: skip


def _rows(session: Session, kind: Any, account_id: int, *names: str) -> list[dict[str, Any]]:
    columns: Sequence[Any] = [getattr(kind, name) for name in names]
    rows = session.execute(sa.select(*columns).where(kind.reviewer_id == account_id).order_by(columns[0]))
    return [dict(zip(names, row, strict=True)) for row in rows]


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Forget what was written about the person's applications, and where the person worked as a reviewer.

    Scores, marks and first looks stay for the statistics: they tell nothing without a name.
    """
    about = sa.select(Application.id).where(Application.account_id == account_id)
    session.execute(
        sa.update(Review)
        .where(Review.application_id.in_(about))
        .values(comment="", note="")
        .execution_options(synchronize_session="fetch")
    )
    _delete(session, SavedView, SavedView.owner_id == account_id)
    _forget_clashes(session, about)
    _delete(session, Pin, Pin.application_id.in_(about))
    for kind in (Conflict, Look):
        _delete(session, kind, sa.or_(kind.application_id.in_(about), kind.reviewer_id == account_id))
    written = sa.exists().where(
        Review.application_id == Assignment.application_id, Review.reviewer_id == Assignment.reviewer_id
    )
    mine = sa.or_(Assignment.application_id.in_(about), Assignment.reviewer_id == account_id)
    _delete(session, Assignment, sa.and_(mine, ~written))
    session.execute(
        sa.update(Reviewer)
        .where(Reviewer.account_id == account_id)
        .values(affiliation="", capacity=0)
        .execution_options(synchronize_session="fetch")
    )


def _forget_clashes(session: Session, about: sa.Select[int]) -> None:
    """What cannot be solved tells who is pinned by their names."""
    pinned = sa.select(Pin.draft_id).where(Pin.application_id.in_(about))
    for draft in session.scalars(sa.select(Draft).where(Draft.id.in_(pinned), Draft.clash.is_not(None))):
        told = draft.clash or []
        draft.clash = [PINNED.format("somebody") if line.endswith(PINNED.format("")) else line for line in told]
    session.flush()


def _delete(session: Session, kind: Any, which: sa.ColumnElement[bool]) -> None:
    session.execute(sa.delete(kind).where(which).execution_options(synchronize_session="fetch"))


personal.exporters["selection"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Reviews of your application: marks, scores and comments",
        "To choose who takes part fairly. Only the staff reads them.",
        "Comments until you erase your account; scores without a name stay for the statistics.",
    )
)
personal.kept.append(
    personal.Kept(
        "Of reviewers: affiliation, what they were given to read, conflicts of interest, how harshly they score",
        "To give nobody applications of their own organisation, to share the work, and to make scores comparable.",
        "Affiliation and conflicts until you erase your account; scores without a name stay for the statistics.",
    )
)
