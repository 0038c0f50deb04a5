"""Several workers at once: everything is done once, and somebody always leads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier

import pytest
import sqlalchemy as sa

from portal import worker as scheduler
from portal.core import clock
from portal.core.jobs import JobRun
from portal.core.outbox import MailState
from tests.faults.conftest import Staging
from tests.faults.post import Office, office, post, states, worker
from tests.faults.stage import Backstage
from tests.servers.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def server(stack: ExitStack) -> Office:
    """The mail server."""
    return stack.enter_context(office())


def has_ticked(behind: Backstage) -> Callable[[], bool]:
    question = sa.select(JobRun.name).where(JobRun.name == "heartbeat")
    return lambda: behind.read(lambda session: session.scalars(question).one_or_none()) is not None


def test_two_embedded_and_a_process_deliver_each_mail_once(stage: Staging, server: Office) -> None:
    served = stage({"PORTAL_SCHEDULER": "embedded", "PORTAL_MAIL_URL": server.url}, workers=2)
    post(served.behind, 100)
    with worker(served.behind, server.url):
        until(lambda: states(served.behind) == {MailState.SENT: 100}, "all mails to be sent")

    assert sorted(server.copies.values()) == [1] * 100


def test_processes_that_know_of_no_leader_deliver_each_mail_once(behind: Backstage, server: Office) -> None:
    """`worker --once` asks nobody: what is right does not depend on who leads."""
    post(behind, 100)
    with worker(behind, server.url, "--once") as first, worker(behind, server.url, "--once") as second:
        assert (first.ended(), second.ended()) == (0, 0)

    assert states(behind) == {MailState.SENT: 100}
    assert sorted(server.copies.values()) == [1] * 100


def test_every_job_may_tick_in_many_threads_at_once(behind: Backstage) -> None:
    start = Barrier(8)

    def tick(_number: int) -> None:
        start.wait()
        scheduler.run_all(behind.app)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tick, range(8)))

    question = sa.select(JobRun.name, JobRun.error)
    ran = dict(behind.read(lambda session: session.execute(question).all()))
    assert ran == dict.fromkeys(job.name for job in scheduler.jobs_of(behind.app))


@contextmanager
def candidate(behind: Backstage) -> Iterator[scheduler.Leader]:
    """Somebody in this process who would lead."""
    made = scheduler.Leader(behind.app)
    try:
        yield made
    finally:
        if made.connection is not None:
            made.connection.invalidate()  # back in the pool it would keep the lock
            made.connection.close()
        if made.file is not None:
            made.file.close()


def test_the_lead_goes_over_when_the_leader_is_killed(behind: Backstage, server: Office, stack: ExitStack) -> None:
    with worker(behind, server.url) as first:
        heir = stack.enter_context(candidate(behind))
        until(has_ticked(behind), "the first tick")
        assert not heir.holds()
        first.kill()
        first.ended()
    until(heir.holds, "the lead")
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: heir.holds(), range(32)))

    began = clock.now()
    # A process that does not lead ticks nothing.
    with worker(behind, server.url) as second:
        post(behind, 1)
        scheduler.tick(behind.app, scheduler.Job("look", 60, lambda _session, _at: 7), heir)
        second.kill()
        second.ended()
    question = sa.select(JobRun.name, JobRun.rows).where(JobRun.started_at >= began)
    assert behind.read(lambda session: session.execute(question).all()) == [("look", 7)]
