"""Answers about reviews and waves that need no database."""

from portal.selection.rules.reviews import UNDECIDED, why_not_review
from portal.selection.rules.waves import (
    LAST_DAY,
    LEAST_NOTICE,
    REMIND_BEFORE,
    TOO_LATE,
    Counts,
    Standing,
    counts_of,
    end_of_day,
    may_mean,
    reminder_due,
    why_not_answer,
    why_not_deadline,
)

__all__ = [
    "LAST_DAY",
    "LEAST_NOTICE",
    "REMIND_BEFORE",
    "TOO_LATE",
    "UNDECIDED",
    "Counts",
    "Standing",
    "counts_of",
    "end_of_day",
    "may_mean",
    "reminder_due",
    "why_not_answer",
    "why_not_deadline",
    "why_not_review",
]
