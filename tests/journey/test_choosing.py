"""The lead's and a reviewer's way from triage to a wave, in a browser, on the demonstration."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journey import preparing
from tests.journey.pages import LIVE
from tests.journey.selecting import choose
from tests.servers import Site, web

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEYS = "1112131121"
YES = KEYS.count("1")


@pytest.fixture
def own_site(demonstration: Path) -> Iterator[Site]:
    """The portal on a copy of the demonstration that nobody else uses; its jobs run when the test says so."""
    with web(preparing.SETTINGS, data=demonstration) as made:
        yield made


def test_the_lead_chooses(own_site: Site, browser: Browser) -> None:
    lead, reviewer = signed_in(own_site, browser, "lead"), signed_in(own_site, browser, "reviewer1")
    with closing(lead.context), closing(reviewer.context):
        triage(lead)
        into_the_review(lead)
        assign(lead)
        review(reviewer)
        lead.goto(staff(own_site, "review/reviewers"))
        lead.get_by_role("button", name="Adjust scores now").click()
        expect(lead.get_by_text("are adjusted anew.")).to_be_visible()
        draft(lead)
        freeze(lead)
        wave(lead)
        preview(lead)
        release(own_site, lead)


def staff(site: Site, path: str) -> str:
    """An address of the challenge's staff area."""
    return f"{site.url}/staff/{LIVE}/{path}"


def signed_in(site: Site, browser: Browser, who: str) -> Page:
    """A page in which one of the demonstration's people has signed in, and looks at the challenge's staff area."""
    page = browser.new_context(locale="en-GB", reduced_motion="reduce").new_page()
    page.goto(f"{site.url}/account/sign-in")
    page.get_by_label("E-mail address").fill(f"{who}@demo.example")
    page.get_by_label("Password").fill(preparing.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Sign in").wait_for(state="detached")
    page.goto(staff(site, ""))
    return page


def go(page: Page, name: str) -> None:
    """Follow an entry of the navigation."""
    page.get_by_role("navigation", name="Staff").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("navigation", name="Staff").locator("[aria-current]")).to_have_text(name)


def triage(lead: Page) -> None:
    """Ten cards by keyboard, one of them said anew."""
    go(lead, "Triage")
    expect(lead.get_by_role("button", name="Begin")).to_be_focused()
    lead.keyboard.press("Enter")
    expect(lead.locator("[data-triage][data-ready]")).to_have_count(1)
    card = lead.locator("[data-triage] [data-card]")
    seen = []
    for key in KEYS:
        expect(card).to_have_count(1)
        seen.append(str(card.get_attribute("data-card")))
        lead.keyboard.press(key)
        expect(lead.locator(f"[data-triage] [data-card='{seen[-1]}']")).to_have_count(0)
    expect(lead.locator("[data-mine]")).to_have_text("10")
    assert len(set(seen)) == 10
    lead.keyboard.press("u")
    expect(card).to_have_attribute("data-card", seen[-1])
    expect(lead.locator("[data-mine]")).to_have_text("9")
    lead.keyboard.press("1")
    expect(lead.locator("[data-mine]")).to_have_text("10")


def into_the_review(lead: Page) -> None:
    """Those of whom the lead said yes go into the review, in one change."""
    go(lead, "Applications")
    lead.get_by_text("More", exact=True).click()
    choose(lead, "Triage", "yes")
    choose(lead, "In the review", "no")
    lead.get_by_role("button", name="Filter").click()
    lead.get_by_role("navigation", name="Show").get_by_role("link", name=f"Submitted {YES}", exact=True).click()
    expect(lead.locator("tbody tr")).to_have_count(YES)
    lead.get_by_label(f"All {YES} that fit").check()
    expect(lead.locator("[data-select-count]")).to_have_text(f"{YES} selected")
    choose(lead, "What to do with the selected", "Put into the review")
    lead.get_by_role("button", name="Apply").click()
    expect(lead.get_by_text(f"Put into the review: done for {YES}.")).to_be_visible()
    expect(lead.locator("tbody tr")).to_have_count(0)


def assign(lead: Page) -> None:
    """Each gets two reviewers."""
    go(lead, "Review")
    lead.get_by_role("link", name="Reviewers").click()
    lead.get_by_role("button", name=f"Assign these {2 * YES}").click()
    expect(lead.get_by_text(f"Assigned: {2 * YES} reviews of {YES} applications.")).to_be_visible()
    expect(lead.get_by_text("Every application in the review has its reviewers.")).to_be_visible()


def review(reviewer: Page) -> None:
    """Two reviews without a mouse."""
    go(reviewer, "Review")
    done = reviewer.locator(".page-head .progress-line .number")
    before = int(done.inner_text().split(" of ")[0])
    for number in (1, 2):
        expect(reviewer.locator("form[data-review][data-ready]")).to_have_count(1)
        name = reviewer.locator(".page-head .reference").inner_text()
        for _ in range(reviewer.locator("[data-criterion]").count()):
            reviewer.keyboard.press("5")
        reviewer.keyboard.press("3")
        reviewer.keyboard.press("Control+Enter")
        expect(reviewer.locator(".page-head .reference")).not_to_have_text(name)
        expect(done).to_have_text(re.compile(f"^{before + number} of "))
        expect(reviewer.get_by_text("Your review is saved.")).to_be_visible()


def draft(lead: Page) -> None:
    """Three places under two limits."""
    go(lead, "Selection")
    lead.get_by_label("Name").fill("In the browser")
    lead.get_by_label("Places to give").fill("3")
    lead.get_by_role("button", name="Make a draft").click()
    expect(lead.locator("h1")).to_contain_text("In the browser")
    for number, (whom, bound) in enumerate((("any one country", "At most"), ("first-timers", "At least")), 1):
        lead.get_by_text("Add a limit").click()
        choose(lead, "Whom", whom)
        lead.get_by_label(bound, exact=True).fill("1")
        lead.get_by_role("button", name="Set the limit").click()
        expect(lead.locator("#limits li")).to_have_count(number)
    lead.locator("#settings").get_by_text("Change").click()
    lead.get_by_label("Those without a score count as 0").check()
    lead.get_by_role("button", name="Save").click()
    expect(lead.get_by_text("Those without a score count as 0, if triage said yes")).to_have_count(2)
    lead.get_by_role("button", name="Solve").click()
    expect(lead.locator("h1 .state")).to_have_text("solved")
    lead.get_by_role("navigation", name="Show").get_by_role("link", name="Taken 3", exact=True).click()
    taken = lead.locator("tbody td[data-label='Country']")
    expect(taken).to_have_count(3)
    countries = taken.all_inner_texts()
    assert len(countries) == len(set(countries)) == 3


def freeze(lead: Page) -> None:
    """The seed of the lottery is shown, and is the one that was promised."""
    promised = lead.locator("#lottery .commit code").inner_text()
    lead.get_by_label("Number of invitations").fill("3")
    lead.get_by_label("Waitlist the next").fill("2")
    lead.get_by_role("button", name="Freeze this draft").click()
    expect(lead.locator("h1 .state")).to_have_text("frozen")
    seed = lead.locator("#lottery .commit code").nth(1).inner_text()
    assert hashlib.sha256(seed.encode()).hexdigest() == promised


def wave(lead: Page) -> None:
    """What was frozen becomes a wave."""
    lead.get_by_role("link", name="Make a wave of it").click()
    lead.get_by_label("Answer by the end of").fill((datetime.now(UTC) + timedelta(days=9)).date().isoformat())
    lead.get_by_role("button", name="Make a wave of these 5").click()
    expect(lead.locator("h1")).to_contain_text("Wave 4")


def preview(lead: Page) -> None:
    """Every mail can be read before it goes."""
    follow(lead.get_by_role("link", name="Read every mail").first)
    while lead.get_by_role("link", name="Previous mail").count():
        follow(lead.get_by_role("link", name="Previous mail"))
    read = [lead.locator(".kv").inner_text()]
    while lead.get_by_role("link", name="Next mail").count():
        follow(lead.get_by_role("link", name="Next mail"))
        read.append(lead.locator(".kv").inner_text())
    assert len(set(read)) == 5
    lead.get_by_role("navigation", name="Above this page").get_by_role("link", name="Wave 4").click()


def follow(link: Locator) -> None:
    """Click on a link, and wait until all of the next page is there: what it lacks is counted, too."""
    with link.page.expect_navigation():
        link.click()


def release(site: Site, lead: Page) -> None:
    """One answer a minute; paused, nobody is told."""
    lead.get_by_text("Change the pace and the hours").click()
    lead.get_by_label(re.compile("a minute")).fill("1")
    lead.get_by_role("button", name="Set the pace").click()
    expect(lead.get_by_text("The pace is set.")).to_be_visible()
    lead.get_by_label("Number of answers").fill("5")
    lead.get_by_role("button", name="Release wave 4").click()
    expect(lead.get_by_text("The wave is going out, some at a time.")).to_be_visible()
    site.flask("worker", "--once")
    told(lead, "releasing", "1 of 5")
    lead.get_by_role("button", name="Pause").click()
    expect(lead.get_by_text("The wave is paused.")).to_be_visible()
    site.flask("worker", "--once")
    told(lead, "paused", "1 of 5")
    lead.get_by_role("button", name="Go on").click()
    expect(lead.get_by_text("The wave goes on.")).to_be_visible()
    told(lead, "releasing", "1 of 5")


def told(lead: Page, state: str, number: str) -> None:
    """How far the wave is."""
    lead.reload()
    expect(lead.locator("h1 .state")).to_have_text(state)
    expect(lead.locator(".progress-line .number")).to_have_text(number)
