"""Fixtures of all tests: both databases, a clock that stands still, clients, and the cast."""

import contextvars
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.core import clock as portal_clock
from portal.core.db import Model, db, set_reading
from portal.core.outbox import OutgoingMail
from portal.factory import create_app
from tests.cast import NOON, Cast, make_cast
from tests.servers import chromium, postgresql

KINDS = ("sqlite", "postgresql")


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


class Client(FlaskClient):
    """A client whose requests see what the test has written, and keep their own contexts."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Commit the test's session, then answer the request in a context of its own."""
        db.session.commit()
        try:
            return contextvars.Context().run(super().open, *args, **kwargs)
        finally:
            set_reading(False)


@dataclass
class Databases:
    """One application for each kind of database, made when first asked for, emptied before each test."""

    folder: Path
    stack: ExitStack
    apps: dict[str, Flask] = field(default_factory=dict)

    def app(self, kind: str) -> Flask:
        """The application on an empty database."""
        if kind not in self.apps:
            self.apps[kind] = self._make(kind)
        self._empty(kind)
        return self.apps[kind]

    def _make(self, kind: str) -> Flask:
        data = self.folder / kind
        sqlite = f"sqlite:///{data / 'portal.sqlite3'}"
        app = create_app(
            {
                "PORTAL_DATA": str(data),
                "PORTAL_DATABASE_URL": self.stack.enter_context(postgresql()) if kind == "postgresql" else sqlite,
                "PORTAL_SECRET_KEY": "only-for-tests-" * 4,
                "PORTAL_TESTING": "1",
                "PORTAL_PUBLIC_URL": "http://localhost",
            }
        )
        app.config["WTF_CSRF_ENABLED"] = False
        app.test_client_class = Client
        with app.app_context():
            Model.metadata.create_all(db.engine)
            db.engine.dispose()
        if kind == "sqlite":
            with app.app_context(), db.engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
            with app.app_context():
                db.engine.dispose()
            shutil.copy(data / "portal.sqlite3", data / "empty.sqlite3")
        return app

    def _empty(self, kind: str) -> None:
        app, data = self.apps[kind], self.folder / kind
        with app.app_context():
            if kind == "postgresql":
                _empty_tables()
            else:
                db.engine.dispose()
                for suffix in ("-wal", "-shm"):
                    (data / f"portal.sqlite3{suffix}").unlink(missing_ok=True)
                # A new file: a connection that a failed test still holds must not see it.
                fresh = shutil.copy(data / "empty.sqlite3", data / "fresh.sqlite3")
                Path(fresh).replace(data / "portal.sqlite3")
        for folder in ("store", "mail"):
            shutil.rmtree(data / folder, ignore_errors=True)
            (data / folder).mkdir(exist_ok=True)


def _empty_tables() -> None:
    """Delete every row and begin the numbers anew. TRUNCATE takes half a second even for tables that are empty."""
    tables = Model.metadata.sorted_tables
    filled = " UNION ALL ".join(f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM {table.name})" for table in tables)
    with db.engine.begin() as connection:
        # Neither foreign keys nor append-only triggers are asked.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for name in connection.scalars(sa.text(filled)).all():
            connection.execute(sa.text(f"DELETE FROM {name}"))
            if "id" in Model.metadata.tables[name].columns:
                sequence = sa.func.pg_get_serial_sequence(name, "id")
                connection.execute(sa.select(sa.func.setval(sequence, 1, False)))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The applications of this test process."""
    with ExitStack() as stack:
        made = Databases(tmp_path_factory.mktemp("databases"), stack)
        yield made
        for app in made.apps.values():
            with app.app_context():
                db.engine.dispose()


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
def app(database: str, databases: Databases, clock: Clock) -> Flask:
    """The application on an empty database of each kind."""
    return databases.app(database)


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


@pytest.fixture
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is quick tells first."""
    items.sort(key=lambda item: any(item.iter_markers("slow")) or any(item.iter_markers("browser")))
