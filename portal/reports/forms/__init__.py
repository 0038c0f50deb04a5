"""What people type about reports, as values or messages."""

from portal.reports.forms.clocks import (
    ClocksForm,
)
from portal.reports.forms.keys import (
    KeySetForm,
    TokenForm,
)
from portal.reports.forms.queue import (
    BulkForm,
    SearchForm,
)
from portal.reports.forms.releases import (
    BuildsForm,
    PlanForm,
    PublishForm,
    ReleaseForm,
)
from portal.reports.forms.reports import (
    ReportForm,
    SealedForm,
)
from portal.reports.forms.signed import (
    SecurityTextForm,
    VerifyForm,
)
from portal.reports.forms.threads import (
    CertificateForm,
    MessageForm,
    ProofForm,
    SendForm,
    TemplateForm,
)
from portal.reports.forms.triage import (
    AssessForm,
    AssignForm,
    MoveForm,
    NoteForm,
    OwnForm,
)

__all__ = [
    "AssessForm",
    "AssignForm",
    "BuildsForm",
    "BulkForm",
    "CertificateForm",
    "ClocksForm",
    "KeySetForm",
    "MessageForm",
    "MoveForm",
    "NoteForm",
    "OwnForm",
    "PlanForm",
    "ProofForm",
    "PublishForm",
    "ReleaseForm",
    "ReportForm",
    "SealedForm",
    "SearchForm",
    "SecurityTextForm",
    "SendForm",
    "TemplateForm",
    "TokenForm",
    "VerifyForm",
]
