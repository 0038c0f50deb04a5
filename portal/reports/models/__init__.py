"""What is true of key sets, reports, and the files under them."""

from portal.reports.models.clocks import Holiday, Pause, ReportClock, ReportDesk
from portal.reports.models.keys import KeySet, KeySetMember
from portal.reports.models.releases import BuildFinding, Release
from portal.reports.models.reports import Note, Receipt, Report, ReportEvent
from portal.reports.models.uploads import Chunk, Upload, UploadToken

__all__ = [
    "BuildFinding",
    "Chunk",
    "Holiday",
    "KeySet",
    "KeySetMember",
    "Note",
    "Pause",
    "Receipt",
    "Release",
    "Report",
    "ReportClock",
    "ReportDesk",
    "ReportEvent",
    "Upload",
    "UploadToken",
]
