"""What is true of key sets, reports, and the files under them."""

from portal.reports.models.clocks import (
    Holiday,
    Pause,
    ReportClock,
    ReportDesk,
)
from portal.reports.models.keys import (
    KeySet,
    KeySetMember,
)
from portal.reports.models.releases import (
    BuildFinding,
    Release,
)
from portal.reports.models.reports import (
    Note,
    Receipt,
    Report,
    ReportEvent,
)
from portal.reports.models.rewraps import (
    Rewrap,
)
from portal.reports.models.signed import (
    ReceiptKey,
    SecurityText,
)
from portal.reports.models.threads import (
    Message,
    MessageReader,
    Reading,
    ReplyTemplate,
    ReportReader,
    ResearcherCertificate,
)
from portal.reports.models.uploads import (
    Chunk,
    Upload,
    UploadToken,
)

__all__ = [
    "BuildFinding",
    "Chunk",
    "Holiday",
    "KeySet",
    "KeySetMember",
    "Message",
    "MessageReader",
    "Note",
    "Pause",
    "Reading",
    "Receipt",
    "ReceiptKey",
    "Release",
    "ReplyTemplate",
    "Report",
    "ReportClock",
    "ReportDesk",
    "ReportEvent",
    "ReportReader",
    "ResearcherCertificate",
    "Rewrap",
    "SecurityText",
    "Upload",
    "UploadToken",
]
