"""Scores, decisions, waves and answers as forms."""

from portal.selection.forms.decisions import DECISIONS, DecideForm, StepForm
from portal.selection.forms.invitations import AcceptForm
from portal.selection.forms.reviews import ReviewForm, form_for
from portal.selection.forms.waves import ReleaseForm, WaveForm

__all__ = ["DECISIONS", "AcceptForm", "DecideForm", "ReleaseForm", "ReviewForm", "StepForm", "WaveForm", "form_for"]
