"""Reviewing by keys in a real browser, and a draft that outlives its tab."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.selection.models import Endorsement, Review
from tests.faults.stage import Stage, staged
from tests.selection.conftest import STAFF, Bench


def ready(page: Page) -> Page:
    """The page once it listens to keys."""
    expect(page.locator("form[data-review][data-ready]")).to_be_visible()
    return page


@dataclass
class Desk:
    """The portal as it runs, with a rubric and applications."""

    stage: Stage
    browser: Browser

    def enter(self, account: Account) -> BrowserContext:
        """Somebody's browser, signed in."""
        context = self.browser.new_context()
        for name, value in self.stage.behind.cookies(account).items():
            context.add_cookies([{"name": name, "value": value, "url": self.stage.site.url}])
        return context

    def open(self, context: BrowserContext, path: str) -> Page:
        """A page of the staff."""
        page = context.new_page()
        page.goto(f"{self.stage.site.url}{STAFF}{path}")
        return ready(page)

    def reviews(self) -> list[tuple[str, float, int, str]]:
        """What is saved: of whom, score, confidence, comment."""
        query = (
            sa.select(Application.name, Review.score, Review.confidence, Review.comment)
            .join(Review, Review.application_id == Application.id)
            .order_by(Review.id)
        )
        return [tuple(row) for row in self.stage.behind.read(lambda s: s.execute(query).all())]

    def agreeing(self) -> int:
        """How many agreements are saved."""
        query = sa.select(sa.func.count()).select_from(Endorsement)
        return int(self.stage.behind.read(lambda s: s.execute(query).scalar_one()))


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    with staged("sqlite", tmp_path, {"PORTAL_DEMONSTRATION": "1"}) as stage:
        with stage.behind.session() as session:
            bench = Bench(session, stage.cast)
            asked = bench.rubric(Plan=1, Skill=1)
            crowd = bench.crowd(["First", "Second"])
            bench.review(crowd[1], stage.cast.second_reviewer, dict.fromkeys(asked.values(), 4), "Take it.")
        yield Desk(stage, browser)
        for context in browser.contexts:
            context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_review_without_the_mouse(desk: Desk) -> None:
    page = desk.open(desk.enter(desk.stage.cast.reviewer), "/review")
    expect(page.locator("h1")).to_have_text("First")

    for key in ("4", "3", "3", "c"):
        page.keyboard.press(key)
    page.keyboard.type("5 words are typed, not scored")
    page.keyboard.press("Control+Enter")

    expect(page.locator("h1")).to_have_text("Second")
    ready(page)
    assert desk.reviews()[1:] == [("First", 3.5, 3, "5 words are typed, not scored")]
    page.keyboard.press("s")
    expect(page.get_by_text("One is left")).to_be_visible()


@pytest.mark.browser
@pytest.mark.slow
def test_agreeing_by_one_key_and_taking_it_back(desk: Desk) -> None:
    context = desk.enter(desk.stage.cast.reviewer)
    page = desk.open(context, "/applications/2")
    for key in ("2", "2"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Save the review").click()
    expect(page.get_by_role("button", name="I agree · 0")).to_be_visible()

    ready(page)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="You agree · 1")).to_be_visible()
    assert desk.agreeing() == 1
    ready(page)
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="I agree · 0")).to_be_visible()
    assert desk.agreeing() == 0


@pytest.mark.browser
@pytest.mark.slow
def test_what_was_typed_survives_the_tab_until_it_is_saved(desk: Desk) -> None:
    context = desk.enter(desk.stage.cast.reviewer)
    page = desk.open(context, "/review")
    page.keyboard.press("5")
    page.get_by_label("Comment").fill("half a thought")
    page.close()

    again = desk.open(context, "/review")
    expect(again.get_by_label("Comment")).to_have_value("half a thought")
    expect(again.get_by_text("it is not saved yet")).to_be_visible()
    expect(again.locator("input:checked").first).to_have_value("5")
    again.keyboard.press("1")
    again.keyboard.press("Control+Enter")
    expect(again.locator("h1")).to_have_text("Second")
    assert desk.reviews()[1][0] == "First"
    expect(again.get_by_label("Comment")).to_have_value("")
    # What is saved is not offered again.
    saved = desk.open(context, "/applications/1")
    expect(saved.get_by_label("Comment")).to_have_value("half a thought")
    expect(saved.locator("[data-draft-told]")).to_be_hidden()
