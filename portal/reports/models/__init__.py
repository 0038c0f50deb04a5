"""What is true of key sets, reports, and the files under them."""

from portal.reports.models.advisories import Advisory, AdvisoryBuild, AdvisoryFlaw, AdvisoryRevision
from portal.reports.models.disclosing import (
    Disclosure,
    DisclosureProposal,
    Publication,
    PublicationReport,
    ReportCredit,
)
from portal.reports.models.keys import KeySet, KeySetMember
from portal.reports.models.reports import Note, Receipt, Report, ReportEvent
from portal.reports.models.uploads import Chunk, Upload, UploadToken

__all__ = [
    "Advisory",
    "AdvisoryBuild",
    "AdvisoryFlaw",
    "AdvisoryRevision",
    "Chunk",
    "Disclosure",
    "DisclosureProposal",
    "KeySet",
    "KeySetMember",
    "Note",
    "Publication",
    "PublicationReport",
    "Receipt",
    "Report",
    "ReportCredit",
    "ReportEvent",
    "Upload",
    "UploadToken",
]
