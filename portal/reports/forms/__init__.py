"""What people type about reports, as values or messages."""

from portal.reports.forms.keys import (
    KeySetForm,
    TokenForm,
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
)

__all__ = [
    "AssessForm",
    "AssignForm",
    "CertificateForm",
    "KeySetForm",
    "MessageForm",
    "MoveForm",
    "NoteForm",
    "ProofForm",
    "ReportForm",
    "SealedForm",
    "SecurityTextForm",
    "SendForm",
    "TemplateForm",
    "TokenForm",
    "VerifyForm",
]
