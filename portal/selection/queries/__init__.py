"""Finding what to review, what is decided, and what goes out."""

from portal.selection.queries.answering import (
    counts,
    due_answers,
    due_entries,
    due_reminders,
    entries,
    hold_releasing,
    releasing,
    samples,
    some_pending,
    standing,
    wave,
    waves,
    whole_application,
)
from portal.selection.queries.reviewing import next_to_review, own_review, progress, reviews
from portal.selection.queries.todo import my_reviews, queues, tasks

__all__ = [
    "counts",
    "due_answers",
    "due_entries",
    "due_reminders",
    "entries",
    "hold_releasing",
    "my_reviews",
    "next_to_review",
    "own_review",
    "progress",
    "queues",
    "releasing",
    "reviews",
    "samples",
    "some_pending",
    "standing",
    "tasks",
    "wave",
    "waves",
    "whole_application",
]
