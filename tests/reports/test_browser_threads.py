"""A conversation from end to end: Chromium on the researcher's side, portal-triage and gpg on the triager's."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.challenges.queries import challenge_by_slug
from portal.core.db import db
from portal.factory import create_app
from portal.reports.actions import replies
from portal.triage import main as triage
from tests.reports.openpgp import gpg_home
from tests.reports.test_browser_sealing import Place, prepared
from tests.servers import web

pytestmark = pytest.mark.browser

PASSPHRASE = "four words of nobody else"
FOUND, ASKED, TOLD = "the check stops at the last block", "which block do you mean", "it is the seventh block"
NAMES = ("name-of-the-trace.bin", "name-of-the-question.txt", "name-of-the-log.txt")


@pytest.fixture(scope="module")
def place(browser: Browser) -> Iterator[Place]:
    """One portal and one person's browser for all tests here."""
    with ExitStack() as stack:
        gpg = stack.enter_context(gpg_home())
        site = stack.enter_context(web({"PORTAL_TESTING": "1"}, migrate=False))
        app = create_app(site.environ)
        cookies, token = prepared(app, gpg, site)
        with app.app_context():
            challenge = challenge_by_slug(db.session, "test-challenge")
            replies.add_defaults(db.session, challenge.id, challenge.slug, by=None, at=datetime.now(UTC))
            db.session.commit()
            db.session.remove()
            db.engine.dispose()
        context = browser.new_context()
        stack.callback(context.close)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        yield Place(site, gpg, context, token)


@pytest.fixture
def page(place: Place) -> Iterator[Page]:
    """The researcher's page; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    made = place.context.new_page()
    made.set_default_timeout(15_000)
    made.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    made.on("pageerror", lambda error: complaints.append(str(error)))
    yield made
    made.close()
    assert complaints == []


@pytest.fixture
def signed_in(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The triager's machine."""
    monkeypatch.setenv("PORTAL_TRIAGE_URL", f"{place.site.url}/staff/test-challenge")
    monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", place.token)
    monkeypatch.setenv("GNUPGHOME", str(place.gpg.home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o022)
    assert triage(["keys", "--yes"]) == 0
    yield
    os.umask(mask)


def made_key(page: Page, place: Place, to: Path) -> Path:
    """Make a key in the browser and keep its file."""
    page.goto(f"{place.site.url}/account/certificate")
    page.locator("#make-passphrase").fill("short")
    page.locator("#make-key").click()
    expect(page.locator("#make-error")).to_have_text("The passphrase has fewer than 12 characters.")
    page.locator("#make-passphrase").fill(PASSPHRASE)
    page.locator("#make-again").fill(PASSPHRASE)
    page.locator("#make-key").click()
    expect(page.locator("#make-save")).to_be_visible()
    expect(page.locator("#make-give")).to_be_disabled()
    with page.expect_download() as saved:
        page.locator("#make-save").click()
    saved.value.save_as(to)
    page.locator("#make-give").click()
    expect(page.get_by_role("heading", name="Yours now")).to_be_visible()
    return to


def reported(page: Page, place: Place, to: Path) -> str:
    """Seal a report with an attachment in the browser; its reference."""
    (to / NAMES[0]).write_bytes(FOUND.encode() * 1000)
    page.goto(f"{place.site.url}/challenges/test-challenge/reports/new")
    expect(page.locator("#seal-send")).to_be_enabled()
    page.get_by_label("Title").fill("Report about updates")
    page.get_by_label("Build").fill("20.06")
    page.locator("#seal-text").fill(f"I found that {FOUND}.")
    page.set_input_files("#seal-files", to / NAMES[0])
    page.locator("#seal-send").click()
    page.wait_for_url(re.compile(r"/reports/TCR-\d+$"), timeout=60_000)
    return page.url.rpartition("/")[2]


def read(page: Page, number: int, key: Path | None) -> str:
    """Read a message in the browser."""
    if key:
        page.set_input_files("#open-file", key)
        page.locator("#open-passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name=f"Read message {number}").click()
    text = page.locator(f"#message-{number} .opened-text")
    expect(text).to_be_visible()
    return text.inner_text()


def test_a_sealed_conversation_from_end_to_end(
    place: Place, page: Page, signed_in: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = made_key(page, place, tmp_path / "key.asc")
    ref = reported(page, place, tmp_path)

    assert triage(["open", ref]) == 0
    assert FOUND in (tmp_path / ref / "report.md").read_text()
    (tmp_path / NAMES[1]).write_text(ASKED * 1000)
    (tmp_path / "reply.md").write_text(f"Please tell us: {ASKED}?\n<b>Not markup</b>\n")
    asked = ["reply", ref, "--file", "reply.md", "--attach", NAMES[1], "--template", "needs-better-proof"]
    assert triage([*asked, "--move", "ask"]) == 0

    page.reload()
    expect(page.locator("#message-1")).to_contain_text("A better proof is needed")
    page.get_by_role("button", name="Read message 1").click()
    expect(page.locator("#open-error")).to_have_text("Choose your key file first; it stays in this page.")
    page.set_input_files("#open-file", key)
    page.locator("#open-passphrase").fill("not the passphrase")
    page.get_by_role("button", name="Read message 1").click()
    expect(page.locator("#open-error")).to_have_text("The passphrase does not open this key file.")
    assert read(page, 1, key) == f"Please tell us: {ASKED}?\n<b>Not markup</b>\n"
    assert page.locator("#open-passphrase").input_value() == ""
    with page.expect_download() as saved:
        page.get_by_role("link", name=f"Save {NAMES[1]}").click()
    assert Path(saved.value.path()).read_text() == ASKED * 1000

    (tmp_path / NAMES[2]).write_text(TOLD * 1000)
    page.locator("#message-text").fill(f"Here: {TOLD}.")
    page.set_input_files("#message-files", tmp_path / NAMES[2])
    page.get_by_label("This answers the team").check()
    page.locator("#message-send").click()
    expect(page.locator("#message-2")).to_be_visible()
    expect(page.locator(".page-head")).to_contain_text("reproducing")
    assert read(page, 2, key) == f"Here: {TOLD}."
    assert read(page, 1, None).startswith("Please tell us")

    capsys.readouterr()
    assert triage(["thread", ref]) == 0
    assert (tmp_path / f"{ref}-thread" / "2" / "message.md").read_text() == f"Here: {TOLD}."
    assert (tmp_path / f"{ref}-thread" / "2" / NAMES[2]).read_text() == TOLD * 1000
    nothing_leaks(place)
    opens_with_gpg(page, place, key, ref)


def nothing_leaks(place: Place) -> None:
    """Nothing of what was said, called or chosen lies with the portal: database, store, mails, logs."""
    kept = [path.read_bytes() for path in place.site.data.rglob("*") if path.is_file()]
    assert any(b"Report about updates" in data for data in kept)
    for secret in (FOUND, ASKED, TOLD, *NAMES, PASSPHRASE, "PGP PRIVATE KEY"):
        assert not any(secret.encode() in data for data in kept), secret


def opens_with_gpg(page: Page, place: Place, key: Path, ref: str) -> None:
    """The key that the browser made is one for gpg 2.2 as well."""
    sealed = page.request.get(f"{place.site.url}/challenges/test-challenge/reports/{ref}/messages/1").body()
    with gpg_home() as home:
        secret = ("--pinentry-mode", "loopback", "--passphrase", PASSPHRASE)
        home.run("--import", data=key.read_bytes())
        opened = json.loads(home.run(*secret, "--decrypt", data=sealed))
        certificate = home.run("--armor", "--export").decode()
    assert ASKED in opened["text"]
    with gpg_home() as other:
        other.run("--import", data=certificate.encode())
        listed = other.run("--with-colons", "--list-keys").decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        packets = other.seal(b"for them", [fingerprint])
    assert packets[:1] in (b"\x84", b"\x85", b"\xc1")
