"""What awards bring to do, for the home pages of the team."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.awards.models import Award, Payment
from portal.awards.queries.grounds import shaken
from portal.awards.queries.payments import LATE, for_others, late
from portal.awards.queries.people import barred, not_own
from portal.awards.states import AwardState, PaymentState
from portal.challenges.models import Challenge
from portal.core.todo import Queue


def queues(
    session: Session, challenge: Challenge, roles: Collection[Role], at: datetime, account_id: int = 0
) -> list[Queue]:
    """What waits for whoever approves, for whoever proposed, and for finance."""
    found: list[Queue] = []
    url = f"/staff/{challenge.slug}/awards"
    if {Role.TRIAGER, Role.LEAD} & set(roles):
        mine = sa.not_(barred(Award.participant_id.expression, account_id))
        proposed = sa.and_(Award.state == AwardState.PROPOSED, Award.proposed_by_id != account_id, mine)
        found.append(_awards(session, challenge, "Awards to approve", url, proposed))
    if Role.TRIAGER in roles:
        back = sa.and_(Award.state == AwardState.RETURNED, Award.proposed_by_id == account_id, not_own(account_id))
        found.append(_awards(session, challenge, "Awards sent back to you", url, back))
        gone = _awards(session, challenge, "Awards not confirmed any more", url, sa.and_(shaken(), not_own(account_id)))
        found += [gone] if gone.count else []
    if Role.FINANCE in roles:
        for label, which_page, which in (
            ("Payments due", "", Payment.state == PaymentState.DUE),
            ("Payments that failed", "?state=failed", Payment.state == PaymentState.FAILED),
            ("Payments overdue", f"?state={LATE}", late(at)),
        ):
            count, oldest = session.execute(
                sa.select(sa.func.count(), sa.func.min(Payment.state_since)).where(
                    Payment.challenge_id == challenge.id, which, for_others(account_id)
                )
            ).one()
            found.append(Queue(label, f"{url}/payments{which_page}", count, oldest))
    return found


def _awards(session: Session, challenge: Challenge, label: str, url: str, which: sa.ColumnElement[bool]) -> Queue:
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Award.state_since)).where(Award.challenge_id == challenge.id, which)
    ).one()
    return Queue(label, url, count, oldest)
