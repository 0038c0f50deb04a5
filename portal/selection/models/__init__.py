"""The tables of the selection: its plan, the two passes, and waves of answers."""

from portal.selection.models.bulk import BulkItem, BulkMove
from portal.selection.models.drafts import Draft, DraftChoice, DraftLimit, Lottery, Pin
from portal.selection.models.plan import Conflict, Criterion, Plan, Reviewer
from portal.selection.models.reviews import Assignment, Endorsement, Mark, Review
from portal.selection.models.saved import SavedView
from portal.selection.models.triage import Look, Verdict
from portal.selection.models.waves import Wave, WaveEntry, WaveLetter

__all__ = [
    "Assignment",
    "BulkItem",
    "BulkMove",
    "Conflict",
    "Criterion",
    "Draft",
    "DraftChoice",
    "DraftLimit",
    "Endorsement",
    "Look",
    "Lottery",
    "Mark",
    "Pin",
    "Plan",
    "Review",
    "Reviewer",
    "SavedView",
    "Verdict",
    "Wave",
    "WaveEntry",
    "WaveLetter",
]
