"""Hours and cases of earlier versions are kept, with what refers to them: on both engines."""

from pathlib import Path

import sqlalchemy as sa
from flask_migrate import upgrade

from portal.core.db import db
from portal.factory import init_migrations
from portal.reports.models import UpstreamCase
from portal.results.models import ResultsRelease
from portal.results.states import ReleaseState
from tests.servers import postgresql
from tests.test_migrations import FIRST, T, made_app

ROWS = (
    *FIRST[:2],
    f"INSERT INTO account (id, email, canonical_email, name, zone, created_at, active, fs_uniquifier) "
    f"VALUES (2, 'bo@example.org', 'bo@example.org', 'Bo', 'UTC', {T}, TRUE, 'v')",
    *(
        f"INSERT INTO results_release (id, challenge_id, state, state_since, release_at, zone, proposed_by_id, "
        f"proposed_at, decided_by_id, decided_at) VALUES ({number}, 1, '{state}', {T}, {T}, 'UTC', 1, {T}, {by}, {T})"
        for number, state, by in ((1, "cancelled", 1), (2, "confirmed", 2))
    ),
    "INSERT INTO upstream_party (id, name, contact, page) VALUES (1, 'The kernel', 'a@kernel.example', '')",
    f"INSERT INTO upstream_case (id, challenge_id, number, party_id, title, state, state_since, created_at, "
    f"created_by_id, their_reference, cves, told) VALUES (1, 1, 1, 1, 'A', 'drafted', {T}, {T}, 1, '', '[]', FALSE)",
    f"INSERT INTO upstream_event (id, case_id, at, what, text) VALUES (1, 1, {T}, 'open', '')",
)


def test_hours_and_cases_of_earlier_versions_are_kept(database: str, tmp_path: Path) -> None:
    with postgresql() as url:
        app = made_app(database, tmp_path, url)
        init_migrations(app)
        with app.app_context():
            upgrade(revision="0011")
            for statement in ROWS:
                db.session.execute(sa.text(statement.replace(":", "\\:")))
            db.session.commit()
            upgrade()
            found = db.session.execute(
                sa.select(ResultsRelease.state, ResultsRelease.decided_by_id).order_by(ResultsRelease.id)
            ).all()
            assert [tuple(row) for row in found] == [(ReleaseState.CANCELLED, 1), (ReleaseState.CONFIRMED, 2)]
            case = db.session.scalars(sa.select(UpstreamCase)).one()
            assert (case.public_page, [each.what for each in case.events]) == ("", ["open"])
            db.session.rollback()
            db.engine.dispose()
