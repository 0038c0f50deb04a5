"""What time does: waves go out, invitations are called to mind and expire."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.core.jobs import Job
from portal.selection import queries, rules
from portal.selection.actions.invitations import expire_invitation, remind
from portal.selection.actions.waves import hand_over
from portal.selection.models import Wave


def release_waves(session: Session, at: datetime) -> int:
    """Hand over what is due of every wave that is being released, chunk by chunk."""
    return sum(_release(session, wave_id, at) for wave_id in queries.releasing(session))


def _release(session: Session, wave_id: int, at: datetime) -> int:
    total = 0
    while True:
        try:
            done = hand_over(session, session.get_one(Wave, wave_id, populate_existing=True), at=at)
            session.commit()
        except Conflict:
            session.rollback()  # another worker finishes this wave at this moment
            return total
        if not done:
            return total
        total += done


def expire_invitations(session: Session, at: datetime) -> int:
    """End the invitations whose time is over. Whoever answers at this very moment was first."""
    total = 0
    for application_id in queries.due_answers(session, at):
        try:
            expire_invitation(session, queries.whole_application(session, application_id), at=at)
        except (Conflict, Refused):
            session.rollback()
        else:
            session.commit()
            total += 1
    return total


def remind_invited(session: Session, at: datetime) -> int:
    """Remind those whose time to answer ends soon."""
    total = 0
    for application_id in queries.due_answers(session, at + rules.REMIND_BEFORE, unreminded=True):
        total += remind(session, queries.whole_application(session, application_id), at=at)
        session.commit()
    return total


JOBS = (
    Job("selection: release waves", 10, release_waves),
    Job("selection: remind the invited", 300, remind_invited),
    Job("selection: expire invitations", 60, expire_invitations),
)
