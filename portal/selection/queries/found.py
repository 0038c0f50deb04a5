"""What a filter finds, told before a page of it is shown: how many of each state, and which where they are few.

An engine that sorts by an index and looks at each row whether it fits never ends where nothing fits, and one that
gathers all that fits first has much to gather where everything does. It cannot know beforehand; this does.
"""

from collections import Counter
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.selection.queries import queue as lists
from portal.selection.queries.queue import CAP, Filter


class Found(NamedTuple):
    """Counts by state, and the filter that by now knows what its words hit, and what it shows if that is little."""

    chosen: Filter
    counts: dict[ApplicationState, int]

    @property
    def total(self) -> int:
        """How many the filter shows; CAP + 1 stands for more than CAP."""
        return lists.total(self.counts, self.chosen)


def find(session: Session, challenge_id: int, chosen: Filter) -> Found:
    """Look through all once, and not further than CAP where much fits."""
    if lists.is_indexed(chosen):
        return _much(chosen, lists.by_state(session, challenge_id, chosen))
    common = False
    if chosen.text and (words := lists.said(chosen)) is not None:
        hits = tuple(session.scalars(words.limit(CAP + 1)))
        common = len(hits) > CAP
        chosen = chosen if common else chosen._replace(hits=hits)
    if not common:
        asked = sa.select(Application.id, Application.state)
        asked = asked.where(*lists.matching(challenge_id, chosen._replace(state=""))).limit(CAP + 1)
        rows = session.execute(asked).all()
        if len(rows) <= CAP:
            held = Counter(row.state for row in rows)
            counts = {state: held[state] for state in chosen.states if held[state]}
            few = tuple(row.id for row in rows if chosen.state in ("", row.state))
            return Found(chosen._replace(few=few), counts)
    return _much(chosen, lists.by_state(session, challenge_id, chosen))


def _much(chosen: Filter, counts: dict[ApplicationState, int]) -> Found:
    return Found(chosen._replace(much=lists.total(counts, chosen) > CAP), counts)
