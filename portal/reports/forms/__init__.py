"""What people type about reports, as values or messages."""

from portal.reports.forms.capabilities import CapabilityForm, JoinForm, RelateForm
from portal.reports.forms.keys import KeySetForm, TokenForm
from portal.reports.forms.known import KnownForm, RevealForm
from portal.reports.forms.links import (
    AllowLaterForm,
    LinkForm,
    LinksField,
    OrderForm,
    SplitForm,
    VerdictForm,
    named_first,
)
from portal.reports.forms.reports import ReportForm, SealedForm
from portal.reports.forms.triage import AssessForm, AssignForm, MoveForm, NoteForm
from portal.reports.forms.upstream import CaseForm, CaseStepForm, CaseTextForm, PassingOnForm, RemarkForm, SubjectForm

__all__ = [
    "AllowLaterForm", "AssessForm", "AssignForm", "CapabilityForm", "CaseForm", "CaseStepForm", "CaseTextForm",
    "JoinForm", "KeySetForm", "KnownForm", "LinkForm", "LinksField", "MoveForm", "NoteForm", "OrderForm",
    "PassingOnForm", "RelateForm", "RemarkForm", "ReportForm", "RevealForm", "SealedForm", "SplitForm", "SubjectForm",
    "TokenForm", "VerdictForm", "named_first",
]  # fmt: skip
