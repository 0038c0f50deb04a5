"""What applicants, reviewers and the lead have to do."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.models import Challenge
from portal.core.todo import Queue, Task
from portal.selection.models import Wave
from portal.selection.queries import delivery, drafts, triage
from portal.selection.queries.plan import plan_of
from portal.selection.queries.reviewing import in_pool, open_for, waiting_for
from portal.selection.states import WaveState


def tasks(session: Session, challenge: Challenge, account: Account, at: datetime) -> list[Task]:
    """What an applicant has to do: answer the invitation; and what a reviewer has: write what is assigned to them."""
    invited = sa.select(Application.answer_by).where(
        Application.challenge_id == challenge.id,
        Application.account_id == account.id,
        Application.state == ApplicationState.INVITED,
        Application.answer_by > at,
    )
    where = f"/challenges/{challenge.slug}/invitation"
    answers = [Task("Answer your invitation", where, answer_by) for answer_by in session.scalars(invited)]
    return answers + _assigned(session, challenge, account)


def _assigned(session: Session, challenge: Challenge, account: Account) -> list[Task]:
    number = open_for(session, challenge.id, account.id)
    if not number:
        return []
    until = plan_of(session, challenge.id).review_until
    words = "One is not written yet." if number == 1 else f"{number:,} are not written yet."
    return [Task("Write the reviews assigned to you", f"/staff/{challenge.slug}/review", until, words)]


def my_reviews(session: Session, challenge: Challenge, account: Account) -> Queue:
    """What is assigned to a reviewer and not written yet."""
    number, oldest = waiting_for(session, challenge.id, account.id)
    return Queue("Reviews assigned to you", f"/staff/{challenge.slug}/review", number, oldest)


def queues(session: Session, challenge: Challenge, roles: frozenset[Role], at: datetime) -> list[Queue]:
    """What waits for reviewers and the lead."""
    found = []
    if roles & {Role.LEAD, Role.REVIEWER}:
        found += [_untriaged(session, challenge), _unreviewed(session, challenge)]
    if Role.LEAD in roles:
        found += [_pending(session, challenge), _on_their_way(session, challenge), _unanswered(session, challenge)]
        found += [_undelivered(session, challenge), _next_in_line(session, challenge)]
    return found


def _next_in_line(session: Session, challenge: Challenge) -> Queue:
    free, waiting = drafts.waiting_count(session, challenge)
    return Queue("Places free for the waiting list", f"/staff/{challenge.slug}/waitlist", min(free, waiting))


def _untriaged(session: Session, challenge: Challenge) -> Queue:
    number, oldest = triage.waiting(session, plan_of(session, challenge.id))
    return Queue("Applications to triage", f"/staff/{challenge.slug}/triage", number, oldest)


def _unreviewed(session: Session, challenge: Challenge) -> Queue:
    number, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Application.submitted_at)).where(
            *in_pool(plan_of(session, challenge.id)), Application.review_count == 0
        )
    ).one()
    return Queue("Applications without a review", f"/staff/{challenge.slug}/review", number, oldest)


def _pending(session: Session, challenge: Challenge) -> Queue:
    number, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Application.pending_at)).where(
            Application.challenge_id == challenge.id,
            Application.pending_decision.is_not(None),
            Application.wave_id.is_(None),
        )
    ).one()
    return Queue("Decisions not yet in a wave", f"/staff/{challenge.slug}/waves", number, oldest)


def _on_their_way(session: Session, challenge: Challenge) -> Queue:
    number, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Wave.state_since)).where(
            Wave.challenge_id == challenge.id, Wave.state.in_([WaveState.DRAFT, WaveState.RELEASING, WaveState.PAUSED])
        )
    ).one()
    return Queue("Waves not yet out", f"/staff/{challenge.slug}/waves", number, oldest)


def _unanswered(session: Session, challenge: Challenge) -> Queue:
    number, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Application.state_since)).where(
            Application.challenge_id == challenge.id, Application.state == ApplicationState.INVITED
        )
    ).one()
    return Queue("Invitations without an answer", f"/staff/{challenge.slug}/applications?state=invited", number, oldest)


def _undelivered(session: Session, challenge: Challenge) -> Queue:
    number, oldest = delivery.count_undelivered(session, challenge)
    return Queue("Answers that could not be delivered", f"/staff/{challenge.slug}/undelivered", number, oldest)
