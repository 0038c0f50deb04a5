"""What reviews come to, counted anew."""

from collections import defaultdict
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.selection.models import Criterion, Mark, Review
from portal.selection.queries.plan import offsets, plan_of, scale_of
from portal.selection.rules.scores import Figures, Said, figures, weighted

# Sums of the same numbers in another order differ by less.
PRECISION = 1e-9


class Difference(NamedTuple):
    """A stored figure that is not what the reviews say."""

    what: str
    number: int
    column: str
    stored: float | None
    found: float | None


def said(session: Session, challenge_id: int) -> list[Said]:
    """Every review of a challenge."""
    rows = session.execute(
        sa.select(Review.application_id, Review.reviewer_id, Review.score)
        .join(Application, Application.id == Review.application_id)
        .where(Application.challenge_id == challenge_id)
        .order_by(Review.application_id, Review.reviewer_id)
    )
    return [Said(*row) for row in rows]


def of_application(session: Session, application_id: int) -> list[tuple[int, float]]:
    """The scores of one application with who gave them."""
    rows = sa.select(Review.reviewer_id, Review.score).where(Review.application_id == application_id)
    return [(reviewer, score) for reviewer, score in session.execute(rows)]


def all_figures(session: Session, challenge_id: int) -> dict[int, Figures]:
    """What the reviews of each reviewed application come to, by the offsets that are stored."""
    told: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for one in said(session, challenge_id):
        told[one.application].append((one.reviewer, one.score))
    scale, known = scale_of(plan_of(session, challenge_id)), offsets(session, challenge_id)
    return {number: figures(scores, scale, known) for number, scores in told.items()}


def stored(session: Session, challenge_id: int) -> dict[int, Figures]:
    """The figures that stand on the applications of a challenge, where there are any or should be."""
    rows = session.execute(
        sa.select(
            Application.id, Application.review_count, Application.score_mean, Application.score_adjusted,
            Application.score_error, Application.score_spread,
        ).where(
            Application.challenge_id == challenge_id,
            sa.or_(Application.review_count > 0, sa.exists().where(Review.application_id == Application.id)),
        )
    )  # fmt: skip
    return {row[0]: Figures(row[1], row[2], row[3], row[4], row[5]) for row in rows}


def scores_by_marks(session: Session, challenge_id: int) -> dict[int, tuple[float, float]]:
    """The stored score of each review and what its marks give now; reviews without marks that count are left out."""
    weights = dict(
        session.execute(
            sa.select(Criterion.id, Criterion.weight).where(
                Criterion.challenge_id == challenge_id, Criterion.retired_at.is_(None)
            )
        ).all()
    )
    marks: dict[int, dict[int, int]] = defaultdict(dict)
    scores: dict[int, float] = {}
    for review_id, score, criterion, mark in session.execute(
        sa.select(Review.id, Review.score, Mark.criterion_id, Mark.mark)
        .join(Mark, Mark.review_id == Review.id)
        .where(Mark.criterion_id.in_(list(weights)))
    ):
        scores[review_id], marks[review_id][criterion] = score, mark
    found = {review_id: weighted(given, weights) for review_id, given in marks.items()}
    return {review_id: (scores[review_id], score) for review_id, score in found.items() if score is not None}


def differences(session: Session, challenge_id: int) -> list[Difference]:
    """Every stored figure that is not what the reviews and the stored offsets say."""
    found = [
        Difference("review", number, "score", was, now)
        for number, (was, now) in sorted(scores_by_marks(session, challenge_id).items())
        if abs(was - now) > PRECISION
    ]
    now = all_figures(session, challenge_id)
    for number, was in sorted(stored(session, challenge_id).items()):
        found += _between(number, was, now.get(number, Figures()))
    return found


def _between(number: int, was: Figures, now: Figures) -> list[Difference]:
    return [
        Difference("application", number, column, one, other)
        for column, one, other in zip(Figures._fields, was, now, strict=True)
        if (one is None) != (other is None) or (one is not None and other is not None and abs(one - other) > PRECISION)
    ]
