"""A report from the browser to a triager's gpg: what Chromium seals and uploads, `portal-triage` opens."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from portal.accounts.models import Account
from portal.core.db import Model, db
from portal.factory import create_app
from portal.reports.actions import keys
from portal.triage import main as triage
from tests.cast import make_cast, sign_in
from tests.reports.openpgp import Gpg, gpg_home
from tests.servers import Renderers, Site, web

pytestmark = pytest.mark.browser

MIB = 2**20
# By how much the page may grow, however large the file is that it seals.
MOST_GROWTH = 300 * MIB
SECRET = "the check stops before the last block"
TEXT = f"# What I found\n\nWhen it is asked twice, {SECRET}. π and “quotes” stay as they are.\n"
NAME = "secret-name-of-a-trace.bin"
NEW = "/challenges/test-challenge/reports/new"
KEYS = ("triager@example.org", "recovery@example.org")


@dataclass
class Place:
    """The portal as it runs, with a key set, and a browser in which a researcher is signed in."""

    site: Site
    gpg: Gpg
    context: BrowserContext
    token: str

    def form(self) -> Page:
        """The page of a new report, filled in and ready to seal."""
        page = self.context.new_page()
        page.goto(f"{self.site.url}{NEW}")
        expect(page.locator("#seal-send")).to_be_enabled()
        page.get_by_label("Title").fill("Report about updates")
        page.get_by_label("Build").fill("20.06")
        return page

    def opened(self, page: Page, to: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Wait until the report's page has come, and open the report as a triager does."""
        page.wait_for_url(re.compile(r"/reports/TCR-\d+$"), timeout=60_000)
        ref = page.url.rpartition("/")[2]
        monkeypatch.setenv("PORTAL_TRIAGE_URL", f"{self.site.url}/staff/test-challenge")
        monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", self.token)
        monkeypatch.setenv("GNUPGHOME", str(self.gpg.home))
        mask = os.umask(0o022)
        try:
            assert triage(["open", ref, "--to", str(to)]) == 0
        finally:
            os.umask(mask)
        return to / ref


def signed_in(app: Flask, account: Account, site: Site) -> list[dict[str, str]]:
    """The cookies of a browser in which somebody is signed in."""
    client = app.test_client()
    sign_in(client, account)
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie
    return [{"name": name, "value": cookie.value, "url": site.url}]


def prepared(app: Flask, gpg: Gpg, site: Site) -> tuple[list[dict[str, str]], str]:
    """Tables, people and a key set; gives the researcher's cookies and a triager's token."""
    for name in KEYS:
        gpg.make(name)
    now = datetime.now(UTC)
    with app.app_context():
        Model.metadata.create_all(db.engine)
        cast = make_cast(db.session, running=True)
        keys.publish_key_set(
            db.session, [(cast.triager.id, gpg.certificate(KEYS[0]))], gpg.certificate(KEYS[1]), by=None, at=now
        )
        token = keys.make_token(db.session, cast.challenge.id, "laptop", by=cast.triager.id, at=now)
        db.session.commit()
        cookies = signed_in(app, cast.researcher, site)
        db.session.remove()
        db.engine.dispose()
    return cookies, token


def hollow(path: Path, size: int) -> Path:
    """A file of so many bytes, which take no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.fixture(scope="module")
def place(browser: Browser) -> Iterator[Place]:
    """One portal and one person's browser for all tests here: each works on a report of its own."""
    with ExitStack() as stack:
        gpg = stack.enter_context(gpg_home())
        site = stack.enter_context(web({"PORTAL_TESTING": "1"}, migrate=False))
        cookies, token = prepared(create_app(site.environ), gpg, site)
        context = browser.new_context()
        stack.callback(context.close)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        yield Place(site, gpg, context, token)


@pytest.fixture
def form(place: Place) -> Iterator[Page]:
    """The form, closed afterwards."""
    page = place.form()
    yield page
    page.close()


@pytest.fixture
def attach(tmp_path: Path) -> Callable[[Page, int], bytes]:
    """Choose a file of so many octets; gives its content."""

    def choose(page: Page, size: int) -> bytes:
        content = os.urandom(size)
        (tmp_path / NAME).write_bytes(content)
        page.set_input_files("#seal-files", tmp_path / NAME)
        return content

    return choose


def test_what_the_browser_seals_a_triager_opens_and_the_server_cannot_read(
    place: Place,
    form: Page,
    attach: Callable[[Page, int], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    complaints: list[str] = []
    form.on("console", lambda message: complaints.append(message.text))
    form.on("pageerror", lambda error: complaints.append(str(error)))
    content = attach(form, 20 * MIB + 1)
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-cvss").fill("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H")

    form.locator("#seal-send").click()

    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "attachments" / NAME).read_bytes() == content
    assert (folder / "report.md").read_text() == (
        "# Report about updates\n\nBuild: 20.06\nCVSS: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H\nKey set: 1\n\n"
        f"{TEXT}\n"
    )
    assert complaints == []
    kept = [path.read_bytes() for path in place.site.data.rglob("*") if path.is_file()]
    assert any(b"Report about updates" in data for data in kept)
    assert not any(SECRET.encode() in data or NAME.encode() in data or content[:64] in data for data in kept)


def test_the_receipt_is_checked_by_the_command_and_by_openssl(
    place: Place, form: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-send").click()
    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    capsys.readouterr()
    for name, address in (
        ("receipt.json", f"{form.url}/receipt.json"),
        ("receipt.sig", f"{form.url}/receipt.sig"),
        ("receipts.pem", f"{place.site.url}/keys/receipts.pem"),
    ):
        (tmp_path / name).write_bytes(form.context.request.get(address).body())

    assert triage(["verify", str(tmp_path / "receipt.json"), "--key", str(tmp_path / "receipts.pem")]) == 0

    assert capsys.readouterr().out.startswith(f"Genuine: {folder.name} of test-challenge\n")
    command = "openssl pkeyutl -verify -pubin -inkey receipts.pem -rawin -in receipt.json -sigfile receipt.sig"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully")


def test_the_page_shows_the_fingerprints_that_it_seals_to_and_allows_one_policy_for_scripts(
    place: Place, form: Page
) -> None:
    shown = form.locator("#seal-keys code").all_inner_texts()
    policy = form.context.request.get(form.url).headers["content-security-policy"]

    assert sorted(text.replace(" ", "") for text in shown) == sorted(place.gpg.fingerprint(name) for name in KEYS)
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'; trusted-types seal" in policy
    assert "unsafe" not in policy


def test_other_keys_than_the_page_states_are_refused(place: Place) -> None:
    place.gpg.make("mallory@example.org")
    other = place.gpg.certificate(KEYS[0], "mallory@example.org")
    page = place.context.new_page()
    page.route("**/keys/current.asc", lambda route: route.fulfill(body=other))

    page.goto(f"{place.site.url}{NEW}")

    expect(page.locator("#seal-error")).to_contain_text("not those that this page states")
    expect(page.locator("#seal-send")).to_be_disabled()
    page.close()


def test_an_upload_goes_on_after_a_pause_during_which_the_server_died(
    place: Place,
    form: Page,
    attach: Callable[[Page, int], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = attach(form, 48 * MIB)
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-send").click()
    expect(form.locator("#seal-figures")).to_contain_text("MiB/s")
    form.locator("#seal-pause").click()
    expect(form.locator("#seal-status")).to_have_text("Paused.")

    place.site.kill()
    form.locator("#seal-pause").click()
    expect(form.locator("#seal-pause")).to_have_text("Pause")
    place.site.start()

    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "attachments" / NAME).read_bytes() == content


def test_lost_and_failing_answers_cost_one_part(
    place: Place,
    form: Page,
    attach: Callable[[Page, int], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def spoil(route: Route) -> None:
        seen.append(f"{route.request.method} {route.request.headers.get('upload-offset', '')}".strip())
        patches = sum(line.startswith("PATCH") for line in seen)
        if route.request.method == "PATCH" and patches == 2:
            route.abort("connectionreset")
        elif route.request.method == "PATCH" and patches == 4:
            route.fulfill(status=503)
        else:
            route.continue_()

    form.route("**/reports/uploads/*", spoil)
    content = attach(form, 3 * MIB)
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-send").click()

    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "attachments" / NAME).read_bytes() == content
    cut, failed = (seen.index(line) for line in [patch for patch in seen if patch.startswith("PATCH")][1:4:2])
    assert seen[cut + 1 : cut + 3] == ["HEAD", seen[cut]]
    assert seen[failed + 1 : failed + 3] == ["HEAD", seen[failed]]


def test_what_was_typed_stays_when_the_server_refuses(place: Place, form: Page) -> None:
    form.locator("#seal-text").fill(TEXT)
    form.get_by_label("It assumes a capability").check()

    form.locator("#seal-send").click()

    expect(form.locator('[data-error-for="capability"]')).to_have_text("Say which capability it assumes.")
    expect(form.locator("#seal-status")).to_have_text("Not sent. What you typed is still here.")
    assert form.locator("#seal-text").input_value() == TEXT
    expect(form.locator("#seal-send")).to_be_enabled()


def test_an_upload_can_be_cancelled(form: Page, attach: Callable[[Page, int], bytes], place: Place) -> None:
    removed: list[str] = []
    form.on("requestfinished", lambda request: removed.append(request.url) if request.method == "DELETE" else None)
    attach(form, 48 * MIB)
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-send").click()
    expect(form.locator("#seal-figures")).to_contain_text("MiB/s")

    with form.expect_event("requestfinished", lambda request: request.method == "DELETE"):
        form.locator("#seal-cancel").click()

    expect(form.locator("#seal-status")).to_have_text("Cancelled. Nothing was submitted.")
    assert form.locator("#seal-text").input_value() == TEXT
    assert len(removed) == 1
    assert form.context.request.head(removed[0], headers={"Tus-Resumable": "1.0.0"}).status in (404, 410)


def choose_sealed(form: Page, path: Path) -> None:
    """Send a file by the other way."""
    form.get_by_text("Seal with gpg instead").click()
    form.locator('input[name="sealed"]').set_input_files(path)
    form.get_by_role("button", name="Send the sealed file").click()


def test_what_gpg_has_sealed_is_sent_as_it_is(
    place: Place, form: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.pgp").write_bytes(place.gpg.seal(TEXT.encode(), KEYS))

    choose_sealed(form, tmp_path / "report.pgp")

    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "body.txt").read_text() == TEXT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not sealed", "report.pgp is not sealed to a key."),
        (b"", "report.pgp is empty."),
        (b"-----BEGIN PGP MESSAGE-----\n", "report.pgp is armored text. Take the binary form: gpg --dearmor"),
    ],
)
def test_what_is_not_sealed_is_refused_before_anything_is_sent(
    form: Page, tmp_path: Path, content: bytes, message: str
) -> None:
    sent: list[str] = []
    form.on("request", lambda request: sent.append(request.method) if request.method != "GET" else None)
    (tmp_path / "report.pgp").write_bytes(content)

    choose_sealed(form, tmp_path / "report.pgp")

    expect(form.locator("#seal-error")).to_contain_text(message)
    assert sent == []


def test_what_is_sealed_to_too_few_is_refused_in_the_servers_words(place: Place, form: Page, tmp_path: Path) -> None:
    (tmp_path / "report.pgp").write_bytes(place.gpg.seal(TEXT.encode(), KEYS[:1]))

    choose_sealed(form, tmp_path / "report.pgp")

    expect(form.locator("#seal-error")).to_contain_text("recovery@example.org")


@pytest.mark.slow
def test_the_page_does_not_hold_the_file_that_it_seals(place: Place, browser: Browser, tmp_path: Path) -> None:
    pages = Renderers(browser)
    with closing(browser.new_context()) as context:
        context.add_cookies(place.context.cookies())  # type: ignore[arg-type]
        form = replace(place, context=context).form()
        pages.begin()
        form.set_input_files("#seal-files", hollow(tmp_path / NAME, 500 * MIB))
        form.locator("#seal-text").fill(TEXT)
        form.locator("#seal-send").click()
        form.wait_for_url(re.compile(r"/reports/TCR-\d+$"), timeout=180_000)

        assert pages.grown() < MOST_GROWTH
