"""Fixtures of all tests: both databases, a clock that stands still, clients, and the cast."""

import gc
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from portal.core import clock as portal_clock
from portal.core.db import db, set_reading
from portal.core.outbox import OutgoingMail
from tests.cast import NOON, Cast, make_cast
from tests.databases import Databases
from tests.kept import kept
from tests.once import once
from tests.servers import chromium

# Neither the load of the machine nor chance decides whether a test passes.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

KINDS = ("sqlite", "postgresql")
# Where the tests are that take longest.
LONGEST = ("simulation", "journey", "bench", "packaging", "demo", "faults")


def pytest_collection_finish() -> None:
    """What has been loaded by now stays: looking through it for garbage, again and again, would take a while,
    as would looking after every few hundred objects for what a test has left.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Nothing that is tested may reach beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test reached for {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The applications of this test process."""
    with ExitStack() as stack:
        compiled = once(tmp_path_factory, "compiled", Path.mkdir)
        made = Databases(tmp_path_factory.mktemp("databases"), compiled, stack)
        yield made
        made.close()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database under the test: everything that asks for it runs on each."""
    kind: str = request.param
    return kind


@dataclass
class Clock:
    """The time that `clock.now()` tells."""

    at: datetime = NOON

    def tick(self, **step: float) -> datetime:
        """Let time pass: tick(hours=2)."""
        self.at += timedelta(**step)
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands at NOON until it is told to tick."""
    made = Clock()
    monkeypatch.setattr(portal_clock, "now", lambda: made.at)
    return made


@pytest.fixture
def app(request: pytest.FixtureRequest, database: str, databases: Databases, clock: Clock) -> Flask:
    """The application on a database of each kind, which is empty but for what the test wants of what is kept."""
    return databases.app(database, request.fixturenames)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The database session of the test. Requests of `client` have their own and see what was written here."""
    with app.app_context():
        set_reading(False)
        yield db.session
        db.session.rollback()


@pytest.fixture
def client(app: Flask, session: Session) -> FlaskClient:
    """A browser without JavaScript, signed out."""
    return app.test_client()


@kept
def cast(session: Session) -> Cast:
    """Everybody."""
    return make_cast(session)


@pytest.fixture
def mails(session: Session) -> Callable[[], list[OutgoingMail]]:
    """What is in the outbox, in the order in which it was posted."""

    def read() -> list[OutgoingMail]:
        session.commit()
        return list(session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id)))

    return read


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of this test process."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def statements(app: Flask, session: Session) -> Iterator[list[str]]:
    """Every SQL statement that runs from here on; clear() it where the counting begins."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(db.engine, "before_cursor_execute", note)


def pytest_configure() -> None:
    """Clocks and zones of the machine must not matter."""
    os.environ["TZ"] = os.environ.get("PORTAL_TEST_TZ", "UTC")
    # More than a hundred processes start in a run: they need not compile the portal each, nor this one the tests anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    gc.disable()  # until the tests are collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is quick tells first; of what is slow the longest begins, so that all processes of a run end together."""
    items.sort(key=_weight)


def _weight(item: pytest.Item) -> tuple[int, int]:
    if any(item.iter_markers("slow")) or any(item.iter_markers("browser")):
        folder = item.path.parent.name
        return 2, LONGEST.index(folder) if folder in LONGEST else len(LONGEST)
    return int("database" in getattr(item, "fixturenames", ())), 0
