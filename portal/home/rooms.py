"""What the rooms say there is to do, put together: the one place that asks them all."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

import portal.applications.queries as applications
import portal.awards.queries as awards
import portal.challenges.queries as challenges
import portal.kits.queries as kits
import portal.office_hours.queries as office_hours
import portal.reports.queries.reports as reports
import portal.selection.queries as selection
from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.reports.states import ReportState


def tasks(session: Session, challenge: Challenge, account: Account, member: Member | None, at: datetime) -> list[Task]:
    """What a person has to do in a challenge: what has no time first, then by the time by which it is due."""
    found = list(_tasks(session, challenge, account, member, at))
    return sorted(found, key=lambda task: (task.due is not None, task.due or at))


def _tasks(
    session: Session, challenge: Challenge, account: Account, member: Member | None, at: datetime
) -> Iterator[Task]:
    yield from applications.tasks(session, challenge, account, at)
    yield from selection.tasks(session, challenge, account, at)
    if member is not None:
        yield from challenges.tasks(session, member, at)
        yield from kits.tasks(session, member, at)
        yield from office_hours.tasks(session, member, at)
        yield from _reports(session, challenge, member)


def _reports(session: Session, challenge: Challenge, member: Member) -> Iterator[Task]:
    """Reports that are not handed in yet, and those whose triager has asked something."""
    for report in reports.of_participant(session, member.participant_id):
        url = f"/challenges/{challenge.slug}/reports/{report.ref}"
        if report.state is ReportState.UPLOADING:
            yield Task(f"Hand in {report.ref}", url, None, "So far nobody reads it.")
        elif report.state is ReportState.NEEDS_INFO:
            yield Task(f"Answer the question about {report.ref}", url)


def _triage(session: Session, challenge: Challenge, roles: frozenset[Role], at: datetime) -> list[Queue]:
    if Role.TRIAGER not in roles:
        return []
    url, (count, oldest) = f"/staff/{challenge.slug}/reports", reports.waiting(session, challenge.id)
    return [
        Queue("Reports to acknowledge", f"{url}?state=received", count, oldest),
        Queue("Reports past a deadline", url, reports.late(session, challenge.id, at)),
    ]


def queues(
    session: Session, challenge: Challenge, account: Account, roles: frozenset[Role], at: datetime
) -> list[Queue]:
    """The piles of work that a person's roles are about, in the order of the work."""
    found = [
        *applications.queues(session, challenge, roles, at),
        *selection.queues(session, challenge, roles, at),
        *kits.queues(session, challenge, roles, at),
        *_triage(session, challenge, roles, at),
        *awards.queues(session, challenge, roles, at),
    ]
    if Role.HOST in roles:
        found += office_hours.queues(session, challenge, account, at)
    return found
