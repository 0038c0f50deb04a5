"""The database: one base class, instants that cannot be naive, and the two engines' peculiarities."""

import select
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, ClassVar, TypeVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import _app_ctx_id
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, relationship, scoped_session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql.visitors import iterate
from typing_extensions import override


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware instant, kept in UTC.

    SQLite has no instants, so there it is text of one width: text order is then time order.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True
    TEXT: ClassVar = "%Y-%m-%dT%H:%M:%S.%fZ"

    @override
    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        kind = sa.String(27) if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    @override
    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        instant = value.astimezone(UTC)
        if dialect.name != "sqlite":
            return instant
        return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if isinstance(value, str):
            # fromisoformat is ten times faster than strptime on rows by the thousand.
            return datetime.fromisoformat(value)
        return value.astimezone(UTC) if value else None


class Money(sa.TypeDecorator[Decimal]):
    """An exact amount with two places. SQLite has no decimals, so there it is a whole number of cents."""

    impl = sa.Numeric(12, 2)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.BigInteger() if dialect.name == "sqlite" else sa.Numeric(12, 2))

    @override
    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value != value.quantize(Decimal("0.01")):
            raise ValueError("an amount has at most two places")
        return int(value * 100) if dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value) / 100 if dialect.name == "sqlite" else Decimal(value)


def _values(kind: Iterable[Enum]) -> list[str]:
    return [member.value for member in kind]


def _told_name(constraint: Any, _table: sa.Table) -> str:
    """A check's own name; the check of an enumeration is named by its column, as two columns may share a kind."""
    if constraint._type_bound:
        return next(part.name for part in iterate(constraint.sqltext) if isinstance(part, sa.Column))
    return str(constraint.name)


class Model(DeclarativeBase):
    """What every table inherits from."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "told_constraint_name": _told_name,
            "ck": "ck_%(table_name)s_%(told_constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime(),
        Decimal: Money(),
        dict[str, Any]: sa.JSON(),
        StrEnum: sa.Enum(StrEnum, native_enum=False, create_constraint=True, values_callable=_values, length=32),
    }


def refers(**how: Any) -> Any:
    """The row that a number refers to, to be read; it changes with the number, so writing has nothing of it to follow.

    `how` are options of SQLAlchemy's `relationship`.
    """
    return relationship(viewonly=True, **how)


class CurrentSession(scoped_session[Session]):
    """The session of the present application context, whole: SQLAlchemy's own proxy hands on only a part of it."""

    def __getattr__(self, name: str) -> Any:
        """Whatever the proxy does not know, the session does."""
        return getattr(self.registry(), name)


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, whose scoped session is, to everyone who is handed it, a session."""

    session: Session  # type: ignore[assignment]

    @override
    def _make_scoped_session(self, options: dict[str, Any]) -> CurrentSession:  # type: ignore[override]
        scope = options.pop("scopefunc", _app_ctx_id)
        return CurrentSession(self._make_session_factory(options), scope)  # type: ignore[arg-type]


db = Database(metadata=Model.metadata)

# Whether the work at hand may write. Requests that only read say so, since on SQLite a writing transaction
# excludes every other one from its beginning.
_reading: ContextVar[bool] = ContextVar("portal_reading", default=False)


def set_reading(reading: bool) -> None:
    """Say whether the transactions begun from here on, in this thread or task, will only read."""
    _reading.set(reading)


View = TypeVar("View", bound=Callable[..., object])


def reads_first(view: View) -> View:
    """For an endpoint that changes something after looking at much: it reads until it calls `start_writing`."""
    view.reads_first = True  # type: ignore[attr-defined]
    return view


def start_writing(session: Session) -> None:
    """Go on as a writer, in an endpoint that reads first; on SQLite only now does it wait for the other writers.

    What was read stays as it was, though others may have written since: as with PostgreSQL, whatever rests on it must
    be compared and set.
    """
    if session.get_bind().dialect.name == "sqlite" and _reading.get():
        connection = session.connection()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    set_reading(False)


def prepare_sqlite(engine: sa.Engine) -> None:
    """Make SQLite durable, concurrent and strict.

    A transaction that begins as a reader and then writes fails at once when another wrote in between, whatever the
    time-out, so every transaction that may write takes the write lock at its beginning.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout=30000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            # What a statement that fails halfway would put back, and long sorts. A file took half of the time in which
            # an application is written; it says nothing of what is durable.
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if _reading.get() else "BEGIN IMMEDIATE")


def _speaks(socket: int) -> bool:
    """Whether there is anything to read, be it the end."""
    ear = select.poll()
    ear.register(socket, select.POLLIN)
    return bool(ear.poll(0))


def prepare_postgresql(engine: sa.Engine) -> None:
    """Let no request begin on a connection that the server has ended.

    A server that ends a connection says so on it, where nothing else comes unasked. Looking whether there is anything
    to read tells the same as a statement of no use before each transaction, without the way there and back.
    """

    @event.listens_for(engine, "checkout")
    def look(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _lent: PoolProxiedConnection) -> None:
        if connection.closed or _speaks(connection.fileno()):
            raise DisconnectionError("the server has ended this connection")


def prepare(engine: sa.Engine) -> None:
    """Set up an engine of either kind."""
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine)
    else:
        prepare_postgresql(engine)


def insert(session: Session, kind: type[Model]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may say what to do ON CONFLICT, as both engines understand it."""
    return postgresql.insert(kind) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(kind)


def ddl(
    table: sa.Table | sa.FromClause, *, sqlite: str | Sequence[str] = (), postgresql: str | Sequence[str] = ()
) -> None:
    """Attach statements that only one engine understands (triggers, exclusion constraints) to a table's creation."""
    for dialect, statements in (("sqlite", sqlite), ("postgresql", postgresql)):
        for statement in [statements] if isinstance(statements, str) else statements:
            # DDL formats with %, which the statements themselves may contain.
            made = sa.DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", made)


def append_only(table: sa.Table | sa.FromClause) -> None:
    """Let the database refuse every change and deletion of a row of this table."""
    assert isinstance(table, sa.Table)
    name = table.name
    refusal = f"append-only: {name} is never changed"
    ddl(
        table,
        sqlite=[
            f"CREATE TRIGGER {name}_no_{verb} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("update", "delete")
        ],
        postgresql=[
            f"CREATE OR REPLACE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
            f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}_refuse()",
        ],
    )
