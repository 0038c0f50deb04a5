"""Databases for the tests of a process: one of each kind, made when first asked for and put back before each test."""

import contextvars
import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.core.db import Model, db, prepare, set_reading
from portal.factory import ROOMS, create_app
from tests.kept import EMPTY, MAKERS, deepest, needs, referred, referring, within
from tests.servers import postgresql


def tables(url: str) -> None:
    """Make every table in an empty database, whether an application has been made already or not."""
    for room in ROOMS:
        if find_spec(f"portal.{room}.models"):
            import_module(f"portal.{room}.models")
    engine = sa.create_engine(url)
    prepare(engine)
    set_reading(False)
    Model.metadata.create_all(engine)
    engine.dispose()


class Client(FlaskClient):
    """A client whose requests see what the test has written, and keep their own contexts."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Commit the test's session, then answer the request in a context of its own."""
        db.session.commit()
        try:
            return contextvars.Context().run(super().open, *args, **kwargs)
        finally:
            set_reading(False)


class Sqlite:
    """A file that is written anew from what was kept of it."""

    def __init__(self, data: Path) -> None:
        self.file = data / "portal.sqlite3"
        self.url = f"sqlite:///{self.file}"
        self._kept: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Called once there are tables. No test needs to outlive a power cut, nor to rely on an order that none asked
        for: here rows come last first where a statement does not say otherwise.
        """
        for pragma in ("synchronous=OFF", "reverse_unordered_selects=ON"):
            sa.event.listen(
                db.engine, "connect", lambda connection, _, said=pragma: connection.execute(f"PRAGMA {said}")
            )
        db.engine.dispose()

    def keep(self, name: str) -> None:
        """Keep what is there under a name."""
        with db.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        db.engine.dispose()
        self._kept[name] = self.file.read_bytes()

    def put_back(self, name: str) -> None:
        """Have there again what was kept."""
        db.engine.dispose()
        # A new file: a connection that a failed test still holds must not see it.
        for suffix in ("", "-wal", "-shm"):
            self.file.with_name(f"{self.file.name}{suffix}").unlink(missing_ok=True)
        self.file.write_bytes(self._kept[name])

    def close(self) -> None:
        """Let go of every connection."""
        db.engine.dispose()


class Postgresql:
    """Functions in the database which delete every row, begin the numbers anew, and copy what was kept from beside."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Asks neither foreign keys nor append-only triggers. A connection that changes its mind about that throws away
        # every plan that it has made, so this one never does.
        self._keeper = sa.create_engine(url, connect_args={"options": "-c session_replication_role=replica"})

    def prepare(self) -> None:
        """Called once there are tables."""
        with db.engine.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA kept"))

    def keep(self, name: str) -> None:
        """Keep what is there under a name."""
        with db.engine.begin() as connection:
            filled = {table.name: self._last(connection, table) for table in self._filled(connection)}
            for table in filled:
                connection.execute(sa.text(f"CREATE TABLE kept.{name}_{table} AS TABLE public.{table}"))
            body = " ".join([*map(self._emptying, Model.metadata.sorted_tables), *self._filling(name, filled)])
            connection.exec_driver_sql(
                f"CREATE FUNCTION kept.{name}() RETURNS void LANGUAGE plpgsql AS $body$BEGIN {body} END$body$"
            )

    def put_back(self, name: str) -> None:
        """Have there again what was kept: one journey to the server."""
        with self._keeper.begin() as connection:
            connection.exec_driver_sql(f"SELECT kept.{name}()")

    def close(self) -> None:
        """Let go of every connection."""
        db.engine.dispose()
        self._keeper.dispose()

    def _filled(self, connection: sa.Connection) -> Iterator[sa.Table]:
        for table in Model.metadata.sorted_tables:
            if connection.scalar(sa.select(sa.exists().select_from(table))):
                yield table

    @staticmethod
    def _last(connection: sa.Connection, table: sa.Table) -> int | None:
        if "id" not in table.columns or not isinstance(table.c.id.type, sa.Integer):
            return None
        return connection.scalar(sa.select(sa.func.max(table.c.id)))

    @staticmethod
    def _sequence(table: str) -> str:
        return f"pg_get_serial_sequence('public.{table}', 'id')"

    def _emptying(self, table: sa.Table) -> str:
        """TRUNCATE takes half a second even for tables that are empty."""
        anew = f"PERFORM setval({self._sequence(table.name)}, 1, false);" if "id" in table.columns else ""
        name = f"public.{table.name}"
        return f"IF EXISTS (SELECT FROM {name}) THEN DELETE FROM {name}; {anew} END IF;"

    def _filling(self, name: str, filled: dict[str, int | None]) -> Iterator[str]:
        for table, last in filled.items():
            yield f"INSERT INTO public.{table} SELECT * FROM kept.{name}_{table};"
            if last is not None:
                yield f"PERFORM setval({self._sequence(table)}, {last});"


@dataclass
class Databases:
    """One application for each kind of database; what their templates were compiled to is in a folder of the run."""

    folder: Path
    compiled: Path
    stack: ExitStack
    apps: dict[str, Flask] = field(default_factory=dict)
    stores: dict[str, Sqlite | Postgresql] = field(default_factory=dict)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    there: dict[str, set[str]] = field(default_factory=dict)

    def app(self, kind: str, fixtures: Collection[str] = ()) -> Flask:
        """The application on a database in which there is what these fixtures need and nothing else."""
        if kind not in self.apps:
            self.apps[kind] = self._make(kind)
        with self.apps[kind].app_context():
            self._put_back(kind, deepest(fixtures))
        return self.apps[kind]

    def _put_back(self, kind: str, name: str) -> None:
        if name not in self.made[kind]:
            self._build(kind, name)
        self.stores[kind].put_back(name)
        for folder, beside in self._folders(kind, name):
            if not folder.is_dir() or any(folder.iterdir()) or any(beside.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(beside, folder)
        self.there[kind] = within(name)

    def _build(self, kind: str, name: str) -> None:
        self._put_back(kind, deepest(needs(name)))
        with writing() as session:
            given = {each: referred(self.made[kind][each], session) for each in needs(name)}
            made = MAKERS[name](session=session, **given)
            session.commit()
            references = referring(made)
        self._keep(kind, name)
        self.made[kind][name] = references

    def _keep(self, kind: str, name: str) -> None:
        self.stores[kind].keep(name)
        for folder, beside in self._folders(kind, name):
            folder.mkdir(exist_ok=True)
            shutil.copytree(folder, beside)

    def _folders(self, kind: str, name: str) -> Iterator[tuple[Path, Path]]:
        """Where the application has its files, and where those are that were kept."""
        for folder in ("store", "mail"):
            yield self.folder / kind / folder, self.folder / "kept" / kind / name / folder

    def _make(self, kind: str) -> Flask:
        data = self.folder / kind
        made = Postgresql(self.stack.enter_context(postgresql(tables))) if kind == "postgresql" else Sqlite(data)
        app = create_app(
            {
                "PORTAL_DATA": str(data),
                "PORTAL_DATABASE_URL": made.url,
                "PORTAL_SECRET_KEY": "only-for-tests-" * 4,
                "PORTAL_TESTING": "1",
                "PORTAL_PUBLIC_URL": "http://localhost",
            }
        )
        app.config["WTF_CSRF_ENABLED"] = False
        app.test_client_class = Client
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(self.compiled))
        if kind != "postgresql":
            tables(made.url)
        self.stores[kind], self.made[kind] = made, {EMPTY: None}
        with app.app_context():
            made.prepare()
            self._keep(kind, EMPTY)
        return app

    def close(self) -> None:
        """Let go of every connection."""
        for kind, store in self.stores.items():
            with self.apps[kind].app_context():
                store.close()


@contextmanager
def writing() -> Iterator[Session]:
    """A session that may write, and lets go of everything."""
    set_reading(False)
    try:
        yield db.session
    finally:
        db.session.remove()
