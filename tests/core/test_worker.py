"""Ticking: who leads, what a tick leaves behind, and what a job that fails does to the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import worker
from portal.core.db import db
from portal.core.jobs import Job, JobRun, perform
from portal.worker import Leader, jobs_of, run_all, start, tick
from tests.cast import NOON
from tests.conftest import Clock
from tests.servers.waiting import until


@contextmanager
def candidate(app: Flask) -> Iterator[Leader]:
    """Somebody who would lead, and who lets go at the end as the end of a process would."""
    made = Leader(app)
    try:
        yield made
    finally:
        if made.connection is not None:
            made.connection.invalidate()
            made.connection.close()
        if made.file is not None:
            made.file.close()


def runs(session: Session) -> dict[str, JobRun]:
    session.rollback()
    found = session.scalars(sa.select(JobRun), execution_options={"populate_existing": True}).all()
    session.expunge_all()
    session.rollback()  # what reads may write, which on SQLite excludes everybody else
    return {run.name: run for run in found}


def fail(_session: Session, _at: datetime) -> int:
    raise LookupError("no such carrier")


def write_and_fail(session: Session, at: datetime) -> int:
    session.add(JobRun(name="half done", started_at=at, duration_ms=0, rows=0, next_at=at))
    session.flush()
    raise LookupError("no such carrier")


def test_a_run_is_noted_with_its_time_rows_and_next_tick(app: Flask, session: Session, clock: Clock) -> None:
    seen: list[datetime] = []

    def count(_session: Session, at: datetime) -> int:
        seen.append(at)
        return 3

    tick(app, Job("count", 60, count))

    run = runs(session)["count"]
    assert seen == [NOON]
    assert (run.started_at, run.rows, run.next_at, run.error, run.failures) == (
        NOON, 3, NOON + timedelta(seconds=60), None, 0,
    )  # fmt: skip
    assert run.duration_ms >= 0


def test_failures_are_counted_until_it_works_again(app: Flask, session: Session, clock: Clock) -> None:
    job = Job("carriers", 60, fail)
    tick(app, job)
    clock.tick(minutes=1)
    tick(app, job)

    run = runs(session)["carriers"]
    assert (run.error, run.failures, run.rows) == ("LookupError: no such carrier", 2, 0)
    assert run.started_at == NOON + timedelta(minutes=1)

    tick(app, job._replace(run=lambda _session, _at: 1))

    run = runs(session)["carriers"]
    assert (run.error, run.failures, run.rows) == (None, 0, 1)


def test_what_a_failed_job_had_begun_is_undone(app: Flask, session: Session) -> None:
    tick(app, Job("carriers", 60, write_and_fail))

    assert set(runs(session)) == {"carriers"}


def test_the_row_of_a_run_can_be_used_after_its_session(session: Session) -> None:
    run = perform(session, Job("count", 60, lambda _session, _at: 2), NOON)

    assert not session.in_transaction()
    assert (run.name, run.rows) == ("count", 2)


def test_all_jobs_tick_though_one_fails(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Job("broken", 60, fail)
    monkeypatch.setitem(app.extensions, "portal.jobs", (broken, *app.extensions["portal.jobs"]))
    assert [job.name for job in jobs_of(app)][:3] == ["heartbeat", "outbox: deliver", "broken"]

    run_all(app)

    found = runs(session)
    assert found.keys() == {job.name for job in jobs_of(app)}
    assert {name for name, run in found.items() if run.error} == {"broken"}


def test_names_of_jobs_are_unique_and_fit_their_column(app: Flask) -> None:
    names = [job.name for job in jobs_of(app)]

    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 64


def test_one_leads_and_the_others_tick_nothing(app: Flask, session: Session) -> None:
    job = Job("count", 60, lambda _session, _at: 1)
    with candidate(app) as first, candidate(app) as second:
        assert first.holds()
        assert first.holds()
        assert not second.holds()

        tick(app, job, second)
        assert runs(session) == {}
        tick(app, job, first)
        assert runs(session).keys() == {"count"}


def test_the_lead_is_free_when_the_leader_has_ended(app: Flask, session: Session) -> None:
    with candidate(app) as first:
        assert first.holds()
    with candidate(app) as second:
        assert second.holds()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_leader_whose_connection_is_cut_asks_anew(app: Flask, session: Session) -> None:
    with candidate(app) as leader:
        assert leader.holds()
        session.rollback()
        cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock"
        session.execute(sa.text(cut), {"lock": worker.LEADER})
        session.rollback()

        until(leader.holds, "the lead")

        session.rollback()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND granted"
        assert session.execute(sa.text(held), {"lock": worker.LEADER}).scalar_one() == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nobody_leads_while_the_database_is_away(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: Any) -> None:
        raise sa.exc.OperationalError("connect", None, OSError("no server"))

    with candidate(app) as leader:
        with monkeypatch.context() as patch:
            patch.setattr(db.engine, "connect", away)
            assert not leader.holds()
        assert leader.holds()


def test_the_scheduler_ticks_by_itself(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first tick is of 2020, by the clock of the tests: the millions that were missed since are made up by one."""
    monkeypatch.setitem(app.extensions, "portal.jobs", (Job("count", 3600, lambda _session, _at: 1),))
    with candidate(app) as leader:
        monkeypatch.setattr(worker, "Leader", lambda _app: leader)
        scheduler = start(app)
        try:
            until(lambda: "count" in runs(session), "the first tick")
            assert {job.id for job in scheduler.get_jobs()} == {"heartbeat", "outbox: deliver", "count"}
        finally:
            scheduler.shutdown(wait=True)
