"""Answers about applications that need no database."""

from portal.applications.rules.content import (
    COUNTRIES,
    LENGTHS,
    LINKS,
    TEAM,
    Content,
    Entry,
    content_of,
    faults,
    is_link,
    is_open,
    may_edit,
    may_return,
    misfits,
    spoken,
    timeline,
    why_closed,
)

__all__ = [
    "COUNTRIES",
    "LENGTHS",
    "LINKS",
    "TEAM",
    "Content",
    "Entry",
    "content_of",
    "faults",
    "is_link",
    "is_open",
    "may_edit",
    "may_return",
    "misfits",
    "spoken",
    "timeline",
    "why_closed",
]
