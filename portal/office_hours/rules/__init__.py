"""Answers about office hours that need no database: how slots lie, whose they are, what may still be done when."""

from portal.office_hours.rules.booking import (
    DOORS_OPEN,
    doors_open,
    is_late,
    length,
    lowest_free,
    why_not_cancel,
    why_not_cancel_sitting,
    why_not_mark,
    why_not_mine,
    why_not_reschedule,
    why_not_slot,
)
from portal.office_hours.rules.planning import Place, Plan, Share, Span, layout
from portal.office_hours.rules.rotation import HostLoad, next_host

__all__ = [
    "DOORS_OPEN",
    "HostLoad",
    "Place",
    "Plan",
    "Share",
    "Span",
    "doors_open",
    "is_late",
    "layout",
    "length",
    "lowest_free",
    "next_host",
    "why_not_cancel",
    "why_not_cancel_sitting",
    "why_not_mark",
    "why_not_mine",
    "why_not_reschedule",
    "why_not_slot",
]
