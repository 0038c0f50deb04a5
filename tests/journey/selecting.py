"""From the sign-up to a place: applicants, reviewers, the lead."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.journey.stage import PASSWORD, SLUG, TITLE, Stage, link_in, text_of

ADA, BOB = "ada@lab.example", "bob@lab.example"
SCENARIOS = (
    ("H1", "Execute code on Pluton", "high priority", "100,000 USD"),
    ("G1", "Execute unsigned code", "general", "up to 40,000 USD"),
)
EXPERIENCE = "Two years of secure boot, a talk about key ladders."


def prepare(stage: Stage, lead: Page) -> None:
    """The lead adds the scenarios and publishes the agreement of a challenge that an operator has made."""
    for code, title, kind, reward in SCENARIOS:
        lead.goto(stage.staff("settings/scenarios/new"))
        lead.get_by_label("Code").fill(code)
        lead.get_by_label("Title").fill(title)
        choose(lead, "Kind", kind)
        lead.get_by_label("Reward").fill(reward)
        lead.get_by_role("button", name="Add the scenario").click()
        expect(lead.get_by_text(f"Scenario {code} is added.")).to_be_visible()
    lead.goto(stage.staff("settings/agreement"))
    lead.get_by_label("Title").fill("Participation agreement")
    lead.get_by_label("Text").fill("## Rules\n\n1. Research only what is in scope.\n2. Tell nobody before the date.")
    lead.get_by_role("button", name="Publish").click()
    expect(lead.get_by_text("Version 1 is in force")).to_be_visible()


def choose(page: Page, label: str, words: str) -> None:
    """Choose in a list by what it says, or by a part of that."""
    options = page.get_by_label(label).locator("option")
    value = options.filter(has_text=re.compile(re.escape(words), re.I)).first.get_attribute("value")
    page.get_by_label(label).select_option(value)


def sign_up(stage: Stage, email: str, name: str, zone: str) -> Page:
    """A stranger signs up, follows the link of the mail, signs in, and says where they live."""
    page = stage.page()
    page.goto(stage.at("/"))
    page.get_by_role("main").get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label(re.compile("^Password")).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("main")).to_contain_text(email)
    page.goto(link_in(stage.mail(email, "Confirm your address")))
    expect(page.get_by_role("main")).to_contain_text("confirmed")
    if page.get_by_role("button", name="Sign out").count() == 0:
        page.context.close()
        page = stage.sign_in(email)
    page.goto(stage.at("/account/"))
    page.get_by_label("Time zone").select_option(zone)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    return page


def write_draft(stage: Stage, page: Page, name: str) -> None:
    """The applicant begins, leaves, and finds the draft again."""
    page.goto(stage.at(""))
    page.get_by_role("main").get_by_role("link", name="Apply").click()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Country").select_option("JP")
    page.get_by_label("G1 Execute unsigned code").check()
    page.get_by_label("Experience").fill(EXPERIENCE)
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("Your draft is saved.")).to_be_visible()
    page.goto(stage.at("/home"))
    expect(page.get_by_role("main")).to_contain_text("draft")
    page.goto(stage.at("apply"))
    expect(page.get_by_label("Experience")).to_have_value(EXPERIENCE)


def submit(stage: Stage, page: Page, email: str) -> None:
    """The applicant hands the draft in: at first without all that is needed, then whole."""
    page.get_by_label("Research plan").fill("Fuzz the update path, then the boundary to the secure world.")
    page.get_by_label("What you would do with a kit").fill("Trace the boot.")
    for words in ("I am of age", "No export control", "I do not work for", "I have read the rules"):
        page.get_by_label(words).check()
    page.get_by_role("button", name="Submit the application").click()
    expect(page.get_by_text("Your application is with us.")).to_be_visible()
    expect(page.locator("h1 .state")).to_have_text("submitted")
    assert link_in(stage.mail(email, "application")) == stage.at("apply")


def review(stage: Stage, page: Page, comment: str) -> None:
    """A reviewer scores Ada 5 and Bob 2, whoever comes first, with the mouse."""
    for _ in range(2):
        page.goto(stage.staff("review"))
        name = page.locator("h1").inner_text()
        score = "5" if "Ada" in name else "2"
        page.locator("[data-criterion]").get_by_label(score, exact=True).check()
        page.get_by_label("Comment").fill(comment)
        page.get_by_role("button", name="Save, next one").click()
        expect(page.locator("h1")).not_to_have_text(name)
    expect(page.get_by_text("All reviewed")).to_be_visible()


def review_by_keyboard(stage: Stage, page: Page, comment: str) -> None:
    """Another reviewer never touches the mouse."""
    page.goto(stage.staff("review"))
    for _ in range(2):
        expect(page.locator("form[data-review][data-ready]")).to_be_visible()
        name = page.locator("h1").inner_text()
        page.keyboard.press("4" if "Ada" in name else "1")
        page.keyboard.press("c")
        page.keyboard.type(comment)
        page.keyboard.press("Control+Enter")
        expect(page.locator("h1")).not_to_have_text(name)
    expect(page.get_by_text("All reviewed")).to_be_visible()


def decide(stage: Stage, lead: Page) -> None:
    """The lead reads the reviews, means to invite the one and to decline the other, and looks at the wave."""
    lead.goto(stage.staff("applications?sort=-score"))
    rows = lead.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("Ada Tanaka")
    expect(rows.nth(0)).to_contain_text("4.50")
    lead.get_by_role("link", name="Ada Tanaka").click()
    expect(lead.get_by_text("Deep, and she writes well.")).to_be_visible()
    lead.goto(stage.staff("applications?q=Ada"))
    mean(lead, "Mean to invite", all_of_filter=True)
    lead.goto(stage.staff("applications?q=Bob"))
    mean(lead, "Mean to decline", all_of_filter=False)


def mean(lead: Page, verb: str, *, all_of_filter: bool) -> None:
    """Note a decision for the one application that the filter shows."""
    expect(lead.locator("tbody tr")).to_have_count(1)
    box = lead.get_by_label("All 1 that fit") if all_of_filter else lead.get_by_label(re.compile("^Select "))
    box.check()
    expect(lead.locator("[data-select-count]")).to_have_text("1 selected")
    lead.get_by_label("What to do with the selected").select_option(verb)
    lead.get_by_role("button", name="Apply").click()
    expect(lead.get_by_text(f"{verb}: done for 1.")).to_be_visible()


def nothing_told(stage: Stage, page: Page, email: str) -> None:
    """Whatever is meant, the applicant sees what everybody sees who waits."""
    page.goto(stage.at("apply"))
    expect(page.locator("h1 .state")).to_have_text("submitted")
    page.goto(stage.at("invitation"))
    assert page.url == stage.at("apply")
    assert stage.letters(email) == {}


def release(stage: Stage, lead: Page, waiting: Page) -> None:
    """The lead makes a wave, reads what it sends, and releases it; before that nobody knows anything."""
    nothing_told(stage, waiting, ADA)
    lead.goto(stage.staff("waves"))
    day = (datetime.now(UTC) + timedelta(days=9)).date()
    lead.get_by_label("Answer by the end of").fill(day.isoformat())
    lead.get_by_role("button", name="Make a wave of these 2").click()
    preview = lead.locator("section, div").filter(has=lead.get_by_role("heading", name="What is sent")).last
    expect(preview).to_contain_text(ADA)
    expect(preview).to_contain_text(f"there is a place for you in {TITLE}")
    expect(preview).to_contain_text(BOB)
    nothing_told(stage, waiting, ADA)
    lead.get_by_label("Number of answers").fill("2")
    lead.get_by_role("button", name="Release wave 1").click()
    expect(lead.get_by_text(re.compile("The wave is (going )?out"))).to_be_visible()


def accept(stage: Stage, page: Page) -> None:
    """The invited reads the mail, signs the agreement with the name, and has a place."""
    mail = stage.mail(ADA, "your place in")
    assert "08:59 JST" in text_of(mail)  # the last minute of a day in UTC, on her clock
    page.goto(link_in(mail))
    expect(page.get_by_text("Research only what is in scope.")).to_be_visible()
    page.get_by_label("Your full name, as a signature").fill("Ada Tanaka")
    page.get_by_role("button", name="Sign and accept the place").click()
    expect(page.get_by_text(f"Welcome to {TITLE}. You have a place.")).to_be_visible()
    page.goto(stage.at("agreement"))
    expect(page.get_by_text("As Ada Tanaka")).to_be_visible()
    receipt = page.request.get(stage.at("agreement/receipt.json")).json()
    assert (receipt["typed_name"], receipt["version"], receipt["challenge"]) == ("Ada Tanaka", 1, SLUG)


def declined(stage: Stage, page: Page) -> None:
    """The other one is told too, and sees nothing of what is for participants."""
    stage.mail(BOB, "our answer")
    page.goto(stage.at("apply"))
    expect(page.locator("h1 .state")).to_have_text("declined")
