"""Keeping what a list shows under a name."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.selection.models import SavedView
from portal.selection.queries import queue as lists
from portal.selection.queries import saved as queries
from portal.selection.queries.asked import filter_from, parsed
from portal.selection.queries.plan import plan_of

MOST = 30
LONGEST_QUERY = 500


def keep_view(
    session: Session, challenge: Challenge, name: str, query: str, *, by: int, at: datetime, is_shared: bool = False,
    is_first: bool = False,
) -> SavedView:  # fmt: skip
    """Keep a filter under a name of one's own. Raises Refused, and Conflict where the name is taken."""
    if len(query) > LONGEST_QUERY:
        raise Refused("This filter is too long to be kept.")
    if len(queries.own(session, challenge.id, by)) >= MOST:
        raise Refused(f"You keep {MOST} views already. Delete one first.")
    view = SavedView(
        challenge_id=challenge.id, owner_id=by, name=name, query=query, is_shared=is_shared, created_at=at
    )  # fmt: skip
    session.add(view)
    with conflicts():
        session.flush()
    _open_with(session, view, is_first)
    count_again(session, view.id, at=at)
    return view


def change_view(session: Session, view: SavedView, name: str, *, is_shared: bool, is_first: bool) -> None:
    """Give a view another name, share it or not, open the list with it or not. Raises Conflict."""
    view.name, view.is_shared = name, is_shared
    with conflicts():
        session.flush()
    _open_with(session, view, is_first)


def _open_with(session: Session, view: SavedView, is_first: bool) -> None:
    """There is one first view at most: choosing another takes the place of the one before."""
    if is_first:
        session.execute(
            sa.update(SavedView)
            .where(SavedView.challenge_id == view.challenge_id, SavedView.owner_id == view.owner_id)
            .values(is_first=False)
        )
    view.is_first = is_first
    with conflicts():
        session.flush()


def drop_view(session: Session, view: SavedView) -> None:
    """Forget a view."""
    session.delete(view)
    session.flush()


def count_again(session: Session, view_id: int, *, at: datetime) -> None:
    """Count what a view shows its owner."""
    found = queries.whole(session, view_id)
    if found is None:
        return
    view, leads = found
    blind = not leads and plan_of(session, view.challenge_id).blind
    chosen = filter_from(parsed(view.query), full=leads, blind=blind, me=view.owner_id)
    chosen = lists.without_own(session, view.challenge_id, chosen, view.owner_id)
    chosen = lists.with_shipping(session, view.challenge_id, chosen)
    counts = lists.by_state(session, view.challenge_id, chosen)
    counted = lists.total(counts, chosen)
    session.execute(
        sa.update(SavedView)
        .where(SavedView.id == view_id)
        .values(counted=counted, counted_at=at)
        .execution_options(synchronize_session="fetch")
    )
