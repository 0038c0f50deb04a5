"""The money and the end: an award on four eyes and its payment, and results counted from what has happened here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, expect

from tests.journey.stage import SLUG, Stage, confirm

AMOUNT, WORKING = "$48,000", "40,000 × 1.2 = 48,000"


def publish_rules(stage: Stage, lead: Page) -> None:
    """The lead says what a report is worth."""
    lead.goto(stage.staff("awards/rules"))
    lead.get_by_label("Critical, high quality").fill("40000")
    lead.get_by_label("Critical, medium quality").fill("20000")
    lead.get_by_label("Critical, general scenario, per cent").fill("20")
    lead.get_by_role("button", name="Publish version 1").click()
    expect(lead.get_by_text("Version 1 of the bounty rules is in force.")).to_be_visible()


def propose(stage: Stage, triager: Page, ref: str) -> str:
    """A triager proposes; the calculator shows its working. The address of the award."""
    triager.goto(stage.staff(f"awards/new?report={ref}"))
    expect(triager.locator("tr", has_text="High")).to_contain_text(WORKING)
    triager.get_by_label("High", exact=True).check()
    triager.get_by_role("button", name="Propose it").click()
    expect(triager.get_by_text("is proposed. Somebody else approves it.")).to_be_visible()
    expect(triager.get_by_text("You proposed it. Somebody else approves or rejects it.")).to_be_visible()
    expect(triager.get_by_role("button", name="Approve")).to_have_count(0)
    return triager.url


def approve(stage: Stage, second: Page, award: str) -> None:
    """Another triager finds it in the list, and approves it."""
    second.goto(stage.staff("awards"))
    second.locator("tbody tr a").first.click()
    expect(second).to_have_url(award)
    expect(second.locator(".working")).to_contain_text(WORKING)
    second.get_by_role("button", name="Approve").click()
    expect(second.locator("h1 .state")).to_have_text("approved")


def pay(stage: Stage, finance: Page, award: str, ref: str) -> None:
    """Finance pays, and sees nothing of the report."""
    finance.goto(award)
    finance.get_by_role("button", name="Mark as sent").click()
    expect(finance.locator("#payments .state")).to_have_text("sent")
    finance.get_by_role("textbox", name="Payment reference").fill("SEPA-1")
    finance.get_by_role("button", name="Mark as paid").click()
    expect(finance.locator("#payments .state")).to_have_text("paid")
    answer = finance.request.get(stage.staff(f"reports/{ref}"))
    assert answer.status == 403


def told(stage: Stage, ada: Page) -> None:
    """The researcher sees her award."""
    ada.goto(stage.at("awards"))
    expect(ada.get_by_role("main")).to_contain_text(AMOUNT)
    expect(ada.locator("main .state").first).to_have_text("paid")


def not_yet(stage: Stage) -> None:
    """Before they are released nobody gets any figure."""
    anybody = stage.page().request
    for path in ("results", "results.json"):
        answer = anybody.get(stage.at(path))
        assert answer.status == 404
        assert "48" not in answer.text()


def finish(stage: Stage, lead: Page, second: Page) -> None:
    """The lead ends the challenge and proposes to release its results; another lead confirms it."""
    not_yet(stage)
    now = datetime.now(UTC)
    lead.goto(stage.staff("settings"))
    lead.get_by_label("Applications close").fill(f"{now + timedelta(minutes=1):%Y-%m-%dT%H:%M}")
    lead.get_by_label("Last day of research").fill((now - timedelta(days=1)).date().isoformat())
    lead.get_by_role("button", name="Save").click()
    expect(lead.get_by_text("Saved.")).to_be_visible()
    lead.goto(stage.staff("results"))
    lead.get_by_role("button", name="Propose the release").click()
    expect(lead.get_by_text("Somebody else confirms it: another lead, or an admin.")).to_be_visible()
    not_yet(stage)
    second.goto(stage.staff("results"))
    confirm(second, "Confirm the release", "Confirm the release")
    expect(second.get_by_text("The results are released.")).to_be_visible()


def figures(stage: Stage) -> None:
    """What everybody reads is what has happened: two applied, one took part, two reports, one award."""
    page = stage.page()
    page.goto(stage.at("results"))
    shown = page.locator("dl.figures").first
    for words in (AMOUNT, "1 led to improvements", "from 1 country, 2 applied", "1 of 2", "G1"):
        expect(shown).to_contain_text(words)
    told = page.request.get(stage.at("results.json")).json()
    expected: dict[str, Any] = {
        "challenge": SLUG, "applications": 2, "participants": 1, "countries": 1, "submissions": 2, "improvements": 1,
        "critical_or_important": 1, "eligible": 1, "by_design": 1, "scenarios_achieved": ["G1"],
        "awarded": {"amount": "48000.00", "currency": "USD", "max": "48000.00", "min": "48000.00"},
        "median_days_to_fix": 0,
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected
    assert sum(told["by_outcome"].values()) == 2
