"""What is true of key sets, reports, and the files under them."""

from portal.reports.models.advised import (
    AdvisorySignature,
)
from portal.reports.models.advisories import (
    Advisory,
    AdvisoryBuild,
    AdvisoryChange,
    AdvisoryFlaw,
    AdvisoryPublisher,
    AdvisoryRevision,
)
from portal.reports.models.capabilities import (
    Capability,
)
from portal.reports.models.clocks import (
    Holiday,
    Pause,
    ReportClock,
    ReportDesk,
)
from portal.reports.models.disclosing import (
    Disclosure,
    DisclosureProposal,
    Publication,
    PublicationReport,
    ReportCredit,
)
from portal.reports.models.joined import (
    JoinedReports,
)
from portal.reports.models.keys import (
    KeySet,
    KeySetMember,
)
from portal.reports.models.known import (
    KnownIssue,
    KnownIssueReveal,
)
from portal.reports.models.links import (
    DuplicateException,
    ReportLink,
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
from portal.reports.models.upstream import (
    PassingOn,
    UpstreamCase,
    UpstreamEvent,
    UpstreamParty,
    UpstreamSubject,
)

__all__ = [
    "Advisory",
    "AdvisoryBuild",
    "AdvisoryChange",
    "AdvisoryFlaw",
    "AdvisoryPublisher",
    "AdvisoryRevision",
    "AdvisorySignature",
    "BuildFinding",
    "Capability",
    "Chunk",
    "Disclosure",
    "DisclosureProposal",
    "DuplicateException",
    "Holiday",
    "JoinedReports",
    "KeySet",
    "KeySetMember",
    "KnownIssue",
    "KnownIssueReveal",
    "Message",
    "MessageReader",
    "Note",
    "PassingOn",
    "Pause",
    "Publication",
    "PublicationReport",
    "Reading",
    "Receipt",
    "ReceiptKey",
    "Release",
    "ReplyTemplate",
    "Report",
    "ReportClock",
    "ReportCredit",
    "ReportDesk",
    "ReportEvent",
    "ReportLink",
    "ReportReader",
    "ResearcherCertificate",
    "Rewrap",
    "SecurityText",
    "Upload",
    "UploadToken",
    "UpstreamCase",
    "UpstreamEvent",
    "UpstreamParty",
    "UpstreamSubject",
]
