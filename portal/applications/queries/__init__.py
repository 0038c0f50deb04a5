"""Finding applications, and what belongs to them."""

from portal.applications.queries.finding import (
    agreement_now,
    application,
    had_place,
    mine,
    next_revision,
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
    "agreement_now",
    "answer_counts",
    "application",
    "had_place",
    "mine",
    "next_revision",
    "of_account",
    "outdated",
    "question",
    "questions",
    "queues",
    "revisions",
    "steps",
    "tasks",
]
