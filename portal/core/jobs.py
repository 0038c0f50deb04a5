"""What the worker ticks: idempotent functions, and a row for each that tells how its last run went."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.db import Model


@dataclass(frozen=True, slots=True)
class Job:
    """A function that does what is due and may be called at any time, twice at once or not for days.

    `run(session, at)` commits by itself, in short transactions, and returns how many rows it dealt with.
    """

    name: str
    seconds: int
    run: Callable[[Session, datetime], int]


class JobRun(Model):
    """The last run of one job."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    rows: Mapped[int]
    next_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(sa.Text)
    failures: Mapped[int] = mapped_column(default=0)


def perform(session: Session, job: Job, at: datetime) -> JobRun:
    """Run one job and note how it went; its errors are noted, not raised."""
    begun = time.monotonic()
    rows, error = 0, None
    try:
        rows = job.run(session, at)
    except Exception as problem:
        session.rollback()
        error = f"{type(problem).__name__}: {problem}"[:2000]
    took = int((time.monotonic() - begun) * 1000)
    run = session.get(JobRun, job.name) or JobRun(name=job.name, failures=0)
    run.started_at, run.duration_ms, run.rows, run.error = at, took, rows, error
    run.next_at = at + timedelta(seconds=job.seconds)
    run.failures = run.failures + 1 if error else 0
    session.add(run)
    session.commit()
    return run
