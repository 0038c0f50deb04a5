"""How a challenge chooses."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.selection.models import Criterion, Plan
from portal.selection.states import Pool


def plan_of(session: Session, challenge_id: int) -> Plan:
    """The settings of a challenge's selection; the defaults, not in the session, where nobody has set any."""
    found = session.get(Plan, challenge_id)
    return found or Plan(challenge_id=challenge_id, looks=1, pool=Pool.ALL, reviews_each=3, blind=False)


def criteria(session: Session, challenge_id: int) -> Sequence[Criterion]:
    """The lines of the rubric that are asked for, in their order."""
    return session.scalars(
        sa.select(Criterion)
        .where(Criterion.challenge_id == challenge_id, Criterion.retired_at.is_(None))
        .order_by(Criterion.position, Criterion.id)
    ).all()
