"""An empty database, upgraded, is the database that the models describe: on both engines, triggers and all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import upgrade

from portal.applications import search
from portal.applications.models import Application, Revision
from portal.core import clock, constraints
from portal.core.db import Model, db
from portal.core.search import is_other
from portal.factory import create_app, init_migrations
from portal.reports.models import KeySet
from portal.selection.jobs import fit_scores
from portal.selection.models import Plan, Review, WaveEntry
from tests.databases import Databases
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


T, LATER = "'2020-06-15T12:00:00.000000Z'", "'2020-06-22T12:00:00.000000Z'"
# One row of everything that refers to an application, as the first tables knew them.
FIRST = (
    f"INSERT INTO account (id, email, canonical_email, name, zone, created_at, active, fs_uniquifier) "
    f"VALUES (1, 'ada@example.org', 'ada@example.org', 'Ada', 'UTC', {T}, TRUE, 'u')",
    f"INSERT INTO challenge (id, slug, title, summary, rules, zone, places, currency, announced_on, apply_from, "
    f"apply_until, starts_on, ends_on) VALUES (1, 'test', 'Test', '', '', 'UTC', 5, 'USD', '2020-05-05', {T}, {LATER}, "
    f"'2020-06-01', '2020-08-31')",
    f"INSERT INTO application (id, challenge_id, account_id, canonical_email, state, state_since, created_at, "
    f"saved_at, submitted_at, version, name, handle, affiliation, country, kind, team, links, experience, plan, "
    f"kit_use, certificate, adult, permitted, independent, agrees, flags, screening, rnd, review_count, score_mean) "
    f"VALUES (1, 1, 1, 'ada@example.org', 'submitted', {T}, {T}, {T}, {T}, 1, 'Ada', '', '', 'FR', 'single', "
    f"'[]', '[]', 'Trustlets', '', '', '', TRUE, TRUE, TRUE, TRUE, '[]', '{{}}', 7, 1, 4.0)",
    f"INSERT INTO application_revision (id, application_id, number, at, content) VALUES (1, 1, 1, {T}, '{{}}')",
    f"INSERT INTO review (id, application_id, reviewer_id, score, comment, created_at, updated_at) "
    f"VALUES (1, 1, 1, 4, 'Good.', {T}, {T})",
    f"INSERT INTO wave (id, challenge_id, number, state, state_since, created_by_id, created_at, released_by_id, "
    f"released_at) VALUES (1, 1, 1, 'releasing', {T}, 1, {T}, 1, {T})",
    "INSERT INTO wave_entry (id, wave_id, application_id, decision, state) VALUES (1, 1, 1, 'decline', 'pending')",
    f"INSERT INTO key_set (id, number, published_at, signature) "
    f"VALUES (1, 1, {T}, NULL), (2, 2, {LATER}, 'unverified')",
    f'INSERT INTO outgoing_mail (id, dedupe_key, template, "to", context, secret, state, created_at, not_before, '
    f"tries) VALUES (1, 'k', 'a/b', 'ada@example.org', '{{}}', FALSE, 'queued', {T}, {T}, 0)",
)


def test_what_the_first_version_kept_is_still_there(database: str, tmp_path: Path) -> None:
    with postgresql() as url:
        app = made_app(database, tmp_path, url)
        init_migrations(app)
        with app.app_context():
            upgrade(revision="0001")
            for statement in FIRST:
                db.session.execute(sa.text(statement.replace(":", "\\:")))
            db.session.commit()
            upgrade()
            assert db.session.scalars(sa.select(Revision.number)).all() == [1]
            review = db.session.scalars(sa.select(Review)).one()
            assert (review.score, review.confidence, review.comment, review.note) == (4.0, 2, "Good.", "")
            application = db.session.scalars(sa.select(Application)).one()
            assert (application.score_adjusted, application.looks, application.answers) == (4.0, 0, {})
            assert db.session.scalars(sa.select(WaveEntry.wave_id)).all() == [1]
            sets = db.session.scalars(sa.select(KeySet).order_by(KeySet.number)).all()
            before = "Published before the portal verified signatures."
            assert [(each.restarted, each.signed_at) for each in sets] == [(None, None), (before, None)]
            assert fit_scores(db.session, clock.now()) == 1
            assert db.session.scalars(sa.select(Plan.changed_at)).all() == [None]
            found = search.matching("trust", search.Scope.TOLD)
            assert found is not None
            assert db.session.scalars(found).all() == [1]
            db.session.rollback()
            db.engine.dispose()


def test_every_explained_constraint_is_one(database: str, databases: Databases) -> None:
    with databases.app(database).app_context():
        engine = "".join(line for part in catalogue(database) for row in part for line in row)
    indexes = {index.name for table in Model.metadata.tables.values() for index in table.indexes}
    known = {rule.name for table in Model.metadata.tables.values() for rule in table.constraints} | indexes
    told = {name for name in constraints._SENTENCES if "." not in name}
    assert len(told) > 20
    assert [name for name in sorted(told) if name not in known and name not in engine] == []
