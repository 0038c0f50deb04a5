"""Answers about reports that need no database: how much, by when, to whom, and what a move brings with it."""

from portal.reports.rules.clocks import (
    DAY,
    TERMS,
    Calendar,
    Clock,
    Term,
    Timing,
    clock_of,
    paused,
    term_timing,
    timing,
)
from portal.reports.rules.desk import Settings, read_holidays
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
    check_eyes,
    check_needs,
    check_possible,
    judged_before,
    own_changes,
    reason_of,
)
from portal.reports.rules.promptness import Course, Line, days_to_fix, lines
from portal.reports.rules.severity import Scored, scored

__all__ = [
    "DAY",
    "GRACE",
    "KEEP_OPEN",
    "MOST_CHUNKS",
    "PART",
    "TERMS",
    "TOKEN_LIFE",
    "WANTED",
    "WARN_BEFORE",
    "Calendar",
    "Clock",
    "Course",
    "Limits",
    "Line",
    "Outcome",
    "Scored",
    "Settings",
    "Term",
    "Timing",
    "accepted",
    "changes",
    "check_complete",
    "check_eyes",
    "check_needs",
    "check_possible",
    "check_room",
    "check_secret",
    "clock_of",
    "days_to_fix",
    "judged_before",
    "lines",
    "own_changes",
    "paused",
    "prefix",
    "read_holidays",
    "reason_of",
    "recipients",
    "reference",
    "scored",
    "statement",
    "term_timing",
    "timing",
]
