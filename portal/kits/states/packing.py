"""What a scan at the packing bench can come to."""

from enum import StrEnum


class ScanResult(StrEnum):
    OPENED = "opened"
    CHECKED = "checked"
    ADDED = "added"
    SWAPPED = "swapped"
    PACKED = "packed"
    UNDONE = "undone"
    LEFT = "left"
    ASKED = "asked"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"
    NO_PARCEL = "no_parcel"
    ELSEWHERE = "elsewhere"
    GONE = "gone"
    WRONG_MODEL = "wrong_model"
    TOO_MANY = "too_many"
    AGAIN = "again"
    NOT_READY = "not_ready"
    INCOMPLETE = "incomplete"
    NOTHING = "nothing"


R = ScanResult
# All is well with these; the parcel waits for an answer after ASKED; whatever else is a wrong scan.
GOOD = frozenset({R.OPENED, R.CHECKED, R.ADDED, R.SWAPPED, R.PACKED, R.UNDONE, R.LEFT})
# These changed what is in the parcel, and can be taken back.
UNDOABLE = frozenset({R.CHECKED, R.ADDED, R.SWAPPED})


class Act(StrEnum):
    """What somebody at the bench does: scan or type a code, or press one of the buttons that stand for one."""

    SCAN = "scan"
    ANYWAY = "anyway"
    UNDO = "undo"
    LEAVE = "leave"
