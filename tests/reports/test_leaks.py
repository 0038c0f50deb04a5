"""A report's whole life through a live portal, and then its words are looked for everywhere but where they belong."""

import base64
import io
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from portal.reports.models import KeySet, Report
from portal.reports.walker import Walker
from tests.cast import SLUG, Cast, sign_in
from tests.faults.stage import staged
from tests.faults.tus import Client
from tests.reports import lives
from tests.reports.leaks import dump, found, in_files, key_shapes, shapes
from tests.reports.lives import CLEAR, NAME, NAMES, SENTENCE, SETTINGS, TEXT, WORDS, Life
from tests.reports.openpgp import gpg_home
from tests.reports.people import PATHS
from tests.servers import s3

pytestmark = pytest.mark.browser


@pytest.fixture(params=[("sqlite", "folder"), ("postgresql", "s3")], ids=["sqlite-folder", "postgresql-s3"])
def life(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """Everybody, with keys that gpg made."""
    database, kind = request.param
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (data := tmp_path / "data").mkdir()
    (home := tmp_path / "researcher").mkdir()
    with ExitStack() as stack:
        settings, folders = dict(SETTINGS), [data]
        if kind == "s3":
            store = stack.enter_context(s3())
            settings |= {"PORTAL_STORAGE_URL": store.url, **store.environ}
            folders.append(store.folder.parent.parent)
            for name, value in store.environ.items():
                monkeypatch.setenv(name, value)
        gpg = stack.enter_context(gpg_home())
        for name in NAMES:
            gpg.make(name)
        tom, tia, recovery = (gpg.certificate(name) for name in NAMES)
        stage = stack.enter_context(staged(database, data, settings))
        client = Client(stage, (tom, tia, recovery))
        monkeypatch.setenv("PORTAL_TRIAGE_URL", f"{stage.site.url}/staff/{stage.cast.slug}")
        monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", client.triager)
        monkeypatch.setenv("GNUPGHOME", str(gpg.home))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        yield Life(stage, client, gpg, home, [*folders, stage.site.data], [])


def test_a_reports_words_are_nowhere_but_on_the_machines_of_people(life: Life, browser: Browser) -> None:
    lives.refused(life)
    refs = [lives.sealed_in_the_browser(life, browser), lives.sealed_by_gpg(life)]
    for ref in refs:
        lives.opened(life, ref)
    sealed = {ref: life.client.fetch(ref) for ref in refs}
    sealed |= {f"message {number}": data for number, data in enumerate(lives.talked(life, refs[0]), 1)}
    keys = {f"session key of {name}": key_shapes(lives.session_key(life, data)) for name, data in sealed.items()}
    lives.lived(life, refs[0])
    lives.looked_at(life, refs[0])
    life.stage.site.stop()  # everything is written down

    wanted = {name: shapes(word) for name, word in WORDS.items()} | keys
    # Where it belongs it is found, so the looking is no pretence.
    told = {name for name, _ in found(in_files(life.home / "opened"), wanted)}
    assert told == {"sentence", "file name", "CVSS"}
    url = life.stage.behind.environ["PORTAL_DATABASE_URL"]
    tables = [("the dump", dump(url))] if url.startswith("postgresql") else []
    places = [*life.pages, *tables, *in_files(*life.folders)]
    assert len(life.pages) > 100
    assert len(keys) == 4
    assert found(places, wanted) == set()
    # All of that was looked through: what is in clear stands where everybody may read it, and in the database.
    clear = {name: shapes(word) for name, word in {**CLEAR, "title": "Report about updates"}.items()}
    hits = found(places, clear)
    staff, public = f"GET /staff/{life.stage.cast.slug}", f"GET /challenges/{life.stage.cast.slug}"
    assert hits >= {
        ("title", "the report's page"), ("title", f"{staff}/reports.json?limit=200"), ("award", f"{staff}/awards/1"),
        ("advisory", f"{public}/advisories/"), ("talk", f"{public}/publications"),
    }  # fmt: skip
    kept = {name for name, place in hits if place == "the dump" or ".sqlite3" in place}
    assert kept == set(clear)
    with life.stage.behind.session() as session:
        assert session.scalars(sa.select(sa.func.count(Report.id))).one() > len(PATHS)


def test_a_fault_of_ours_with_the_bytes_at_hand_tells_nothing_of_them(
    app: Flask, client: FlaskClient, cast: Cast, key_set: KeySet, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    sign_in(client, cast.researcher)
    form = {"title": "Report", "severity": "low", "build": "20.06", "kind": "full"}
    monkeypatch.setattr(Walker, "feed", lambda _walker, data: len(data) / 0)
    for name, value in (("PROPAGATE_EXCEPTIONS", False), ("TESTING", False)):
        monkeypatch.setitem(app.config, name, value)

    sent = form | {"sealed": (io.BytesIO(TEXT.encode()), NAME)}
    answer = client.post(f"/challenges/{SLUG}/reports/new", data=sent)

    assert answer.status_code == 500
    said = [(record.name, f"{record.__dict__} {caplog.text}".encode()) for record in caplog.records]
    assert any(b"ZeroDivisionError" in text for _, text in said)
    wanted = {name: shapes(word) for name, word in WORDS.items()}
    assert found([("the page", answer.data), *said], wanted) == set()


@pytest.mark.parametrize("shape", sorted(shapes(SENTENCE)) + sorted(key_shapes("00FF" * 16)))
def test_each_shape_of_a_word_is_found_wherever_it_stands(shape: bytes) -> None:
    wanted = {"sentence": shapes(SENTENCE), "key": key_shapes("00FF" * 16)}

    assert len(found([("here", b"before " + shape + b" after")], wanted)) == 1


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
def test_a_word_is_found_in_base64_whatever_stands_before(before: bytes) -> None:
    data = base64.b64encode(before + SENTENCE.encode() + b" and more")

    assert found([("here", data)], {"sentence": shapes(SENTENCE)}) == {("sentence", "here")}
    assert found([("here", base64.b64encode(b"something else"))], {"sentence": shapes(SENTENCE)}) == set()
