"""What applicants and the staff have to do."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications import queries
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.core.todo import Queue, Task
from tests.applications.conftest import Desk
from tests.cast import NOON, Cast


def test_a_draft_is_a_task_while_applications_are_open(session: Session, desk: Desk, cast: Cast) -> None:
    challenge = cast.challenge
    assert queries.tasks(session, challenge, cast.applicant, NOON) == []
    application = desk.draft()
    assert queries.tasks(session, challenge, cast.applicant, NOON) == [
        Task("Submit your application", "/challenges/test-challenge/apply", challenge.apply_until,
             "So far it is a draft that nobody reads.")
    ]  # fmt: skip
    assert queries.tasks(session, challenge, cast.stranger, NOON) == []
    assert queries.tasks(session, challenge, cast.applicant, challenge.apply_until) == []
    session.execute(
        sa.update(Application)
        .where(Application.id == application.id)
        .values(state=ApplicationState.SUBMITTED, submitted_at=NOON)
    )
    assert queries.tasks(session, challenge, cast.applicant, NOON) == []


def test_the_queue_of_the_staff(session: Session, desk: Desk, cast: Cast) -> None:
    desk.crowd(["a", "b", "c"])
    told = queries.queues(session, cast.challenge, frozenset({Role.REVIEWER}), NOON)
    assert told == [
        Queue("Applications without an answer", "/staff/test-challenge/applications?state=submitted", 3,
              NOON - timedelta(minutes=2))
    ]  # fmt: skip
    assert queries.queues(session, cast.challenge, frozenset({Role.HOST}), NOON) == []
