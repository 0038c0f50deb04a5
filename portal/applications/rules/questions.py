"""The lead's own questions: what makes one sound, what an answer may be, and how it reads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from portal.applications.models import Question
from portal.applications.states import QuestionKind

ANSWER_LENGTH, CHOICES, CHOICE_LENGTH = 2000, 30, 120
LABEL_LENGTH, HINT_LENGTH = 200, 500
# More would make a form that nobody fills in.
QUESTIONS = 20
# At most fifteen digits in all: what a float keeps exactly.
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,6})?", re.ASCII)
Answer = str | int | float


class Asked(NamedTuple):
    """A question as the lead writes it."""

    kind: QuestionKind
    label: str
    hint: str = ""
    required: bool = False
    personal: bool = False
    choices: tuple[str, ...] = ()


def wrong_question(asked: Asked) -> dict[str, str]:
    """What is wrong with a question, by field."""
    found = {}
    if not asked.label:
        found["label"] = "Write the question."
    elif len(asked.label) > LABEL_LENGTH:
        found["label"] = f"At most {LABEL_LENGTH} characters; these are {len(asked.label):,}."
    if len(asked.hint) > HINT_LENGTH:
        found["hint"] = f"At most {HINT_LENGTH} characters; these are {len(asked.hint):,}."
    wrong = _wrong_choices(asked.choices) if asked.kind is QuestionKind.CHOICE else None
    return found | ({"choices": wrong} if wrong else {})


def _wrong_choices(choices: Sequence[str]) -> str | None:
    if not 2 <= len(choices) <= CHOICES:
        return f"Two to {CHOICES} choices, one a line."
    long = [choice for choice in choices if len(choice) > CHOICE_LENGTH]
    return f"At most {CHOICE_LENGTH} characters a choice: {long[0][:40]}…" if long else None


def asked_now(questions: Iterable[Question]) -> list[Question]:
    """The questions that applicants are asked at present."""
    return [question for question in questions if question.retired_at is None]


def parsed(question: Question, text: str) -> Answer:
    """What was typed as an answer: a number where it is one; otherwise the text, which `misfits_of_answers` judges."""
    text = text.replace("\r\n", "\n").strip()
    if question.kind is not QuestionKind.NUMBER or not _NUMBER.fullmatch(text):
        return text
    value = float(text)
    return int(value) if value.is_integer() else value


def misfits_of_answers(answers: Mapping[str, Any], questions: Iterable[Question]) -> dict[str, str]:
    """Answers that do not fit even into a draft, by the question's field."""
    found = {question.field: _misfit(question, answers.get(str(question.id), "")) for question in asked_now(questions)}
    return {name: message for name, message in found.items() if message}


def _misfit(question: Question, answer: Any) -> str | None:
    if answer == "" or answer is None:
        return None
    if question.kind is QuestionKind.NUMBER:
        is_number = isinstance(answer, int | float) and not isinstance(answer, bool)
        fits = is_number and _NUMBER.fullmatch(f"{answer:.6f}".rstrip("0").rstrip("."))
        return None if fits else "Write a number, such as 12 or 3.5, of at most nine digits before the point."
    if not isinstance(answer, str):
        return "Write text."
    if question.kind is QuestionKind.CHOICE and answer not in question.choices:
        return "Choose one of the answers shown."
    return None if len(answer) <= ANSWER_LENGTH else f"At most {ANSWER_LENGTH:,} characters; these are {len(answer):,}."


def missing_answers(answers: Mapping[str, Any], questions: Iterable[Question]) -> dict[str, str]:
    """Questions that must be answered and are not, by field."""
    return {
        question.field: "Answer this question."
        for question in asked_now(questions)
        if question.required and answers.get(str(question.id), "") in ("", None)
    }


def kept_answers(before: Mapping[str, Any], told: Mapping[str, Any], questions: Iterable[Question]) -> dict[str, Any]:
    """What is told now, and what was told to questions that are asked no longer."""
    retired = {str(question.id) for question in questions if question.retired_at is not None}
    now = {str(question.id) for question in asked_now(questions)}
    kept = {name: answer for name, answer in before.items() if name in retired}
    return kept | {name: answer for name, answer in told.items() if name in now and answer not in ("", None)}


def answered(questions: Iterable[Question], answers: Mapping[str, Any] | None) -> list[tuple[Question, Any]]:
    """The questions with their answers (None where there is none): all that are asked now, and what else was told."""
    told = answers or {}
    return [
        (question, told.get(str(question.id)))
        for question in questions
        if question.retired_at is None or str(question.id) in told
    ]
