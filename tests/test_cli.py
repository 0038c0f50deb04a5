"""The commands that belong to no room."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import worker
from portal.core import audit
from portal.core.audit import AuditEntry
from tests.cast import NOON


def test_config_check_tells_every_fault(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET_KEY", "short")
    monkeypatch.setenv("PORTAL_SCHEDULER", "sometimes")

    answer = app.test_cli_runner().invoke(args=["config", "check"])

    assert answer.exit_code == 2
    assert answer.output.splitlines() == [
        "PORTAL_SECRET_KEY: needs at least 32 characters",
        "PORTAL_SCHEDULER: must be one of off, embedded",
    ]


def test_audit_verify_names_the_first_broken_row(app: Flask, session: Session) -> None:
    audit.record(session, "tests:act", "thing:1", by=None, at=NOON)
    session.commit()
    runner = app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).output == "1 entries, unbroken.\n"

    forged = {
        "at": NOON,
        "tag": "tests:act",
        "subject": "thing:2",
        "detail": {},
        "previous": "0" * 64,
        "hash": "f" * 64,
    }
    session.execute(sa.insert(AuditEntry).values(forged))
    session.commit()

    answer = runner.invoke(args=["audit", "verify"])
    assert answer.exit_code == 1
    assert answer.output == "Row 2 (tests:act, 2020-06-15T12:00:00+00:00) does not fit the chain.\n"


def test_the_doctor_looks_at_everything(app: Flask, session: Session, database: str, tmp_path: Path) -> None:
    answer = app.test_cli_runner().invoke(args=["doctor"])

    lines = dict(line.split(": ", 1) for line in answer.output.splitlines())
    assert answer.exit_code == 1
    assert lines == {
        "database": f"ok ({database})",
        "storage": "ok (file)",
        "mail": "ok (folder)",
        "keys": "RuntimeError: no key set is published: reports cannot be sealed",
        "security.txt": "ok (no key set yet)",
        "addresses": "ok (none)",
        "clock": "ok (2020-06-15T12:00:00+00:00)",
        "worker": "RuntimeError: no worker has ever run",
    }


def test_once_the_worker_ticks_every_job(app: Flask, session: Session) -> None:
    answer = app.test_cli_runner().invoke(args=["worker", "--once"])

    assert answer.exit_code == 0
    assert set(session.scalars(sa.text("SELECT name FROM job_run"))) == {job.name for job in worker.jobs_of(app)}
    assert not session.scalars(sa.text("SELECT error FROM job_run WHERE error IS NOT NULL")).all()
