"""Views that the demonstration's lead has saved, and a bulk change that the lead has made."""

from portal.challenges.models import Challenge
from portal.demo.world import World
from portal.selection.actions.bulk import ask
from portal.selection.actions.saved import keep_view
from portal.selection.queries.asked import filter_from, parsed
from portal.selection.queries.queue import count
from portal.selection.rules.bulk import Values
from portal.selection.states import BulkVerb

VIEWS = (
    ("Best not yet answered", "state=submitted&sort=-score", False),
    ("Opinions apart", "state=submitted&second=yes&sort=-spread", False),
    ("In the review", "second=yes", True),
)
# What somebody wants to find again: who would fuzz gets a flag.
TOLD, FLAG = "state=submitted&q=fuzz", "fuzzing"


def keep(world: World, challenge: Challenge) -> None:
    """Keep some filters, and set a flag on what one of them finds."""
    session, lead = world.session, world.staff["lead"]
    for name, query, is_shared in VIEWS:
        keep_view(session, challenge, name, query, by=lead, at=world.now, is_shared=is_shared)
    chosen = filter_from(parsed(TOLD), full=True, me=lead)
    found = count(session, challenge.id, chosen)
    if found:
        ask(session, challenge, chosen, BulkVerb.FLAG, Values(flag=FLAG), count=found, by=lead, at=world.now)
