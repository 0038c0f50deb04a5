"""Finding the lead's questions."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application, Question
from portal.core.errors import NotFound

_ASKED = (
    sa.select(Question)
    .where(Question.challenge_id == sa.bindparam("challenge"))
    .order_by(Question.position, Question.id)
)


def questions(session: Session, challenge_id: int) -> Sequence[Question]:
    """All questions of a challenge in their order, those asked no longer too."""
    return session.scalars(_ASKED, {"challenge": challenge_id}).all()


def question(session: Session, challenge_id: int, question_id: int) -> Question:
    """One question. Raises NotFound."""
    found = session.scalars(
        sa.select(Question).where(Question.challenge_id == challenge_id, Question.id == question_id)
    ).one_or_none()
    if found is None:
        raise NotFound("question")
    return found


def answer_counts(session: Session, challenge_id: int, asked: Sequence[Question]) -> dict[int, int]:
    """How many applications, drafts too, answer each question; one statement."""
    if not asked:
        return {}
    told = [Application.answers[str(question.id)].as_string().is_not(None) for question in asked]
    counts = [sa.func.coalesce(sa.func.sum(sa.case((each, 1), else_=0)), 0) for each in told]
    row = session.execute(sa.select(*counts).where(Application.challenge_id == challenge_id)).one()
    return {question.id: int(count) for question, count in zip(asked, row, strict=True)}
