"""Processes that die at a step of their own work, each step counted: `python -m tests.reports.crashing`.

It reads one JSON object a line: first the settings of the portal, then one for each process that it is to fork, with
the number of the step at which that one kills itself (SIGKILL), as a power cut would; and prints how each ended. One
with an upload to `look` at is dealt with by itself.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import obstore
import pytest
import sqlalchemy as sa
from flask import Flask
from obstore.store import LocalStore
from sqlalchemy.orm import Session

from portal.core.db import db, set_reading
from portal.factory import create_app
from portal.reports import conveyor, rules
from portal.reports.jobs import collect
from tests.reports.hands import HANDS

PART = 1024


class Steps:
    """Counts the steps of this process, writes each one down, and dies at the one that was asked for."""

    def __init__(self, last: int, log: Path) -> None:
        self._last = last
        self._count = 0
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def __call__(self, name: str, on_death: Callable[[], object] = lambda: None) -> None:
        """One more step has been reached; `on_death` is what a death just here would leave half done."""
        self._count += 1
        os.write(self._log, f"{name}\n".encode())
        if self._count == self._last:
            on_death()
            os.kill(os.getpid(), signal.SIGKILL)


def watch(steps: Steps) -> None:
    """Make steps of everything that changes the store or the database."""
    put, delete = obstore.put, obstore.delete

    def watched_put(store: Any, key: str, data: bytes, **how: Any) -> Any:
        steps("put")
        if isinstance(store, LocalStore):
            steps("half put", lambda: _half(Path(str(store.prefix)) / key, data))
        done = put(store, key, data, **how)
        steps("put done")
        return done

    def watched_delete(store: Any, key: str) -> None:
        steps("delete")
        delete(store, key)
        steps("delete done")

    def watched_fsync(number: int) -> None:
        # A process that is killed takes nothing with it that the system holds: when it is called is what counts.
        steps("fsync folder" if os.path.isdir(f"/proc/self/fd/{number}") else "fsync file")

    patch = pytest.MonkeyPatch()
    patch.setattr(obstore, "put", watched_put)
    patch.setattr(obstore, "delete", watched_delete)
    patch.setattr(os, "fsync", watched_fsync)
    sa.event.listen(db.engine, "before_cursor_execute", lambda *seen: _statement(steps, seen[2]))
    sa.event.listen(db.engine, "commit", lambda _: steps("commit"))
    sa.event.listen(Session, "after_commit", lambda _: steps("commit done"))


def _half(path: Path, data: bytes) -> None:
    """What obstore leaves of a file that it has not finished to write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}#1").write_bytes(data[: len(data) // 2])


def _statement(steps: Steps, statement: str) -> None:
    verb, *words = statement.split(maxsplit=3)
    if verb in ("UPDATE", "INSERT", "DELETE"):
        steps(f"{verb} {words[0 if verb == 'UPDATE' else 1]}")


def work(app: Flask, told: dict[str, Any]) -> None:
    """Send what is asked for, as a web process would take it, and collect, as a worker would."""
    data = Path(told["data"]).read_bytes() if told.get("data") else b""
    for request in told.get("patches", ()):
        begin, end = request["range"]
        headers = {
            **request["headers"], "Upload-Offset": str(begin), "Content-Type": "application/offset+octet-stream",
        }  # fmt: skip
        answer = app.test_client().patch(told["path"], data=data[begin:end], headers=headers)
        assert answer.status_code == 204, answer.text
    if told.get("collect"):
        with app.app_context():
            set_reading(False)
            collect(db.session, datetime.fromisoformat(told["collect"]))


def hasten(engine: sa.Engine) -> None:
    """Let SQLite not wait for the disk: no test needs to outlive a power cut."""
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))


def fork(app: Flask, told: dict[str, Any]) -> int:
    """One process that works; how it ended: 0, or the signal that killed it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        with app.app_context():
            hasten(db.engine)
            watch(Steps(told["step"], Path(told["log"])))
            pytest.MonkeyPatch().setattr(conveyor, "_beside", HANDS[told.get("hands", "at once")]())
        work(app, told)
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)


def rehearse(app: Flask, told: dict[str, Any]) -> int:
    """Look at an upload in this very process: no fork needs to compile anew the statements that find it."""
    answer = app.test_client().head(told["look"], headers=told["headers"])
    assert answer.status_code == 200, answer.text
    with app.app_context():
        db.engine.dispose()  # no fork may share a connection
    return 0


def main() -> None:
    """Fork until nothing more is asked for."""
    rules.PART = rules.limits.PART = PART
    app = create_app(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        told = json.loads(line)
        print(rehearse(app, told) if "look" in told else fork(app, told), flush=True)


if __name__ == "__main__":
    main()
