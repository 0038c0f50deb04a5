"""What the rooms say there is to do, put together: the one place that asks them all."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

import portal.applications.queries as applications
import portal.awards.queries as awards
import portal.challenges.queries as challenges
import portal.challenges.queries.news as news
import portal.kits.queries as kits
import portal.line.queries.inbox as line
import portal.office_hours.queries as office_hours
import portal.office_hours.queries.promises as promises
import portal.reports.todo as reports
import portal.results.queries as results
import portal.selection.queries as selection
from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.home import queries


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
        yield from news.tasks(session, member, at)
        yield from kits.tasks(session, member, at)
        yield from office_hours.tasks(session, member, at)
        yield from promises.tasks(session, member, at)
        yield from reports.tasks(session, member, at)
        yield from line.tasks(session, member, at)


def _engine_room(session: Session, at: datetime) -> list[Queue]:
    """What an admin looks after, whichever challenge it belongs to."""
    count, oldest = queries.dead_letters(session)
    return [
        Queue("Mails that could not be delivered", "/staff/mail?state=failed", count, oldest),
        Queue("Jobs that failed", "/staff/jobs", queries.failed_jobs(session)),
        Queue("Keys about to expire", "/staff/keys", len(reports.expiring_keys(session, at))),
        Queue("security.txt to sign", "/staff/keys/security-txt", len(reports.security_text(session, at))),
    ]


def queues(
    session: Session, challenge: Challenge, account: Account, roles: frozenset[Role], at: datetime
) -> list[Queue]:
    """The piles of work that a person's roles are about, in the order of the work."""
    found = [
        *applications.queues(session, challenge, roles, at),
        *([selection.my_reviews(session, challenge, account)] if Role.REVIEWER in roles else ()),
        *selection.queues(session, challenge, roles, at),
        *kits.queues(session, challenge, roles, at),
        *(reports.queues(session, challenge, at, reader=account.id) if Role.TRIAGER in roles else ()),
        *reports.publishing(session, challenge, roles, at, reader=account.id),
        *line.queues(session, challenge, roles, at, reader=account.id),
        *awards.queues(session, challenge, roles, at, account.id),
        *results.queues(session, challenge, roles, reader=account.id),
    ]
    if Role.HOST in roles:
        found += office_hours.queues(session, challenge, account, at)
        found += promises.queues(session, challenge, account, at)
    if roles & {Role.HOST, Role.LEAD}:
        found.append(office_hours.unserved(session, challenge, at))
    if Role.ADMIN in roles:
        found += _engine_room(session, at)
    return found
