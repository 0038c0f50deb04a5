"""What time does: waves go out, invitations are called to mind and expire."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.errors import Conflict, Refused
from portal.core.jobs import Job
from portal.selection import queries, rules
from portal.selection.actions import bulk, reminding, saved, scores
from portal.selection.actions.drafts import write
from portal.selection.actions.invitations import expire_invitation, remind
from portal.selection.actions.waves import hand_over
from portal.selection.models import Plan, Wave
from portal.selection.queries import bulk as bulk_queries
from portal.selection.queries import drafts as draft_queries
from portal.selection.queries import reviewing
from portal.selection.queries import saved as saved_queries
from portal.selection.rules.drafts import answer

# How long reviews may have changed before offsets and ranks are estimated anew.
SETTLE = timedelta(minutes=1)
# For how long reviewers are reminded of what is late.
PATIENCE = timedelta(days=14)


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
    for application_id in queries.due_reminders(session, at):
        total += remind(session, queries.whole_application(session, application_id), at=at)
        session.commit()
    return total


def go_on_in_bulk(session: Session, at: datetime) -> int:
    """Go on with what the lead does to many applications, chunk by chunk."""
    total = 0
    for bulk_id in bulk_queries.unfinished(session):
        session.commit()
        while done := bulk.go_on(session, bulk_id, at=at):
            session.commit()
            total += done
    session.commit()
    return total


def count_views(session: Session, at: datetime) -> int:
    """Count anew what saved views show."""
    total = 0
    for view_id in saved_queries.outdated(session, at - timedelta(minutes=2)):
        saved.count_again(session, view_id, at=at)
        session.commit()
        total += 1
    return total


def fit_scores(session: Session, at: datetime) -> int:
    """Adjust the scores of challenges whose reviews have changed, a minute after the first change."""
    total = 0
    due = sa.select(Challenge).join(Plan, Plan.challenge_id == Challenge.id).where(Plan.changed_at <= at - SETTLE)
    for challenge in session.scalars(due.order_by(Challenge.id)).all():
        total += scores.fit(session, challenge, at=at)
        session.commit()
    return total


def remind_reviewers(session: Session, at: datetime) -> int:
    """Remind reviewers of what is due soon or late, each at most once a day."""
    total = 0
    for plan, account_id, number in reviewing.due(session, at + rules.REMIND_BEFORE, at - PATIENCE):
        challenge = session.get_one(Challenge, plan.challenge_id)
        account = reminding.who_reads(session, challenge).get(account_id)
        if account is not None and plan.review_until is not None:
            reminding.remind_reviewer(session, challenge, account, number, plan.review_until, at=at)
            total += 1
    session.commit()
    return total


def solve_drafts(session: Session, at: datetime) -> int:
    """Solve what is too large for a request. No transaction is open while it is solved."""
    total = 0
    for challenge_id, number in draft_queries.solving(session):
        found = draft_queries.draft(session, challenge_id, number)
        asked, since = draft_queries.ask(session, found), found.state_since
        session.commit()
        told = answer(asked.question, asked.names)
        try:
            found = draft_queries.draft(session, challenge_id, number)
            if found.state_since != since:
                raise Conflict("It was changed and is solved anew.")
            write(session, found, asked, told, at=at)
        except (Conflict, Refused):
            session.rollback()  # discarded, or solved by another worker in the meantime
        else:
            session.commit()
            total += 1
    return total


JOBS = (
    Job("selection: solve drafts", 2, solve_drafts),
    Job("selection: release waves", 10, release_waves),
    Job("selection: go on with bulk changes", 3, go_on_in_bulk),
    Job("selection: count saved views", 60, count_views),
    Job("selection: remind the invited", 300, remind_invited),
    Job("selection: expire invitations", 60, expire_invitations),
    Job("selection: adjust scores", 30, fit_scores),
    Job("selection: remind reviewers", 3600, remind_reviewers),
)
