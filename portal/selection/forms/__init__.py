"""Scores, decisions, waves and answers as forms."""

from portal.selection.forms.decisions import DECISIONS, DecideForm, StepForm
from portal.selection.forms.invitations import AcceptForm
from portal.selection.forms.reviews import ReviewForm, form_for

__all__ = ["DECISIONS", "AcceptForm", "DecideForm", "ReviewForm", "StepForm", "form_for"]
