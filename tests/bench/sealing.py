"""Sealing in a real browser: how fast beside openpgp.js alone, and how much memory the page takes for it."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.factory import create_app
from tests.bench.measuring import MIB, Result, Sizes, compared, measure, medians
from tests.reports.openpgp import gpg_home
from tests.reports.test_browser_sealing import MOST_GROWTH, NEW, hollow, prepared
from tests.servers import Renderers, chromium, web

LONGEST = 600_000
Cookies = list[dict[str, str]]
# openpgp.js by itself in the page: the same keys and settings, bytes from a file, what comes out is dropped.
ALONE = """async ([address, keys, size]) => {
  const openpgp = await import(address);
  const encryptionKeys = await openpgp.readKeys({ armoredKeys: await (await fetch(keys)).text() });
  const block = new Uint8Array(2 ** 20);
  const stream = new Blob(Array(size / block.length).fill(block)).stream();
  const config = { aeadProtect: false, preferredCompressionAlgorithm: openpgp.enums.compression.uncompressed };
  const begun = performance.now();
  const message = await openpgp.createMessage({ binary: stream });
  const reader = (await openpgp.encrypt({ message, encryptionKeys, format: "binary", config })).getReader();
  while (!(await reader.read()).done);
  return (performance.now() - begun) / 1000;
}"""


@measure("seal")
def seal(sizes: Sizes) -> Iterator[Result]:
    """Seal and upload a file in Chromium, then a much larger one while its processes are looked at."""
    with ExitStack() as stack:
        gpg = stack.enter_context(gpg_home())
        site = stack.enter_context(web({"PORTAL_TESTING": "1"}, migrate=False))
        cookies, _ = prepared(create_app(site.environ), gpg, site)
        browser = stack.enter_context(chromium())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        context = _context(browser, cookies)
        yield _speed(context.new_page(), site.url, hollow(folder / "some.bin", sizes.sealed), sizes)
        context.close()
        yield _memory(browser, cookies, site.url, hollow(folder / "much.bin", sizes.upload - 4 * MIB))


def _speed(page: Page, url: str, file: Path, sizes: Sizes) -> Result:
    size = file.stat().st_size

    def ours() -> float:
        return size / _send(page, url, file) / 1e6

    def theirs() -> float:
        page.goto(f"{url}{NEW}")
        given = [f"{url}/static/vendor/openpgp/openpgp.min.mjs", f"{url}/keys/current.asc", size]
        return float(size / page.evaluate(ALONE, given) / 1e6)

    rate, bare = medians(ours, theirs, rounds=min(sizes.rounds, 3))
    return compared("seal and upload", "MB/s", rate, bare, 0.8, note=f"{size / MIB:.0f} MiB in Chromium")


def _send(page: Page, url: str, file: Path) -> float:
    """How long a report with this attachment takes, in seconds, from the click to its page."""
    page.goto(f"{url}{NEW}")
    expect(page.locator("#seal-send")).to_be_enabled()
    page.get_by_label("Title").fill("Report about updates")
    page.get_by_label("Build").fill("20.06")
    page.locator("#seal-text").fill("What I found.")
    page.set_input_files("#seal-files", file)
    begun = time.perf_counter()
    page.locator("#seal-send").click()
    page.wait_for_url("**/reports/TCR-*", timeout=LONGEST)
    return time.perf_counter() - begun


def _memory(browser: Browser, cookies: Cookies, url: str, file: Path) -> Result:
    pages = Renderers(browser)
    page = _context(browser, cookies).new_page()
    page.goto(f"{url}{NEW}")
    expect(page.locator("#seal-send")).to_be_enabled()
    pages.begin()
    took = _send(page, url, file)
    grown = pages.grown()
    note = f"{file.stat().st_size / MIB:.0f} MiB in {took:.0f} s"
    reach = f"< {MOST_GROWTH // MIB} MiB more"
    return Result("memory of a page", "MiB", grown / MIB, reach, grown < MOST_GROWTH, note=note)


def _context(browser: Browser, cookies: Cookies) -> BrowserContext:
    context = browser.new_context()
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context
