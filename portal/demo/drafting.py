"""What-ifs of the demonstration, made by the actions themselves."""

from datetime import timedelta

from portal.challenges.models import Challenge
from portal.demo.world import World
from portal.selection.actions import drafts
from portal.selection.queries import drafts as queries
from portal.selection.rules.drafts import Wish
from portal.selection.states import LimitKind

# The second one asks for what a team that wants a mixed field would ask for.
LIMITS = (
    Wish(LimitKind.EACH_COUNTRY, "", None, 2),
    Wish(LimitKind.REGION, "Africa", 1, None),
    Wish(LimitKind.REGION, "Americas", 1, 5),
    Wish(LimitKind.KIND, "team", None, 2),
    Wish(LimitKind.FIRST_TIMERS, "", 3, None),
)


def try_out(world: World, challenge: Challenge, places: int) -> None:
    """Two solved drafts for so many places: by score alone, and under limits."""
    lead, at = world.staff["lead"], world.now - timedelta(hours=5)
    by_score = drafts.create_draft(world.session, challenge, drafts.Settings("By score", places), by=lead, at=at)
    mixed = drafts.create_draft(world.session, challenge, drafts.Settings("A mixed field", places), by=lead, at=at)
    for wish in LIMITS:
        drafts.set_limit(world.session, mixed, wish, by=lead, at=at + timedelta(minutes=4))
    for made in (by_score, mixed):
        found = queries.draft(world.session, challenge.id, made.number)
        drafts.solve_draft(world.session, found, by=lead, at=at + timedelta(minutes=9))
    world.session.commit()
