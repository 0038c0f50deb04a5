"""What people type about reports, as values or messages."""

from portal.reports.forms.capabilities import (
    CapabilityForm,
    JoinForm,
    RelateForm,
)
from portal.reports.forms.clocks import (
    ClocksForm,
)
from portal.reports.forms.keys import (
    KeySetForm,
    TokenForm,
)
from portal.reports.forms.known import (
    KnownForm,
    RevealForm,
)
from portal.reports.forms.links import (
    AllowLaterForm,
    LinkForm,
    LinksField,
    OrderForm,
    SplitForm,
    VerdictForm,
    named_first,
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
from portal.reports.forms.upstream import (
    CaseForm,
    CaseStepForm,
    CaseTextForm,
    PassingOnForm,
    RemarkForm,
    SubjectForm,
)

__all__ = [
    "AllowLaterForm",
    "AssessForm",
    "AssignForm",
    "BuildsForm",
    "BulkForm",
    "CapabilityForm",
    "CaseForm",
    "CaseStepForm",
    "CaseTextForm",
    "CertificateForm",
    "ClocksForm",
    "JoinForm",
    "KeySetForm",
    "KnownForm",
    "LinkForm",
    "LinksField",
    "MessageForm",
    "MoveForm",
    "NoteForm",
    "OrderForm",
    "OwnForm",
    "PassingOnForm",
    "PlanForm",
    "ProofForm",
    "PublishForm",
    "RelateForm",
    "ReleaseForm",
    "RemarkForm",
    "ReportForm",
    "RevealForm",
    "SealedForm",
    "SearchForm",
    "SecurityTextForm",
    "SendForm",
    "SplitForm",
    "SubjectForm",
    "TemplateForm",
    "TokenForm",
    "VerdictForm",
    "VerifyForm",
    "named_first",
]
