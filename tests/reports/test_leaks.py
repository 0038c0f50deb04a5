"""A report's whole life through a live portal, and then its words are looked for everywhere but where they belong."""

import base64
import io
import json
import logging
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect

from portal.accounts import personal
from portal.accounts.models import Account
from portal.accounts.states import EVERYWHERE, Role
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.jobs import JobRun, perform
from portal.reports.models import KeySet, Report
from portal.reports.receipts import Signer
from portal.reports.states import ReportState
from portal.reports.walker import Walker
from portal.worker import jobs_of
from tests.cast import SLUG, Cast, make_account, sign_in
from tests.faults.stage import Stage, staged
from tests.faults.tus import Client
from tests.reports.leaks import dump, found, in_files, key_shapes, shapes
from tests.reports.openpgp import Gpg, gpg_home
from tests.reports.people import PATHS, Desk
from tests.servers import s3
from tests.servers.site import ROOT

pytestmark = pytest.mark.browser
SENTENCE = "the counter wraps before the fourth frame"
NAME = "trace-of-the-Quimbrel-boot.bin"
WORDS = {"sentence": SENTENCE, "file name": NAME, "CVSS": "AV:A/AC:H/PR:L/UI:R"}
TEXT = f"# What I found\n\nAsked twice, {SENTENCE}. π stays π.\n"
NAMES = ("Tom <tom@example.org>", "Tia <tia@example.org>", "Recovery <recovery@example.org>")
SETTINGS = {"PORTAL_DEMONSTRATION": "1", "PORTAL_METRICS_TOKEN": "for-the-tests-only"}
STREAM = "application/offset+octet-stream"
PAGES = (
    "reports", "reports?state=all", "reports.json?limit=200", "reports/{ref}", "reports/{ref}.json", "awards",
    "awards.csv", "awards/payments.csv", "results", "",
)  # fmt: skip


@dataclass
class Life:
    """The live portal, the folders that it writes, the people's gpg, and the pages that were answered."""

    stage: Stage
    client: Client
    gpg: Gpg
    home: Path
    folders: list[Path]
    pages: list[tuple[str, bytes]]

    def keep(self, name: str, answer: requests.Response) -> requests.Response:
        """Remember an answer with its headers."""
        self.pages.append((name, repr(answer.headers).encode() + answer.content))
        return answer

    def ask(self, method: str, path: str, account: Account | None = None, **how: object) -> requests.Response:
        """What a browser in which somebody is signed in is answered."""
        cookies = self.stage.behind.cookies(account) if account else None
        answer = requests.request(method, self.stage.site.url + path, cookies=cookies, timeout=60, **how)  # type: ignore[arg-type]
        return self.keep(f"{method} {path}", answer)


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
        yield Life(stage, Client(stage, (tom, tia, recovery)), gpg, home, [*folders, stage.site.data], [])


def written(pairs: dict[str, str]) -> str:
    """Pairs as the header of an upload."""
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def refused(life: Life) -> None:
    """What was not sealed, or not rightly, is refused by each of the ways, with the words in it and in its name."""
    told = {"report": life.client.begin(), "kind": "body"}
    armored = life.gpg.seal(TEXT.encode(), NAMES, "--armor")
    for data in (TEXT.encode(), armored):
        headers = {"Authorization": f"Bearer {life.client.secret}", "Tus-Resumable": "1.0.0"}
        place = f"{life.client.base}/uploads"
        announced = {"Upload-Length": str(len(data)), "Upload-Metadata": written(told | {"filename": NAME})}
        assert life.ask("POST", place, headers=headers | announced).status_code == 400
        announced["Upload-Metadata"] = written(told)
        path = life.ask("POST", place, headers=headers | announced).headers["Location"]
        sent = headers | {"Upload-Offset": "0", "Content-Type": STREAM}
        assert life.ask("PATCH", path, headers=sent, data=data).status_code == 422
    browser = life.stage.browser(life.stage.cast.researcher)
    form = {
        "csrf_token": browser.token(f"{life.client.base}/new"), "title": "Report", "severity": "low", "build": "20.06",
        "kind": "full",
    }  # fmt: skip
    for data in (TEXT.encode(), b"", armored):
        url = f"{life.stage.site.url}{life.client.base}/new"
        sealed = {"sealed": (NAME, data)}
        answer = requests.post(url, data=form, files=sealed, cookies=browser.cookies, timeout=60)
        assert life.keep("a refused form", answer).status_code == 422, answer.text


def sealed_in_the_browser(life: Life, browser: Browser) -> str:
    """A report written in Chromium, with an attachment; its reference."""
    (life.home / NAME).write_bytes(SENTENCE.encode() * 1000)
    context = browser.new_context()
    try:
        for name, value in life.stage.behind.cookies(life.stage.cast.researcher).items():
            context.add_cookies([{"name": name, "value": value, "url": life.stage.site.url}])
        page = context.new_page()
        page.goto(f"{life.stage.site.url}{life.client.base}/new")
        expect(page.locator("#seal-send")).to_be_enabled()
        page.get_by_label("Title").fill("Report about updates")
        page.get_by_label("Build").fill("20.06")
        page.locator("#seal-text").fill(TEXT)
        page.locator("#seal-cvss").fill(f"CVSS:3.1/{WORDS['CVSS']}/S:C/C:H/I:H/A:H")
        page.set_input_files("#seal-files", life.home / NAME)
        page.locator("#seal-send").click()
        page.wait_for_url(re.compile(r"/reports/TCR-\d+$"), timeout=60_000)
        life.pages.append(("the report's page", page.content().encode()))
        return page.url.rpartition("/")[2]
    finally:
        context.close()


def sealed_by_gpg(life: Life) -> str:
    """A report in a tar that gpg sealed and a program sent; its reference."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, data in (("report.md", TEXT.encode()), (NAME, SENTENCE.encode())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    sealed = life.gpg.seal(tar.getvalue(), NAMES)
    ref = life.client.begin()
    path = life.client.announce(ref, len(sealed))
    cut = len(sealed) // 2
    assert life.client.patch(path, 0, sealed[:cut]).status == 204
    assert life.client.patch(path, cut, sealed[cut:]).status == 204
    assert life.client.submit(ref).status == 200
    return ref


def opened(life: Life, ref: str) -> None:
    """A triager's own program fetches, opens and acknowledges it."""
    url = f"{life.stage.site.url}/staff/{life.stage.cast.slug}"
    environ = {
        "PATH": os.environ["PATH"], "GNUPGHOME": str(life.gpg.home), "HOME": str(life.home), "LANG": "C.UTF-8",
        "PORTAL_TRIAGE_URL": url, "PORTAL_TRIAGE_TOKEN": life.client.triager, "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    command = [sys.executable, "-m", "portal.triage", "open", ref, "--to", str(life.home / "opened")]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def session_key(life: Life, ref: str) -> str:
    """The session key of a report's body, as gpg tells it to who can open it."""
    path = life.home / f"{ref}.pgp"
    path.write_bytes(life.client.fetch(ref))
    command = ["gpg", "--homedir", str(life.gpg.home), "--batch", "--show-session-key", "-o", os.devnull, "--yes", "-d"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    (key,) = re.findall(r"session key: '\d+:([0-9A-F]+)'", done.stderr)
    return str(key)


def lived(life: Life, ref: str) -> None:
    """Triage brings reports with the same body into every state that it has a way to; the worker does its jobs."""
    sealed = life.client.fetch(ref)
    with life.stage.behind.session() as session:
        people = {name: session.get_one(type(row), row.id) for name, row in vars(life.stage.cast).items()}
        cast = Cast(**people)
        signer = Signer.of(life.stage.behind.app.extensions["portal.config"])
        desk = Desk(session, cast, blobs(), signer, lambda _size: sealed)
        states = [*PATHS, ReportState.DUPLICATE, ReportState.WITHDRAWN, ReportState.UPLOADING]
        assert {desk.in_state(state, at=clock.now()).state for state in states} == set(states)
        session.commit()
        for job in jobs_of(life.stage.behind.app):
            perform(session, job, clock.now())
        session.commit()
        assert session.scalars(sa.select(JobRun.error).where(JobRun.error.is_not(None))).all() == []
        exported = personal.export(session, life.stage.cast.researcher.id)
        life.pages.append(("export of a person", json.dumps(exported, default=str).encode()))


def looked_at(life: Life, ref: str) -> None:
    """Everybody looks at everything."""
    cast, staff = life.stage.cast, f"/staff/{life.stage.cast.slug}"
    for page in PAGES:
        told = [
            life.ask("GET", f"{staff}/{page.format(ref=ref)}", each)
            for each in (cast.admin, cast.triager, cast.finance)
        ]
        assert 200 in {answer.status_code for answer in told}, page
    with life.stage.behind.session() as session:
        operator = make_account(session, "Olga Operator", Role.ADMIN, scope=EVERYWHERE)
        session.commit()
        session.refresh(operator)
        session.expunge(operator)
    for page in ("/staff/audit", "/staff/jobs", "/staff/mail", "/staff/keys"):
        assert life.ask("GET", page, operator).status_code == 200
    for page in ("", f"/{ref}", f"/{ref}/receipt.json", f"/{ref}/receipt.sig", f"/{ref}/disclosure", f"/{ref}/nothing"):
        answer = life.ask("GET", f"{life.client.base}{page}", cast.researcher)
        assert answer.status_code == (404 if "nothing" in page else 200), page
    life.ask("GET", f"{life.client.base}/../results.json", cast.researcher)
    metrics = life.ask("GET", "/metrics", headers={"Authorization": f"Bearer {SETTINGS['PORTAL_METRICS_TOKEN']}"})
    assert metrics.status_code == 200


def test_a_reports_words_are_nowhere_but_on_the_machines_of_people(life: Life, browser: Browser) -> None:
    refused(life)
    refs = [sealed_in_the_browser(life, browser), sealed_by_gpg(life)]
    for ref in refs:
        opened(life, ref)
    keys = {f"session key of {ref}": key_shapes(session_key(life, ref)) for ref in refs}
    lived(life, refs[0])
    looked_at(life, refs[0])
    life.stage.site.stop()  # everything is written down

    wanted = {name: shapes(word) for name, word in WORDS.items()} | keys
    # Where it belongs it is found, so the looking is no pretence.
    told = {name for name, _ in found(in_files(life.home / "opened"), wanted)}
    assert told == {"sentence", "file name", "CVSS"}
    url = life.stage.behind.environ["PORTAL_DATABASE_URL"]
    tables = [("the dump", dump(url))] if url.startswith("postgresql") else []
    assert len(life.pages) > 40
    assert found([*life.pages, *tables, *in_files(*life.folders)], wanted) == set()
    # All of that was looked through: the title, which is in clear, stands in each of them.
    title = {"title": shapes("Report about updates")}
    places = {place for _, place in found([*life.pages, *tables, *in_files(*life.folders)], title)}
    assert {"the report's page", f"GET /staff/{life.stage.cast.slug}/reports.json?limit=200"} <= places
    assert any(place == "the dump" or place.endswith(".sqlite3") for place in places)
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
