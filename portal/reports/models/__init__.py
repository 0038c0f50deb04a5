"""What is true of key sets, reports, and the files under them."""

from portal.reports.models.keys import KeySet, KeySetMember
from portal.reports.models.reports import Note, Receipt, Report, ReportEvent
from portal.reports.models.threads import (
    Message,
    MessageReader,
    Reading,
    Replacement,
    ReplyTemplate,
    ReportReader,
    ResearcherCertificate,
)
from portal.reports.models.uploads import Chunk, Upload, UploadToken

__all__ = [
    "Chunk",
    "KeySet",
    "KeySetMember",
    "Message",
    "MessageReader",
    "Note",
    "Reading",
    "Receipt",
    "Replacement",
    "ReplyTemplate",
    "Report",
    "ReportEvent",
    "ReportReader",
    "ResearcherCertificate",
    "Upload",
    "UploadToken",
]
