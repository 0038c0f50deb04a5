"""Answers about reviews and waves that need no database."""

from portal.selection.rules.reviews import SCORES, UNDECIDED, why_not_review
from portal.selection.rules.waves import (
    LEAST_NOTICE,
    REMIND_BEFORE,
    Counts,
    Standing,
    counts_of,
    end_of_day,
    may_mean,
    why_not_answer,
    why_not_deadline,
)

__all__ = [
    "LEAST_NOTICE",
    "REMIND_BEFORE",
    "SCORES",
    "UNDECIDED",
    "Counts",
    "Standing",
    "counts_of",
    "end_of_day",
    "may_mean",
    "why_not_answer",
    "why_not_deadline",
    "why_not_review",
]
