"""What the worker ticks: idempotent functions, and a row for each that tells how its last run went."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.db import Model, insert


class Job(NamedTuple):
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
    return _note(
        session, job, started_at=at, duration_ms=took, rows=rows, error=error,
        next_at=at + timedelta(seconds=job.seconds),
    )  # fmt: skip


def _note(session: Session, job: Job, **values: object) -> JobRun:
    """Write the job's row, whether or not there is one; two workers may do so at the same moment."""
    failed = values["error"] is not None
    made = insert(session, JobRun).values(name=job.name, failures=int(failed), **values)
    counted = {**values, "failures": JobRun.failures + 1 if failed else 0}
    noted = made.on_conflict_do_update(index_elements=["name"], set_=counted).returning(JobRun)
    run = session.scalars(noted, execution_options={"populate_existing": True}).one()
    session.expunge(run)
    session.commit()
    return run
