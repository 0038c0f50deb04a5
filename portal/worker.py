"""The scheduler. It only ticks: what is due is rows, every job finds them by itself, and every tick is safe twice."""

import fcntl
import signal
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

import sqlalchemy as sa
from apscheduler.triggers.base import BaseTrigger
from flask import Flask, current_app
from sqlalchemy.orm import Session
from typing_extensions import override

from portal.core import clock
from portal.core.db import db, set_reading
from portal.core.jobs import Job, perform
from portal.core.logs import log
from portal.core.mail import config_of, message, transport
from portal.core.outbox import drain

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

# An arbitrary number of ours: who holds this advisory lock on PostgreSQL is the leader.
LEADER = 0x706F7274
_HELD = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND pid = pg_backend_pid()"
)
HEARTBEAT = 10


def deliver(session: Session, _at: datetime) -> int:
    """Drain the outbox through the configured transport, batch by batch, over one connection."""
    config, total = config_of(current_app), 0
    with transport(config) as way:
        while done := drain(session, lambda mail: way.send(message(mail, config)), clock.now()):
            total += done
    return total


def heartbeat(_session: Session, _at: datetime) -> int:
    """Nothing but the proof that somebody ticks: `doctor` and /staff/jobs look at its row."""
    return 0


OWN_JOBS = (Job("heartbeat", HEARTBEAT, heartbeat), Job("outbox: deliver", 5, deliver))


class Leader:
    """Whether this process is the one that ticks. It saves work; correctness never depends on it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.connection: sa.Connection | None = None
        self.file: IO[Any] | None = None
        # Jobs tick in several threads: two connections would shut each other out, the one that is forgotten for ever.
        self._asking = threading.Lock()

    def holds(self) -> bool:
        """Take the lead if nobody has it."""
        with self._asking, self.app.app_context():
            if db.engine.dialect.name == "postgresql":
                return self._advisory_lock(db.engine)
            return self._file_lock(config_of(self.app).data / "worker.lock")

    def _advisory_lock(self, engine: sa.Engine) -> bool:
        try:
            if self.connection is None:
                self.connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if self.connection.execute(_HELD, {"lock": LEADER}).scalar_one():
                return True
            return bool(self.connection.execute(sa.select(sa.func.pg_try_advisory_lock(LEADER))).scalar_one())
        except sa.exc.DBAPIError:
            if self.connection is not None:
                self.connection.invalidate()
                self.connection.close()
                self.connection = None
            return False

    def _file_lock(self, path: Path) -> bool:
        if self.file is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = path.open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def jobs_of(app: Flask) -> Sequence[Job]:
    """The worker's own jobs and those of every room."""
    jobs: Sequence[Job] = app.extensions["portal.jobs"]
    return (*OWN_JOBS, *jobs)


def tick(app: Flask, job: Job, leader: Leader | None = None) -> None:
    """Run one job in an application context of its own, if this process leads."""
    if leader is not None and not leader.holds():
        return
    set_reading(False)
    with app.app_context():
        run = perform(db.session, job, clock.now())
        if run.error:
            log.error("job failed", job=job.name, error=run.error, failures=run.failures)


def run_all(app: Flask) -> None:
    """Tick every job once, now."""
    for job in jobs_of(app):
        tick(app, job)


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler brings no types
    """Every so many seconds. After a sleep or a jump of the clock it goes on from now.

    APScheduler's own interval counts through each tick that was missed, a hundred million after a clock was set.
    """

    def __init__(self, seconds: int) -> None:
        self.pause = timedelta(seconds=seconds)

    @override
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        planned = (previous_fire_time or now) + self.pause
        return planned if planned > now else now + self.pause


def start(app: Flask) -> "BackgroundScheduler":
    """Tick in threads of this process. Jobs live in memory: what is due survives in the database."""
    from apscheduler.executors.pool import ThreadPoolExecutor  # what does not tick itself does without
    from apscheduler.schedulers.background import BackgroundScheduler

    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    leader = Leader(app)
    for job in jobs_of(app):
        once = partial(tick, app, job, leader)
        scheduler.add_job(once, Every(job.seconds), id=job.name, next_run_time=clock.now())
    scheduler.start()
    return scheduler


def run(app: Flask) -> None:
    """Tick until SIGINT or SIGTERM, then finish what is running."""
    done = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    scheduler = start(app)
    done.wait()
    scheduler.shutdown(wait=True)
