"""The page of the day keeps itself true: in the browser, against answers that the test gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

PLACE = "http://127.0.0.1:9"
SCRIPT = Path(__file__).parents[2] / "static/js/office_hours/day.js"
PAGE = """<!doctype html><title>Day</title><main><h1>Seen {count}</h1>
<div data-watch="/now" data-stamp="{stamp}" data-every="0.02"><p data-stale hidden>Something has changed.</p></div>
<form><textarea></textarea></form></main><script type="module" src="/day.js"></script>"""


class Portal:
    """Answers like the portal: the page as often as it is asked for, and whether it is still true."""

    def __init__(self, page: Page) -> None:
        self.page, self.stamp, self.status, self.seen = page, "a", 200, 0
        self.tags: list[str] = []
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        if route.request.url.endswith("/day.js"):
            route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
        elif route.request.url.endswith("/now"):
            self._now(route)
        else:
            self.seen += 1
            route.fulfill(body=PAGE.format(count=self.seen, stamp=self.stamp), content_type="text/html")

    def _now(self, route: Route) -> None:
        given = route.request.headers.get("if-none-match", "")
        self.tags.append(given)
        if self.status == 200 and given == f'"{self.stamp}"':
            route.fulfill(status=304)
        else:
            route.fulfill(status=self.status, json={"stamp": self.stamp}, headers={"ETag": f'"{self.stamp}"'})

    def open(self) -> None:
        """Look at the page."""
        self.page.goto(f"{PLACE}/day")
        expect(self.page.locator("[data-watch][data-ready]")).to_be_attached()

    def asked(self, times: int) -> None:
        """Wait until the page has asked so often."""
        while len(self.tags) < times:
            self.page.wait_for_event("request", lambda request: request.url.endswith("/now"))


@pytest.fixture
def portal(browser: Browser) -> Iterator[Portal]:
    """A page in a browser of its own."""
    context = browser.new_context()
    yield Portal(context.new_page())
    context.close()


def test_it_loads_again_when_something_has_changed(portal: Portal) -> None:
    portal.open()
    portal.asked(3)
    expect(portal.page.locator("h1")).to_have_text("Seen 1")
    assert portal.tags[:3] == ["", '"a"', '"a"']

    portal.stamp = "b"

    expect(portal.page.locator("h1")).to_have_text("Seen 2")


def test_it_does_not_take_away_what_is_being_written(portal: Portal) -> None:
    portal.open()
    portal.page.fill("textarea", "They asked about")
    portal.stamp = "b"

    expect(portal.page.locator("[data-stale]")).to_be_visible()
    expect(portal.page.locator("h1")).to_have_text("Seen 1")
    expect(portal.page.locator("textarea")).to_have_value("They asked about")


def test_it_asks_no_more_when_it_may_not(portal: Portal) -> None:
    portal.status = 403
    portal.open()
    portal.asked(1)
    portal.stamp = "b"

    # Two turns of the clock by which it would have asked again.
    portal.page.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert len(portal.tags) == 1
    expect(portal.page.locator("h1")).to_have_text("Seen 1")


def test_a_page_that_nobody_sees_asks_nothing(portal: Portal) -> None:
    portal.page.add_init_script(
        "let seen = 'hidden'; Object.defineProperty(document, 'visibilityState', {get: () => seen});"
        "window.show = () => { seen = 'visible'; document.dispatchEvent(new Event('visibilitychange')); };"
    )
    portal.open()
    portal.page.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert portal.tags == []

    portal.page.evaluate("window.show()")

    portal.asked(1)
