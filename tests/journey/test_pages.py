"""Every type of page, as the right person sees it, in both themes, wide and narrow.

PORTAL_SHOTS=FOLDER keeps a picture of each.
"""

import gzip
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize

from portal.factory import create_app
from tests.journey import preparing
from tests.journey.pages import NO_PAGES, PAGES, Kind
from tests.servers import Site, web

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Theme = Literal["light", "dark"]
WIDE, NARROW = ViewportSize(width=1280, height=800), ViewportSize(width=320, height=700)
MOST = 60_000
# What a page gets before it is asked: axe, and what makes axe quicker.
READY = f"() => {{\n{Axe().axe_script}\n{Path(__file__).with_name('looks.js').read_text()}}}"
MANY = 16
RULES: dict[Theme, dict[str, Any]] = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # The document is the same but for its colours.
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# What a page is called, and each page above it that has its name.
NAMES = """() => {
  const [above, own] = [".crumbs li", ".page-head .reference"].map(
    at => [...document.querySelectorAll(at)].map(each => each.innerText));
  return { title: document.title, repeated: own.filter(name => above.includes(name)) };
}"""


def groups() -> Iterator[Any]:
    """Who sees which pages: so many at a time that no test is much longer than others."""
    for who in sorted({kind.who for kind in PAGES}):
        own = [kind for kind in PAGES if kind.who == who]
        for begin in range(0, len(own), MANY):
            yield pytest.param(who, own[begin : begin + MANY], id=f"{who}-{begin // MANY + 1}")


class Document(HTMLParser):
    """What the policy forbids in a document, and ids that stand there twice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self.headings = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        told = dict(attrs)
        self.headings += tag == "h1"
        if tag == "style" or (tag == "script" and "src" not in told):
            self.faults.append(f"inline <{tag}>")
        self.faults += [f"{name} in <{tag}>" for name in told if name == "style" or name.startswith("on")]
        number = told.get("id")
        if number in self.ids:
            self.faults.append(f"twice the id {number}")
        self.ids.add(number or "")
        self.ids.discard("")


@pytest.fixture(scope="session")
def site(demonstration: Path) -> Iterator[Site]:
    """The portal on a copy of that."""
    with web(preparing.SETTINGS, data=demonstration) as made:
        yield made


@pytest.fixture(scope="session")
def words(site: Site) -> dict[str, str]:
    """What stands for the words in braces."""
    told: dict[str, str] = json.loads((site.data / "words.json").read_text())
    return told


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """Where all look at their pages: opening another one for each takes as long as several pages."""
    context = browser.new_context(viewport=WIDE, locale="en-GB", reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def page(site: Site, window: Page, words: dict[str, str], who: str) -> Page:
    """A page in which somebody is signed in, or as far as the password gets them."""
    window.context.clear_cookies()
    if who:
        asking, address = window.context.request, f"{site.url}/account/sign-in"
        (token,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', asking.get(address).text())[:1]
        told = {"email": f"{who.format(**words)}@demo.example", "password": preparing.PASSWORD, "csrf_token": token}
        assert asking.post(address, form=told, max_redirects=0).status == 302
    return window


@pytest.mark.parametrize(("who", "kinds"), list(groups()))
def test_every_page_is_sound(page: Page, site: Site, words: dict[str, str], kinds: list[Kind]) -> None:
    faults: list[str] = []
    for kind in kinds:
        found = faults_of(page, kind, f"{site.url}{kind.path.format(**words)}")
        faults += [f"{kind.name}: {fault}" for fault in found]

    assert not faults, "\n".join(faults)


def faults_of(page: Page, kind: Kind, address: str) -> list[str]:
    """What is wrong with a page, which is loaded once and changes its colours as it stands."""
    told: list[str] = []
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    listen: dict[Any, Any] = {
        "console": lambda message: told.append(message.text) if message.type in ("error", "warning") else None,
        "pageerror": lambda error: told.append(str(error)),
    }
    for event, listener in listen.items():
        page.on(event, listener)
    answer = page.goto(address, wait_until="load")
    assert answer
    # Scripts make this button ready, and its colours are not measured while they change.
    page.locator("#seal-send:disabled").wait_for(state="detached")
    body, names = answer.body(), page.evaluate(NAMES)
    html = Document(body.decode())
    if kind.endpoint == "error":
        told = [text for text in told if not text.startswith("Failed to load resource")]
    elif answer.status != 200 or page.url != address:
        told.append(f"answered {answer.status} at {page.url}")
    if html.headings != 1 or not names["title"].strip():
        told.append(f"{html.headings} h1, title “{names['title']}”")
    size = len(gzip.compress(body))
    told += [f"{size} bytes of HTML"] if size > MOST else []
    told += [f"“{name}” stands above the title and again under it" for name in names["repeated"]]
    for event, listener in listen.items():
        page.remove_listener(event, listener)  # axe sets styles of its own
    page.evaluate(READY)
    told += html.faults
    for theme in RULES:
        page.emulate_media(color_scheme=theme)
        told += [f"{theme}: {fault}" for fault in serious(page, theme)]
        picture(page, f"{kind.name}-{theme}")
    return told + too_wide(page)


def serious(page: Page, theme: Theme) -> list[str]:
    """What axe finds that keeps people out."""
    asked = {"preload": False, "resultTypes": ["violations"], "runOnly": RULES[theme]}
    found = page.evaluate("options => broken(options)", asked)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in ("serious", "critical")
    ]


def too_wide(page: Page) -> list[str]:
    """What sticks out of a narrow page."""
    page.set_viewport_size(NARROW)
    over = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    return [f"{over} px wider than 320"] if over > 0 else []


def picture(page: Page, name: str) -> None:
    """Keep two pictures, if somebody wants to look."""
    folder = os.environ.get("PORTAL_SHOTS")
    for size in (NARROW, WIDE) if folder else ():
        page.set_viewport_size(size)
        page.screenshot(path=f"{folder}/{name}{size['width']}.png", full_page=True)


def test_every_address_is_shown_or_is_no_page(demonstration: Path) -> None:
    app: Flask = create_app({**preparing.SETTINGS, "PORTAL_DATA": str(demonstration), "PORTAL_SECRET_KEY": "x" * 40})
    answering = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    shown = {kind.endpoint for kind in PAGES} - {"error"}

    # By its name each has pictures of its own.
    assert len({kind.name for kind in PAGES}) == len(PAGES)
    assert shown.isdisjoint(NO_PAGES)
    assert answering == shown | set(NO_PAGES)
