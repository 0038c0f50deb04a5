"""What the lead asks besides."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.applications import queries
from portal.applications.models import Question
from portal.applications.rules.questions import QUESTIONS, Asked, asked_now, wrong_question
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Invalid, Refused


def add_question(session: Session, challenge: Challenge, asked: Asked, *, by: int, at: datetime) -> Question:
    """Ask one more question, after the others. Raises Invalid, Refused where there are enough."""
    _refuse(wrong_question(asked))
    others = asked_now(queries.questions(session, challenge.id))
    if len(others) >= QUESTIONS:
        raise Refused(f"There are {QUESTIONS} questions already. Retire one first.")
    made = Question(
        challenge_id=challenge.id, position=max((other.position for other in others), default=0) + 1,
        kind=asked.kind, label=asked.label, hint=asked.hint, required=asked.required, personal=asked.personal,
        choices=list(asked.choices),
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, "applications:add-question", challenge, made, by, at, after={"label": made.label})
    return made


def change_question(
    session: Session, challenge: Challenge, question: Question, asked: Asked, *, by: int, at: datetime
) -> None:
    """Write a question anew. Raises Invalid, Refused for another kind once somebody has answered."""
    _refuse(wrong_question(asked))
    if question.retired_at is not None:
        raise Refused("This question is asked no longer. Ask it again first.")
    if asked.kind is not question.kind and _answers(session, question):
        raise Refused("It has been answered, so its kind stays. Retire it and ask another question.")
    before = {"label": question.label, "kind": question.kind, "choices": question.choices}
    question.kind, question.label, question.hint = asked.kind, asked.label, asked.hint
    question.required, question.personal, question.choices = asked.required, asked.personal, list(asked.choices)
    session.flush()
    after = {"label": question.label, "kind": question.kind, "choices": question.choices}
    _note(session, "applications:change-question", challenge, question, by, at, before=before, after=after)


def move_question(session: Session, challenge: Challenge, question: Question, *, up: bool) -> None:
    """Ask a question before the one before it, or after the one after it; at the end of the list nothing happens."""
    order = asked_now(queries.questions(session, challenge.id))
    if question not in order:
        return
    place = order.index(question)
    other = place - 1 if up else place + 1
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    for position, each in enumerate(order, 1):
        each.position = position


def retire_question(session: Session, challenge: Challenge, question: Question, *, by: int, at: datetime) -> bool:
    """Ask a question no longer. One that nobody has answered is deleted; whether it was."""
    if question.retired_at is not None:
        raise Refused("This question is asked no longer.")
    _note(session, "applications:retire-question", challenge, question, by, at, before={"label": question.label})
    if _answers(session, question):
        question.retired_at = at
        return False
    session.delete(question)
    return True


def ask_again(session: Session, challenge: Challenge, question: Question, *, by: int, at: datetime) -> None:
    """Ask a retired question again."""
    if question.retired_at is None:
        raise Refused("This question is being asked.")
    if len(asked_now(queries.questions(session, challenge.id))) >= QUESTIONS:
        raise Refused(f"There are {QUESTIONS} questions already. Retire one first.")
    question.retired_at = None
    _note(session, "applications:ask-again", challenge, question, by, at, after={"label": question.label})


def _answers(session: Session, question: Question) -> int:
    return queries.answer_counts(session, question.challenge_id, [question])[question.id]


def _refuse(messages: dict[str, str]) -> None:
    if messages:
        raise Invalid(messages)


def _note(
    session: Session, tag: str, challenge: Challenge, question: Question, by: int, at: datetime, *,
    before: Mapping[str, object] | None = None, after: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    subject = f"question:{question.id}"
    audit.record(session, tag, subject, by=by, at=at, scope=challenge.slug, before=before, after=after)
