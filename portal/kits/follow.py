"""The two errands of tracking: taking what came in, and asking for what did not."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, PortalError
from portal.core.logs import log
from portal.kits.actions import homeward as homeward  # so that news of returns are taken
from portal.kits.actions import inbox, polls
from portal.kits.queries import tracking
from portal.kits.rules.polling import Adapter, Asked, Unanswered

# How many parcels a service is asked for in one run, how long that may take in all (well within the lease), and how
# long those wait that it was not asked for because it was out of order.
AT_MOST, ENOUGH, PAUSE = 40, 240.0, timedelta(minutes=10)


def take_news(session: Session, at: datetime) -> int:
    """Take all that is due, each in a transaction of its own: what goes wrong with one stops no other."""
    waiting = tracking.due(session, at)
    session.commit()
    for news_id in waiting:
        _take(session, news_id, at)
    inbox.forget(session, at=at)
    session.commit()
    return len(waiting)


def _take(session: Session, news_id: int, at: datetime) -> None:
    try:
        news = tracking.open_news(session, news_id)
        if news is not None:
            inbox.take_news(session, news, at=at)
        session.commit()
    except OperationalError:
        raise  # the database is away or busy: the job tells, and begins again
    except Exception as problem:
        session.rollback()
        _lay_aside(session, news_id, problem, at)


def _lay_aside(session: Session, news_id: int, problem: Exception, at: datetime) -> None:
    news = tracking.open_news(session, news_id)
    if news is None:
        session.commit()
        return
    if isinstance(problem, Conflict):
        inbox.put_off(session, news, problem.reason, at=at)
    elif isinstance(problem, PortalError):
        inbox.fail(session, news, problem.reason, at=at)
    else:
        log.error("news failed", news=news_id, error=type(problem).__name__)
        inbox.fail(session, news, f"A fault of ours: {type(problem).__name__}.", at=at)
    session.commit()


def ask_all(session: Session, services: Sequence[Adapter], at: datetime) -> int:
    """Ask each service for its parcels that are due. A service that fails stops no other. How many were asked for."""
    polls.plan(session, {service.name: service.carriers for service in services}, at=at)
    session.commit()
    return sum(_ask(session, service, at) for service in services)


def _ask(session: Session, service: Adapter, at: datetime) -> int:
    parcels = polls.claim(session, service.name, at=at, limit=AT_MOST)
    session.commit()
    enough = time.monotonic() + ENOUGH
    for done in range(0, len(parcels), service.most):
        batch, rest = parcels[done : done + service.most], parcels[done + service.most :]
        stopped = _ask_for(session, service, batch, at)
        if stopped is not None or time.monotonic() > enough:
            polls.put_off(session, rest, until=at + max(stopped or timedelta(), PAUSE))
            session.commit()
            return done + len(batch)
    return len(parcels)


def _ask_for(session: Session, service: Adapter, batch: Sequence[Asked], at: datetime) -> timedelta | None:
    """One request, while no transaction is open. How long the service wants to be left alone, None if it may go on."""
    try:
        told = service.ask(batch)
    except Unanswered as problem:
        polls.unanswered(session, batch, problem.reason, at=at, wait=problem.wait)
        session.commit()
        return problem.wait if problem.stop else None
    except Exception as problem:
        log.error("service failed", service=service.name, error=type(problem).__name__)
        polls.unanswered(session, batch, f"A fault of ours: {type(problem).__name__}.", at=at, wait=timedelta())
        session.commit()
        return None
    inbox.receive(session, told, at=at)
    polls.answered(session, batch, at=at)
    session.commit()
    return None
