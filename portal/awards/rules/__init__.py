"""Answers about awards that need no database: how much, for whom, by which version, and who decides."""

from portal.awards.rules.amounts import (
    AWARDED,
    CENT,
    EXAMPLES,
    ROUNDING,
    Achieved,
    Example,
    Table,
    Working,
    by_hand,
    check_report,
    room_left,
    work_out,
    written,
)
from portal.awards.rules.chains import together
from portal.awards.rules.entries import check_link, check_part, kind_of
from portal.awards.rules.grounds import achieved_by, changed, check_firm, check_grounds, lost
from portal.awards.rules.money import LATE, Books, Owed, Wanted, late_since, overpaid, wanted
from portal.awards.rules.people import check_payer, check_person, offered
from portal.awards.rules.shares import split
from portal.awards.rules.versions import Change, changes, in_force, oddities

__all__ = [
    "AWARDED",
    "CENT",
    "EXAMPLES",
    "LATE",
    "ROUNDING",
    "Achieved",
    "Books",
    "Change",
    "Example",
    "Owed",
    "Table",
    "Wanted",
    "Working",
    "achieved_by",
    "by_hand",
    "changed",
    "changes",
    "check_firm",
    "check_grounds",
    "check_link",
    "check_part",
    "check_payer",
    "check_person",
    "check_report",
    "in_force",
    "kind_of",
    "late_since",
    "lost",
    "oddities",
    "offered",
    "overpaid",
    "room_left",
    "split",
    "together",
    "wanted",
    "work_out",
    "written",
]
