"""Selection over HTTP: reviews, decisions, waves, and the answer to an invitation."""

from portal.selection.views import applications, decisions, invitations, plan, queue, reviews, triage, waves
from portal.selection.views.blueprint import blueprint

__all__ = ["applications", "blueprint", "decisions", "invitations", "plan", "queue", "reviews", "triage", "waves"]
