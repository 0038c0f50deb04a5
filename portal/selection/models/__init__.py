"""The tables of the selection: its plan, the two passes, and waves of answers."""

from portal.selection.models.plan import Conflict, Criterion, Plan, Reviewer
from portal.selection.models.reviews import Assignment, Endorsement, Mark, Review
from portal.selection.models.triage import Look, Verdict
from portal.selection.models.waves import Wave, WaveEntry

__all__ = [
    "Assignment",
    "Conflict",
    "Criterion",
    "Endorsement",
    "Look",
    "Mark",
    "Plan",
    "Review",
    "Reviewer",
    "Verdict",
    "Wave",
    "WaveEntry",
]
