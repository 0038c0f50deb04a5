"""Answers about reports that need no database: how much, by when, to whom, and what a move brings with it."""

from portal.reports.rules.clocks import (
    CLOCKS,
    DECISION,
    FIRST_ANSWER,
    FIX,
    TRIAGE,
    Clock,
    clock_of,
    due,
    paused,
)
from portal.reports.rules.keys import (
    GRACE,
    WARN_BEFORE,
    accepted,
    check_secret,
    recipients,
    statement,
)
from portal.reports.rules.limits import (
    KEEP_OPEN,
    MOST_CHUNKS,
    PART,
    TOKEN_LIFE,
    Limits,
    Pace,
    check_complete,
    check_room,
)
from portal.reports.rules.naming import (
    prefix,
    reference,
)
from portal.reports.rules.outcomes import (
    WANTED,
    Outcome,
    changes,
    check_needs,
)

__all__ = [
    "CLOCKS",
    "DECISION",
    "FIRST_ANSWER",
    "FIX",
    "GRACE",
    "KEEP_OPEN",
    "MOST_CHUNKS",
    "PART",
    "TOKEN_LIFE",
    "TRIAGE",
    "WANTED",
    "WARN_BEFORE",
    "Clock",
    "Limits",
    "Outcome",
    "Pace",
    "accepted",
    "changes",
    "check_complete",
    "check_needs",
    "check_room",
    "check_secret",
    "clock_of",
    "due",
    "paused",
    "prefix",
    "recipients",
    "reference",
    "statement",
]
