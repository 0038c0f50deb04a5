"""Reports of earlier versions keep their pauses, builds, releases and deciders: on both engines."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade
from sqlalchemy.exc import IntegrityError

from portal.challenges.models import FilePiece
from portal.core.db import db
from portal.core.pieces import fits
from portal.factory import init_migrations
from portal.reports.models import Chunk, Pause, Release, Report, Rewrap
from portal.reports.states import Told
from tests.cast import NOON
from tests.servers import postgresql
from tests.test_migrations import made_app

T = "'2020-06-15T12:00:00.000000Z'"
DUE = "'2020-06-29T12:00:00.000000Z'"
REPORTS = (
    # Number, build, state, when it is due, layer, release.
    (1, "20.06", "reproducing", DUE, "NULL", "NULL, NULL"),
    (2, "mine", "by_design", "NULL", "'The firewall'", "NULL, NULL"),
    (3, "20.06", "closed", "NULL", "NULL", "'20.07', '2020-07-22'"),
    (4, "20.06", "needs_info", "NULL", "NULL", "NULL, NULL"),
)
EVENTS = (
    (1, "submit", 12), (1, "ask", 13), (1, "reproduce", 15), (2, "submit", 12), (2, "by-design", 14), (4, "ask", 16),
)  # fmt: skip


def rows() -> list[str]:
    return [
        f"INSERT INTO account (id, email, canonical_email, name, zone, created_at, active, fs_uniquifier) VALUES "
        f"(1, 'tom@example.org', 'tom@example.org', 'tom', 'UTC', {T}, TRUE, 'tom')",
        f"INSERT INTO challenge (id, slug, title, summary, rules, zone, places, currency, announced_on, apply_from, "
        f"apply_until, starts_on, ends_on) VALUES (1, 'test', 'Test', '', '', 'UTC', 5, 'USD', '2020-05-05', {T}, "
        f"'2020-06-22T12:00:00.000000Z', '2020-06-01', '2020-08-31')",
        f"INSERT INTO key_set (id, number, published_at) VALUES (1, 1, {T})",
        f"INSERT INTO participant (id, challenge_id, name, kind, state, accepted_at) "
        f"VALUES (1, 1, 'rosa', 'researcher', 'active', {T})",
        f"INSERT INTO build (id, challenge_id, name, released_on, notes, state, state_since) "
        f"VALUES (7, 1, '20.06', '2020-06-01', '', 'available', {T})",
        *(
            f"INSERT INTO report (id, challenge_id, number, ref, participant_id, submitted_by_id, title, claimed, "
            f"build, state, state_since, created_at, received_at, key_set_id, acknowledged_at, severity, due_at, "
            f"led_to_improvement, kind, paused_seconds, mitigating_layer, fixed_release, fixed_on) VALUES ({number}, "
            f"1, {number}, 'R-{number}', 1, 1, 'T', 'low', '{build}', '{state}', {T}, {T}, {T}, 1, {T}, 'low', {due}, "
            f"FALSE, 'full', 0, {layer}, {release})"
            for number, build, state, due, layer, release in REPORTS
        ),
        *(
            f"INSERT INTO report_event (id, report_id, at, what, actor_id, told) "
            f"VALUES ({number}, {report}, '2020-06-15T{hour}:00:00.000000Z', '{what}', 1, TRUE)"
            for number, (report, what, hour) in enumerate(EVENTS, 1)
        ),
    ]


@contextmanager
def migrated(database: str, folder: Path, *before: tuple[str, list[str]]) -> Iterator[None]:
    """A database in which statements were run at earlier revisions, brought to the present."""
    with postgresql() as url:
        app = made_app(database, folder, url)
        init_migrations(app)
        with app.app_context():
            for revision, statements in before:
                upgrade(revision=revision)
                with db.engine.begin() as connection:
                    for statement in statements:
                        connection.execute(sa.text(statement.replace(":", "\\:")))
            upgrade()
            try:
                yield
            finally:
                db.session.rollback()
                db.engine.dispose()


def test_reports_of_earlier_versions_are_taken_over(database: str, tmp_path: Path) -> None:
    with migrated(database, tmp_path, ("0005", rows())):
        _look()


def _look() -> None:
    found = {report.id: report for report in db.session.scalars(sa.select(Report))}
    release = db.session.scalars(sa.select(Release)).one()
    hours = [
        (pause.report_id, pause.since, pause.until) for pause in db.session.scalars(sa.select(Pause).order_by(Pause.id))
    ]

    assert hours == [
        (1, NOON + timedelta(hours=1), NOON + timedelta(hours=3)), (4, NOON + timedelta(hours=4), None),
    ]  # fmt: skip
    assert {number: report.build_id for number, report in found.items()} == {1: 7, 2: None, 3: 7, 4: 7}
    assert (release.name, release.released_on, found[3].release_id) == ("20.07", date(2020, 7, 22), release.id)
    assert (found[2].decided_by_id, found[2].mitigating_layer) == (1, "The firewall")
    assert (found[1].clock_since, found[1].told) == (NOON, Told.NOTHING)
    # Of fourteen days, four fifths.
    assert found[1].warn_at == NOON + timedelta(days=14) * 0.8


def test_pieces_of_earlier_versions_are_recognised_as_before(database: str, tmp_path: Path) -> None:
    upload = (
        f"INSERT INTO report_upload (id, report_id, owner_id, number, state, position, created_at, expires_at, swept) "
        f"VALUES ('{'u' * 36}', 1, 1, 0, 'open', 5, {T}, {T}, TRUE)"
    )
    digest = hashlib.sha256(b"piece").hexdigest()
    pieces = [
        f'INSERT INTO report_chunk (upload_id, position, "offset", size, sha256, key) '
        f"VALUES ('{'u' * 36}', 0, 0, 5, '{digest}', 'reports/0')",
        f"INSERT INTO resource_file (id, challenge_id, folder, name, begun_at) VALUES (1, 1, 'resources/1', 'a', {T})",
        f'INSERT INTO resource_file_piece (file_id, number, "offset", size, sha256, key) '
        f"VALUES (1, 0, 0, 5, '{digest}', 'resources/1/{digest}')",
    ]
    with migrated(database, tmp_path, ("0005", rows()), ("0013", [upload, *pieces])):
        tags = db.session.scalars(sa.union_all(sa.select(Chunk.tag), sa.select(FilePiece.tag))).all()
        assert [fits(b"piece", tag) for tag in tags] == [True, True]
        with pytest.raises(IntegrityError, match="tag_known"):
            db.session.execute(sa.update(Chunk).values(tag=digest))


def test_what_was_wrapped_for_others_stands(database: str, tmp_path: Path) -> None:
    upload = (
        f"INSERT INTO report_upload (id, report_id, owner_id, number, state, position, length, sha256, key_set_id, "
        f"created_at, expires_at, ended_at, swept) VALUES ('{'u' * 36}', 1, 1, 0, 'complete', 5, 5, '{'0' * 64}', 1, "
        f"{T}, {T}, {T}, TRUE)"
    )
    wrapped = (
        f"INSERT INTO report_rewrap (id, upload_id, fingerprint, key_id, packet, at, by_id) VALUES "
        f"(1, '{'u' * 36}', '{'A' * 40}', '{'B' * 16}', 'a packet of some length', {T}, 1)"
    )
    with migrated(database, tmp_path, ("0005", rows()), ("0011", [upload, wrapped])):
        found = db.session.execute(sa.select(Rewrap.state, Rewrap.state_since, Rewrap.refuted_by_id)).all()
        assert [tuple(row) for row in found] == [("standing", NOON, None)]
