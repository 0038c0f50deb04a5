"""From the waiting list's next to invitations that are meant."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from portal.applications.states import Decision
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Conflict, Refused
from portal.selection.actions.decisions import mean
from portal.selection.queries import waitlist as queries


def invite_next(
    session: Session, challenge: Challenge, chosen: Collection[int], mark: str, *, by: int, at: datetime
) -> int:
    """Mean to invite these of the proposed; nobody is told before a wave is released. How many.

    Raises Refused where somebody is not proposed or nobody was chosen, Conflict where the proposal has changed since
    the person saw it (`mark`).
    """
    found = queries.proposal(session, challenge)
    if mark != found.mark:
        raise Conflict("Places or scores have changed, and with them who comes next. Look at the list again.")
    if not chosen:
        raise Refused("Nobody was chosen, so nothing was changed.")
    if not set(chosen) <= set(found.ids):
        raise Refused("Choose from those who are proposed. Others can be invited from their own page.")
    told = mean(session, challenge, sorted(chosen), Decision.INVITE, by=by, at=at)
    if told.changed != len(set(chosen)):
        raise Conflict("One of them cannot be invited by you now: moved in the meantime, or your own application.")
    audit.record(
        session, "selection:invite-next", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"applications": sorted(chosen), "draft": found.draft.number if found.draft else None},
    )  # fmt: skip
    return told.changed
