"""An empty database, upgraded, is the database that the models describe: on both engines, triggers and all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import upgrade

from portal.applications.search import is_other
from portal.core.db import Model, db
from portal.factory import create_app, init_migrations
from tests.servers import postgresql

# What the catalogues tell beside tables and columns, by engine.
CATALOGUES = {
    "sqlite": [
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL "
        "AND tbl_name <> 'alembic_version'",
    ],
    "postgresql": [
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'",
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    ],
}


def made_app(kind: str, folder: Path, url: str) -> Flask:
    settings = {"PORTAL_DATA": str(folder), "PORTAL_SECRET_KEY": "only-for-tests-" * 4, "PORTAL_TESTING": "1"}
    return create_app(settings | ({"PORTAL_DATABASE_URL": url} if kind == "postgresql" else {}))


def catalogue(kind: str) -> list[list[tuple[str, ...]]]:
    with db.engine.connect() as connection:
        return [sorted(tuple(" ".join(str(cell).split()) for cell in row) for row in connection.execute(sa.text(query)))
                for query in CATALOGUES[kind]]  # fmt: skip


@pytest.fixture
def pair(database: str, tmp_path: Path) -> Iterator[tuple[Flask, Flask]]:
    """One application whose database was upgraded, one whose tables were made from the models."""
    with postgresql() as first, postgresql() as second:
        upgraded, made = made_app(database, tmp_path / "a", first), made_app(database, tmp_path / "b", second)
        init_migrations(upgraded)
        with upgraded.app_context():
            upgrade()
        with made.app_context():
            Model.metadata.create_all(db.engine)
        yield upgraded, made
        for app in (upgraded, made):
            with app.app_context():
                db.engine.dispose()


def test_upgrading_leads_to_what_the_models_describe(database: str, pair: tuple[Flask, Flask]) -> None:
    upgraded, made = pair
    with upgraded.app_context():
        with db.engine.connect() as connection:
            options = {"compare_type": True, "include_name": lambda name, kind, _parents: not is_other(name, kind)}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Model.metadata) == []
        found = catalogue(database)
    with made.app_context():
        assert found == catalogue(database)
