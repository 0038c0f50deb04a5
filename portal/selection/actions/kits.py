"""Who needs no kit."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.queries import membership
from portal.challenges.states import MemberRole
from portal.core import audit
from portal.core.errors import Conflict, Invalid, Refused
from portal.selection import supply
from portal.selection.queries.promised import is_promised

# As long as a place can still come of it, or has.
OPEN = frozenset({
    ApplicationState.SUBMITTED, ApplicationState.WAITLISTED, ApplicationState.INVITED, ApplicationState.ACCEPTED,
    ApplicationState.DECLINED, ApplicationState.EXPIRED,
})  # fmt: skip


def set_need(session: Session, application: Application, *, needs: bool, reason: str, by: int, at: datetime) -> None:
    """Say whether a place of this application comes with a kit, and why not.

    What was kept for it goes back into the stock, or a kit is kept for it now, as far as it is promised one. Raises
    Invalid without a reason, Refused where it is settled or there is no kit left, Conflict for a lost race.
    """
    if application.state not in OPEN:
        raise Refused(f"This application is {application.state}: no kit goes with it.")
    if application.account_id == by:
        raise Refused("This is your own application.")
    if not reason:
        raise Invalid({"reason": "Say why."})
    if application.needs_kit is needs:
        raise Refused("It is noted so already.")
    _write(session, application, needs, reason)
    audit.record(
        session, "selection:set-need", f"application:{application.id}", by=by, at=at, scope=application.challenge.slug,
        before={"needs_kit": not needs}, after={"needs_kit": needs}, reason=reason,
    )  # fmt: skip
    if application.state is ApplicationState.ACCEPTED:
        _tell_participant(session, application, needs)
    if not needs:
        supply.release(session, application.challenge, [application.id], by=by, at=at)
    elif is_promised(session, application):
        supply.reserve(session, application.challenge, [application.id], by=by, at=at)


def _write(session: Session, application: Application, needs: bool, reason: str) -> None:
    session.flush()
    changed = session.execute(
        sa.update(Application)
        .where(
            Application.id == application.id, Application.needs_kit.is_(not needs),
            Application.state == application.state,
        )
        .values(needs_kit=needs, no_kit_because=None if needs else reason)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just changed it. Look at it again.")
    session.refresh(application)


def _tell_participant(session: Session, application: Application, needs: bool) -> None:
    """Whoever takes part already needs one, or none, from now on; logistics sees it where parcels are planned."""
    place = membership(session, application.challenge_id, application.account_id)
    if place is not None and place.role is MemberRole.LEAD:
        place.participant.needs_kit = needs
        session.flush()
