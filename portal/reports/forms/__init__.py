"""What people type about reports, as values or messages."""

from portal.reports.forms.clocks import ClocksForm
from portal.reports.forms.keys import KeySetForm, TokenForm
from portal.reports.forms.queue import BulkForm, SearchForm
from portal.reports.forms.releases import BuildsForm, PlanForm, PublishForm, ReleaseForm
from portal.reports.forms.reports import ReportForm, SealedForm
from portal.reports.forms.triage import AssessForm, AssignForm, MoveForm, NoteForm, OwnForm

__all__ = [
    "AssessForm",
    "AssignForm",
    "BuildsForm",
    "BulkForm",
    "ClocksForm",
    "KeySetForm",
    "MoveForm",
    "NoteForm",
    "OwnForm",
    "PlanForm",
    "PublishForm",
    "ReleaseForm",
    "ReportForm",
    "SealedForm",
    "SearchForm",
    "TokenForm",
]
