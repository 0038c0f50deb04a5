"""How Alembic reaches the portal's database: through the running application."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from flask_security import AsaList

from portal.applications.search import is_other
from portal.core.db import Model, Money, UtcDateTime, db


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types into migrations by their own names."""
    if kind == "type" and isinstance(item, UtcDateTime | Money):
        autogen.imports.add("from portal.core.db import Money, UtcDateTime")
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, AsaList):
        return "sa.UnicodeText()"  # what Flask-Security's comma-separated lists are to the database
    return False


def run(connection: sa.Connection) -> None:
    """Migrate over this connection."""
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_item=render_item,
        include_name=lambda name, kind, _parents: not is_other(name, kind),
        transaction_per_migration=True,
        **current_app.extensions["migrate"].configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations are run against the database itself: see `flask db upgrade`.")
with db.engine.connect() as connection:
    run(connection)
    connection.commit()
