"""Selection over HTTP: reviews, decisions, waves, and the answer to an invitation."""

from portal.selection.views import (
    applications,
    bulk,
    drafts,
    fairness,
    invitations,
    kits,
    letters,
    lottery,
    plan,
    queue,
    reviews,
    saved,
    triage,
    undelivered,
    waitlist,
    waves,
)
from portal.selection.views.blueprint import blueprint

__all__ = [
    "applications",
    "blueprint",
    "bulk",
    "drafts",
    "fairness",
    "invitations",
    "kits",
    "letters",
    "lottery",
    "plan",
    "queue",
    "reviews",
    "saved",
    "triage",
    "undelivered",
    "waitlist",
    "waves",
]
