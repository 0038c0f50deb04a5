"""What is true of key sets, reports, and the files under them."""

from portal.reports.models.capabilities import Capability
from portal.reports.models.joined import JoinedReports
from portal.reports.models.keys import KeySet, KeySetMember
from portal.reports.models.known import KnownIssue, KnownIssueReveal
from portal.reports.models.links import DuplicateException, ReportLink
from portal.reports.models.reports import Note, Receipt, Report, ReportEvent
from portal.reports.models.uploads import Chunk, Upload, UploadToken
from portal.reports.models.upstream import PassingOn, UpstreamCase, UpstreamEvent, UpstreamParty, UpstreamSubject

__all__ = [
    "Capability", "Chunk", "DuplicateException", "JoinedReports", "KeySet", "KeySetMember", "KnownIssue",
    "KnownIssueReveal", "Note", "PassingOn", "Receipt", "Report", "ReportEvent", "ReportLink", "Upload", "UploadToken",
    "UpstreamCase", "UpstreamEvent", "UpstreamParty", "UpstreamSubject",
]  # fmt: skip
