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
    expired,
    grace_until,
    recipients,
    statement,
    statement_of,
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
from portal.reports.rules.rewraps import (
    lacking,
    wrapped_for,
)
from portal.reports.rules.security_text import (
    LIFE,
    Addresses,
    check_security_text,
    fault_of_text,
    security_text,
)

__all__ = [
    "CLOCKS",
    "DECISION",
    "FIRST_ANSWER",
    "FIX",
    "GRACE",
    "KEEP_OPEN",
    "LIFE",
    "MOST_CHUNKS",
    "PART",
    "TOKEN_LIFE",
    "TRIAGE",
    "WANTED",
    "WARN_BEFORE",
    "Addresses",
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
    "check_security_text",
    "clock_of",
    "due",
    "expired",
    "fault_of_text",
    "grace_until",
    "lacking",
    "paused",
    "prefix",
    "recipients",
    "reference",
    "security_text",
    "statement",
    "statement_of",
    "wrapped_for",
]
