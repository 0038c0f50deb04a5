"""The sealing page while the line is cut: it waits, hears that the line is back, or gives up after a minute."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, Worker, expect

from tests.reports.test_browser_files import Held, write
from tests.reports.test_browser_sealing import MIB, TEXT, Place, form, place

__all__ = ["form", "place"]
pytestmark = pytest.mark.browser
GONE = "The portal cannot be reached. What is sealed so far is kept: resume when the connection is back."
# Timers of the worker: none ends by itself, and the first is told as soon as it is set.
NEVER = """() => {
  self.rests = [];
  self.rested = new Promise((told) => {
    self.setTimeout = (_, milliseconds) => { self.rests.push(milliseconds); told(); return 0; };
  });
}"""
# Timers that end at once.
AT_ONCE = """() => {
  self.rests = [];
  self.setTimeout = (then, milliseconds) => { self.rests.push(milliseconds); queueMicrotask(then); return 0; };
}"""


def sealing(page: Page) -> Worker:
    """The worker that seals and sends."""
    return next(worker for worker in page.workers if worker.url.endswith("seal-worker.js"))


def begin(form: Page, folder: Path) -> bytes:
    content = os.urandom(6 * MIB)
    form.set_input_files("#seal-files", write(folder, "trace.bin", content))
    form.locator("#seal-text").fill(TEXT)
    form.locator("#seal-send").click()
    return content


def test_a_line_that_is_back_is_heard_of_and_ends_the_waiting(
    place: Place, form: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, held = sealing(form), Held(form)
    worker.evaluate(NEVER)
    content = begin(form, tmp_path)
    held.wait()
    assert held.route
    place.context.set_offline(True)
    held.route.abort("internetdisconnected")
    worker.evaluate("self.rested")
    assert worker.evaluate("self.rests") == [500]
    expect(form.locator("#seal-pause")).to_have_text("Pause")

    place.context.set_offline(False)

    # No timer of the worker ever ends, so that nothing else can have ended its rest.
    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "attachments" / "trace.bin").read_bytes() == content


def test_after_a_minute_without_a_line_it_pauses_in_words_and_goes_on_when_it_is_told_to(
    place: Place, form: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = asked = 0

    def cut(route: Route) -> None:
        nonlocal down, asked
        asked += route.request.method == "PATCH"
        if asked == 2 and down < 8:
            down += 1
            route.abort("internetdisconnected")
        else:
            route.continue_()

    form.route("**/reports/uploads/*", cut)
    worker = sealing(form)
    worker.evaluate(AT_ONCE)
    content = begin(form, tmp_path)

    expect(form.locator("#seal-status")).to_have_text(GONE)
    expect(form.locator("#seal-pause")).to_have_text("Resume")
    rests = [500, 1000, 2000, 4000, 8000, 16_000, 30_000]
    assert worker.evaluate("self.rests") == rests
    assert sum(rests) == 61_500  # a minute
    assert (down, form.locator("#seal-text").input_value()) == (8, TEXT)
    form.locator("#seal-pause").click()

    folder = place.opened(form, tmp_path / "opened", monkeypatch)
    assert (folder / "attachments" / "trace.bin").read_bytes() == content
    assert re.search(r"TCR-\d+$", form.url)
