"""Finding applications, and what belongs to them."""

from portal.applications.queries.finding import (
    application,
    had_place,
    mine,
    of_account,
    outdated,
    queues,
    revisions,
    steps,
    tasks,
)
from portal.applications.queries.questions import (
    answer_counts,
    question,
    questions,
)

__all__ = [
    "answer_counts",
    "application",
    "had_place",
    "mine",
    "of_account",
    "outdated",
    "question",
    "questions",
    "queues",
    "revisions",
    "steps",
    "tasks",
]
