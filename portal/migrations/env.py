"""How Alembic reaches the portal's database: through the running application."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from flask import current_app
from flask_security import AsaList

from portal.core.db import Model, Money, UtcDateTime, db
from portal.core.search import is_other


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types into migrations by their own names."""
    if kind == "type" and isinstance(item, UtcDateTime | Money):
        autogen.imports.add("from portal.core.db import Money, UtcDateTime")
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, AsaList):
        return "sa.UnicodeText()"  # what Flask-Security's comma-separated lists are to the database
    return False


def _check_references(ctx: MigrationContext, *_told: Any, **_named: Any) -> None:
    """Refuse a step after which a row refers to what is not there; its transaction is then rolled back."""
    assert ctx.connection
    if ctx.dialect.name != "sqlite":
        return  # PostgreSQL never stopped looking
    broken = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise SystemExit(f"This step would leave rows behind that refer to nothing: {broken[:5]}")


def run(connection: sa.Connection) -> None:
    """Migrate over this connection.

    SQLite changes a table by making it anew and dropping the old one, and dropping deletes what refers to it, unless
    foreign keys are off (https://www.sqlite.org/lang_altertable.html, section 7).
    """
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_item=render_item,
        include_name=lambda name, kind, _parents: not is_other(name, kind),
        transaction_per_migration=True,
        on_version_apply=_check_references,
        **current_app.extensions["migrate"].configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations are run against the database itself: see `flask db upgrade`.")
with db.engine.connect() as connection:
    try:
        run(connection)
        connection.commit()
    finally:
        connection.invalidate()  # nobody else is to work without foreign keys
