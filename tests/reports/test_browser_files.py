"""The sealing page when people choose, change their minds, lose their session, or are refused."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from portal.challenges.models import Build, Challenge
from portal.core.db import db
from portal.factory import create_app
from portal.reports.models import Report
from tests.cast import NOON
from tests.reports.test_browser_sealing import MIB, NEW, TEXT, Place, choose_sealed, form, place
from tests.servers.site import ROOT

__all__ = ["form", "place"]
pytestmark = pytest.mark.browser
ODD = ["a b.txt", "größe “π”.bin", "-rf.txt", "<b>&amp;.txt", "🗝️.txt"]


def chosen(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator("#seal-list > li").all_inner_texts()]


def write(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def test_files_are_chosen_in_several_goes_and_taken_away_by_keyboard(form: Page, tmp_path: Path) -> None:
    for name, size in (("one.bin", 10), ("two.bin", 3 * MIB // 2), ("three.bin", 0)):
        form.set_input_files("#seal-files", write(tmp_path, name, bytes(size)))
    form.set_input_files("#seal-files", tmp_path / "one.bin")
    assert chosen(form) == ["one.bin 10 bytes Remove", "two.bin 1.5 MiB Remove", "three.bin 0 bytes Remove"]

    form.get_by_role("button", name="Remove two.bin").press("Enter")

    assert chosen(form) == ["one.bin 10 bytes Remove", "three.bin 0 bytes Remove"]
    expect(form.get_by_role("button", name="Remove three.bin")).to_be_focused()
    form.keyboard.press("Enter")
    form.keyboard.press("Enter")
    expect(form.locator("#seal-list")).to_be_hidden()
    expect(form.locator("#seal-files")).to_be_focused()


def test_more_files_than_are_taken_are_refused_when_they_are_chosen(form: Page, tmp_path: Path) -> None:
    files = [write(tmp_path, f"{number}.txt", b"x") for number in range(20)]
    form.set_input_files("#seal-files", files)

    expect(form.locator("#seal-error")).to_have_text("Choose at most 19 files. Put several into one archive.")
    assert chosen(form) == []


@pytest.mark.parametrize(
    ("vector", "good"),
    [
        ("not a vector", False), ("AV:N/AC:L", False), ("CVSS:2.0/AV:N", False), ("CVSS:3.1/AV:N/", False),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", True), ("", True),
        (" CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/U:Amber ", True),
    ],
)  # fmt: skip
def test_a_vector_is_looked_at_before_it_is_sealed(form: Page, vector: str, good: bool) -> None:
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-cvss").fill(vector)

    form.locator("#seal-send").click()

    if good:
        form.wait_for_url(re.compile(r"/reports/TCR-\d+$"))
    else:
        expect(form.locator("#seal-cvss:invalid:focus")).to_have_count(1)


def test_twenty_files_with_odd_names_arrive(
    place: Place, form: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*ODD, *(f"{number}.txt" for number in range(14))]
    (tmp_path / "from").mkdir()
    files = [write(tmp_path / "from", name, name.encode() * (index % 3)) for index, name in enumerate(names)]
    form.set_input_files("#seal-files", files)
    form.locator("#seal-text").fill(TEXT)

    form.locator("#seal-send").click()

    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    found = sorted(path.read_bytes() for path in (folder / "attachments").iterdir())
    assert found == sorted(path.read_bytes() for path in files)
    kept = [path.read_bytes() for path in place.site.data.rglob("*") if path.is_file()]
    assert not any(name.encode() in data for data in kept for name in ODD[:3])


class Held:
    """The second part of an upload, held on its way until the test lets it go."""

    def __init__(self, page: Page) -> None:
        self.page, self.parts = page, 0
        self.route: Route | None = None
        page.route("**/reports/uploads/*", self._pass)

    def _pass(self, route: Route) -> None:
        self.parts += route.request.method == "PATCH"
        if self.parts == 2 and self.route is None:
            self.route = route
        else:
            route.continue_()

    def wait(self) -> None:
        for _ in range(1500):
            if self.route:
                return
            self.page.wait_for_timeout(20)
        raise TimeoutError("the second part")


def test_a_pause_while_a_part_is_on_its_way_and_a_session_that_ends_meanwhile_cost_that_part(
    place: Place, form: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(6 * MIB)
    held = Held(form)
    form.set_input_files("#seal-files", write(tmp_path, "trace.bin", content))
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-send").click()
    held.wait()
    assert chosen(form)[0] == "trace.bin 6.0 MiB being sealed and sent"

    form.locator("#seal-pause").click()
    cookies = place.context.cookies()
    place.context.clear_cookies()
    form.locator("#seal-pause").click()

    expect(form.locator("#seal-status")).to_have_text(
        "You are signed out. Sign in again in another tab, then resume here: nothing is lost."
    )
    assert form.locator("#seal-text").input_value() == TEXT
    place.context.add_cookies(cookies)  # type: ignore[arg-type]
    form.locator("#seal-pause").click()
    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "attachments" / "trace.bin").read_bytes() == content


def test_a_token_that_has_aged_is_renewed_on_the_way(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = place.context.new_page()

    def age(route: Route) -> None:
        if route.request.resource_type != "document":
            route.continue_()
            return
        found = route.fetch()
        route.fulfill(response=found, body=re.sub('data-csrf="[^"]+"', 'data-csrf="aged"', found.text()))

    page.route(re.compile(r"/reports/new$"), age)
    page.goto(f"{place.site.url}{NEW}")
    expect(page.locator("#seal-send")).to_be_enabled()
    page.get_by_label("Title").fill("Report about updates")
    page.get_by_label("Build").fill("20.06")
    page.locator("#seal-text").fill(TEXT)
    page.locator("#seal-send").click()

    folder = place.opened(page, tmp_path / "opened", monkeypatch)
    assert TEXT in (folder / "report.md").read_text()
    page.close()


@pytest.mark.parametrize("change", ["while it is read", "before"])
def test_a_file_that_changes_or_vanishes_is_named(form: Page, tmp_path: Path, change: str) -> None:
    path = write(tmp_path, "trace.bin", os.urandom(40 * MIB))
    form.set_input_files("#seal-files", path)
    form.locator("#seal-text").fill(TEXT)
    if change == "before":
        path.unlink()
        form.locator("#seal-send").click()
    else:
        held = Held(form)
        form.locator("#seal-send").click()
        held.wait()
        path.write_bytes(b"another")
        assert held.route
        held.route.continue_()

    expect(form.locator("#seal-error")).to_have_text(
        "trace.bin can no longer be read: it has changed or is gone. Choose it again."
    )
    expect(form.locator("#seal-status")).to_have_text("Not sent. What you typed is still here.")
    assert form.locator("#seal-text").input_value() == TEXT
    assert chosen(form) == ["trace.bin 40.0 MiB Remove"]


def test_a_refusal_is_told_in_the_servers_words_and_what_had_arrived_is_removed(form: Page, tmp_path: Path) -> None:
    removed: list[tuple[str, int]] = []
    form.on(
        "response",
        lambda answer: removed.append((answer.url, answer.status)) if answer.request.method == "DELETE" else None,
    )
    creations = 0

    def refuse(route: Route) -> None:
        nonlocal creations
        creations += route.request.method == "POST"
        if route.request.method == "PATCH" and creations == 2:
            route.fulfill(status=422, content_type="text/plain", body="The file is sealed to too few.\n")
        else:
            route.continue_()

    form.route(re.compile("/reports/uploads"), refuse)
    form.set_input_files("#seal-files", [write(tmp_path, name, os.urandom(100)) for name in ("a.bin", "b.bin")])
    form.locator("#seal-text").fill(TEXT)
    with form.expect_event("requestfinished", lambda request: request.method == "DELETE"):
        form.locator("#seal-send").click()

    expect(form.locator("#seal-error")).to_have_text("The file is sealed to too few.")
    assert [status for _, status in removed] == [204, 204]
    assert chosen(form) == ["a.bin 100 bytes Remove", "b.bin 100 bytes Remove"]
    expect(form.locator("#seal-send")).to_be_enabled()


def test_a_large_file_that_gpg_sealed_to_too_few_is_refused_on_its_first_part(
    place: Place, form: Page, tmp_path: Path
) -> None:
    sealed = place.gpg.seal(os.urandom(20 * MIB), ["triager@example.org"])

    choose_sealed(form, write(tmp_path, "report.pgp", sealed))

    expect(form.locator("#seal-error")).to_contain_text("recovery@example.org")


def test_a_second_click_sends_nothing_twice(form: Page) -> None:
    begun: list[str] = []
    form.on("request", lambda request: begun.append(request.url) if request.url.endswith("/reports/new") else None)
    form.locator("#seal-text").fill(TEXT)

    form.evaluate("for (let i = 0; i < 3; i += 1) document.getElementById('seal-send').click()")

    form.wait_for_url(re.compile(r"/reports/TCR-\d+$"))
    assert len(begun) == 1


@pytest.mark.parametrize("what", ["text", "file", "nothing"])
def test_leaving_is_asked_about_while_something_would_be_lost(place: Place, tmp_path: Path, what: str) -> None:
    asked: list[str] = []
    page = place.form()

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    if what == "text":
        page.locator("#seal-text").fill(TEXT)
    elif what == "file":
        page.set_input_files("#seal-files", write(tmp_path, "a.bin", b"x"))
    page.reload()

    assert asked == ([] if what == "nothing" else ["beforeunload"])
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.close()


GATE = """
const waited = [];
globalThis.setTimeout = (then, milliseconds) => { waited.push(milliseconds); queueMicrotask(then); };
const { Busy, Cut, Gate } = await import(process.argv[2]);
for (const [failure, told] of [[new Busy("Wait a minute.", 3), "busy"], [new Cut("reset"), "cut"]]) {
  let tries = 0;
  const gate = new Gate((message) => { console.log(told, tries, message); gate.resume(); });
  await gate.persist(async () => {
    tries += 1;
    if (tries < 9) throw failure;
  });
}
console.log(JSON.stringify(waited));
"""


def test_the_servers_own_words_are_told_when_patience_ends_and_its_pause_is_kept(tmp_path: Path) -> None:
    script = write(tmp_path, "gate-test.mjs", GATE.encode())

    done = subprocess.run(
        ["node", str(script), (ROOT / "static/js/reports/gate.js").as_uri()], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "busy 8 Wait a minute.",
        "cut 8 The portal cannot be reached. What is sealed so far is kept: resume when the connection is back.",
        "[3000,3000,3000,4000,8000,16000,30000,500,1000,2000,4000,8000,16000,30000]",
    ]


@pytest.fixture
def builds(place: Place) -> Iterator[None]:
    """Builds that the challenge knows, for one test."""
    app = create_app(place.site.environ)
    with app.app_context():
        challenge = db.session.scalars(sa.select(Challenge)).one()
        for name in ("20.06", "20.07"):
            made = Build(challenge_id=challenge.id, name=name, released_on=NOON.date(), notes="", state_since=NOON)
            db.session.add(made)
        db.session.commit()
        yield
        db.session.execute(sa.update(Report).values(build_id=None))
        db.session.execute(sa.delete(Build))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


@pytest.mark.usefixtures("builds")
def test_a_build_is_chosen_or_named_by_hand_with_and_without_scripts(place: Place, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(place.context.cookies())  # type: ignore[arg-type]
    plain, sealing = context.new_page(), place.context.new_page()
    for page in (plain, sealing):
        page.goto(f"{place.site.url}{NEW}")
        choice, by_hand = page.get_by_label("Build *"), page.get_by_label("Name of the build")
        expect(choice).to_have_value("")
        expect(by_hand).to_be_hidden()
        choice.select_option("Another, named by hand")
        expect(by_hand).to_be_visible()
        choice.select_option("20.07")
        expect(by_hand).to_be_hidden()
    context.close()
    sealing.close()


@pytest.mark.usefixtures("builds")
@pytest.mark.parametrize("by_hand", [False, True])
def test_the_sealed_report_and_its_row_name_the_same_build(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    page = place.context.new_page()
    page.goto(f"{place.site.url}{NEW}")
    expect(page.locator("#seal-send")).to_be_enabled()
    page.get_by_label("Title").fill("Report about updates")
    page.locator("#seal-text").fill(TEXT)
    page.locator("#seal-send").click()
    expect(page.locator("#seal-status")).to_have_text(re.compile("^Ready"))  # nothing was chosen yet
    page.get_by_label("Build *").select_option("*")
    page.locator("#seal-send").click()
    expect(page.get_by_label("Name of the build")).to_be_focused()
    if by_hand:
        page.get_by_label("Name of the build").fill("20.06-rc1")
    else:
        page.get_by_label("Build *").select_option("20.06")
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith(NEW)) as begun:
        page.locator("#seal-send").click()

    name = "20.06-rc1" if by_hand else "20.06"
    assert begun.value.post_data_json["build"] == name
    folder = place.opened(page, tmp_path / "opened", monkeypatch)
    assert f"\nBuild: {name}\n" in (folder / "report.md").read_text()
    page.close()
