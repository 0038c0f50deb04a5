"""Keys, sealed reports, and the triager's own gpg."""

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journey.selecting import ADA, choose
from tests.journey.stage import PASSWORD, Stage, code_of, link_in

KEYS = (
    "Tim Triage <triager1@portal.example>",
    "Tess Triage <triager2@portal.example>",
    "Recovery <recovery@portal.example>",
)
SECRET = "the check stops before the last block"
TEXT = f"# What I found\n\nWhen it is asked twice, {SECRET}.\n"
ATTACHMENT = "trace-of-the-boot.bin"


def second_factor(stage: Stage) -> Page:
    """The admin sets an authenticator app up, and needs it at the next sign-in."""
    admin = stage.sign_in("admin@portal.example")
    admin.goto(stage.at("/account/security"))
    admin.get_by_role("link", name="Set up codes").click()
    admin.get_by_role("button", name="Set up an app").click()
    key = admin.locator(".steps .copyable code").inner_text()
    admin.get_by_label("Code").fill(code_of(key))
    admin.get_by_role("button", name="Finish").click()
    expect(admin.locator("#codes .state")).to_have_text("on")
    admin.get_by_role("button", name="Sign out").click()
    expect(admin.get_by_role("button", name="Sign out")).to_have_count(0)
    admin.goto(stage.at("/account/sign-in"))
    admin.get_by_label("E-mail address").fill("admin@portal.example")
    admin.get_by_label("Password").fill(PASSWORD)
    admin.get_by_role("button", name="Sign in", exact=True).click()
    expect(admin.get_by_role("heading", name="Enter your code")).to_be_visible()
    admin.get_by_label("Code").fill(code_of(key, 1))  # none works twice
    admin.get_by_role("button", name="Go on").click()
    expect(admin.get_by_role("button", name="Sign out")).to_be_visible()
    return admin


def publish_keys(stage: Stage, admin: Page) -> None:
    """The triagers' certificates and the recovery one, made by gpg, become key set 1."""
    for name in KEYS:
        stage.gpg.make(name)
    admin.goto(stage.at("/staff/keys"))
    admin.get_by_label("Triagers' certificates").fill(stage.gpg.certificate(*KEYS[:2]))
    admin.get_by_label("Recovery certificate").fill(stage.gpg.certificate(KEYS[2]))
    admin.get_by_role("button", name="Look at them").click()
    admin.get_by_role("button", name="Publish the key set").click()
    expect(admin.get_by_text("Key set 1 is published.")).to_be_visible()
    shown = ["".join(text.split()) for text in admin.locator("code.fingerprint").all_inner_texts()]
    assert sorted(shown) == sorted(stage.gpg.fingerprint(name) for name in KEYS)


def describe(page: Page, title: str) -> None:
    """What stays in clear."""
    page.get_by_label("Title").fill(title)
    choose(page, "Severity, as you see it", "critical")
    choose(page, "Scenario", "G1")
    page.get_by_label("Build").fill("20.06")


def seal(stage: Stage, ada: Page) -> str:
    """The researcher writes a report with an attachment; nothing of it leaves the page unsealed. Its reference."""
    ada.goto(stage.at("reports/new"))
    expect(ada.locator("#seal-send")).to_be_enabled()
    describe(ada, "Report about updates")
    ada.get_by_label("Report", exact=True).fill(TEXT)
    (stage.folder / ATTACHMENT).write_bytes(os.urandom(2**20 + 1))
    ada.get_by_label("Attachments").set_input_files(stage.folder / ATTACHMENT)
    ada.get_by_role("button", name="Seal and send").click()
    ada.wait_for_url(re.compile(r"/reports/[A-Z]+-\d+$"), timeout=60_000)
    expect(ada.locator("h1 .state")).to_have_text("received")
    ref = ada.url.rpartition("/")[2]
    assert link_in(stage.mail(ADA, ref)) == ada.url
    kept = [path.read_bytes() for path in stage.site.data.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in data or ATTACHMENT.encode() in data for data in kept)
    return ref


def send_by_hand(stage: Stage) -> str:
    """Without scripts: what gpg has sealed goes up by a plain form. Its reference."""
    plain = stage.sign_in(ADA, scripts=False)
    plain.goto(stage.at("reports/new"))
    describe(plain, "Report about the debug port")
    plain.get_by_text("Seal with gpg instead").click()
    for name in KEYS:
        expect(plain.locator("details[data-gpg]")).to_contain_text(stage.gpg.fingerprint(name)[-4:])
    (stage.folder / "report.pgp").write_bytes(stage.gpg.seal(TEXT.encode(), KEYS))
    plain.get_by_label("Sealed file").set_input_files(stage.folder / "report.pgp")
    plain.get_by_role("button", name="Send the sealed file").click()
    expect(plain.get_by_text("has arrived, sealed. Keep its receipt.")).to_be_visible()
    ref = plain.url.rpartition("/")[2]
    assert link_in(stage.mail(ADA, ref)) == plain.url
    return ref


def open_reports(stage: Stage, triager: Page, refs: tuple[str, str]) -> None:
    """The triager makes a token on the portal, and reads both reports on their own machine."""
    triager.goto(stage.staff("reports/tokens"))
    triager.get_by_label("Name").fill("laptop")
    triager.get_by_role("button", name="Make a token").click()
    token = triager.locator(".notice", has_text="Copy it now").locator("code").inner_text()
    run(stage, token, "open", refs[0], "--to", str(stage.folder))
    opened = stage.folder / refs[0]
    assert TEXT in (opened / "report.md").read_text()
    assert digest(opened / "attachments" / ATTACHMENT) == digest(stage.folder / ATTACHMENT)
    run(stage, token, "open", refs[1], "--to", str(stage.folder))
    assert (stage.folder / refs[1] / "body.txt").read_text() == TEXT
    listed = run(stage, token, "list")
    assert [line.split()[:2] for line in listed.splitlines()] == [[ref, "acknowledged"] for ref in refs]


def run(stage: Stage, token: str, *arguments: str) -> str:
    """What `python -m portal.triage` says, with the gpg of this stage."""
    environ = {
        "PATH": os.environ["PATH"], "GNUPGHOME": str(stage.gpg.home), "HOME": str(stage.folder),
        "PORTAL_TRIAGE_URL": stage.staff().rstrip("/"), "PORTAL_TRIAGE_TOKEN": token, "LANG": "C.UTF-8",
    }  # fmt: skip
    command = [sys.executable, "-m", "portal.triage", *arguments]
    done = subprocess.run(command, env=environ, cwd=stage.site.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def triage(stage: Stage, triager: Page, refs: tuple[str, str]) -> None:
    """The first report is confirmed as critical and fixed, the second is by design."""
    today = datetime.now(UTC).date()
    triager.goto(stage.staff(f"reports/{refs[0]}"))
    expect(triager.locator("h1 .state")).to_have_text("acknowledged")
    step(triager, "Start reproducing", "reproducing")
    step(triager, "Confirm", "confirmed", Severity="critical")
    triager.get_by_label("Scenario achieved").select_option(index=2)
    triager.get_by_label("It led to an improvement of the product").check()
    triager.get_by_role("button", name="Save the assessment").click()
    expect(triager.get_by_text("The assessment is saved.")).to_be_visible()
    step(triager, "Mark as fixed", "fixed", Release="20.07", **{"Released on": today.isoformat()})
    triager.goto(stage.staff(f"reports/{refs[1]}"))
    step(triager, "Call it by design", "by design", **{"Mitigated by": "The debug port is fused"})


def step(triager: Page, name: str, state: str, **given: str) -> None:
    """Take one step with what it needs."""
    details = triager.locator("details.step").filter(has=triager.get_by_role("button", name=name))
    triager.locator("details.step summary", has_text=name).first.click()
    for label, value in given.items():
        found = details.get_by_label(label, exact=True)
        if found.evaluate("field => field.tagName") == "SELECT":
            found.select_option(value)
        else:
            found.fill(value)
    details.get_by_role("button", name=name, exact=True).click()
    expect(triager.locator("h1 .state")).to_have_text(state)


def followed(stage: Stage, ada: Page, refs: tuple[str, str]) -> None:
    """The researcher sees how her reports ended."""
    ada.goto(stage.at("reports/"))
    for ref, state in zip(refs, ("fixed", "by design"), strict=True):
        expect(ada.locator("tr", has_text=ref).locator(".state").first).to_have_text(state)
    ada.goto(stage.at(f"reports/{refs[0]}"))
    expect(ada.get_by_text("Fixed in 20.07")).to_be_visible()
