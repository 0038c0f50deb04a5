"""What people type about reports, as values or messages."""

from portal.reports.forms.keys import KeySetForm, TokenForm
from portal.reports.forms.known import KnownForm, RevealForm
from portal.reports.forms.links import AllowLaterForm, LinkForm, LinksField, OrderForm, SplitForm, VerdictForm
from portal.reports.forms.reports import ReportForm, SealedForm
from portal.reports.forms.triage import AssessForm, AssignForm, MoveForm, NoteForm

__all__ = [
    "AllowLaterForm", "AssessForm", "AssignForm", "KeySetForm", "KnownForm", "LinkForm", "LinksField", "MoveForm",
    "NoteForm", "OrderForm", "ReportForm", "RevealForm", "SealedForm", "SplitForm", "TokenForm", "VerdictForm",
]  # fmt: skip
