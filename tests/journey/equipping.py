"""From the stock to the researcher's word that the kit is there."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.journey.selecting import ADA
from tests.journey.stage import Stage, confirm, link_in

SERIALS = ("PLU-0001", "PLU-0002")
STREET = "1-2-3 Jingumae"


def stock_up(stage: Stage, desk: Page) -> None:
    """Logistics tell what a kit is, and scan two of them."""
    desk.goto(stage.staff("kits"))
    desk.get_by_role("link", name="Add a kit model").first.click()
    for label, value in (
        ("Name", "Pluton board"), ("Revision", "B"), ("Weight in grams", "180"), ("Declared value", "85.00"),
        ("Currency", "USD"),
    ):  # fmt: skip
        desk.get_by_label(label).fill(value)
    desk.get_by_role("button", name="Add the model").click()
    desk.get_by_label("Serial numbers").fill("\n".join(SERIALS))
    desk.get_by_role("textbox", name="Location").fill("Shelf 1")
    desk.get_by_role("button", name="Add to stock").click()
    expect(desk.get_by_text("2 units of Pluton board B are in stock.")).to_be_visible()
    expect(desk.get_by_role("link", name=SERIALS[1])).to_be_visible()


def plan(stage: Stage, desk: Page) -> None:
    """A parcel for whoever has none, and a question where to."""
    desk.goto(stage.staff("shipments"))
    confirm(desk, "Plan 1 parcel", "Plan 1 parcel")
    expect(desk.locator("tbody tr")).to_contain_text(["Ada Tanaka"])
    confirm(desk, "Ask 1 for their address", "Ask 1 participant")
    expect(desk.locator("tbody tr .state")).to_have_text("address requested")


def give_address(stage: Stage, ada: Page) -> None:
    """The researcher follows the mail, and says where the kit shall go."""
    ada.goto(stage.at("/home"))
    expect(ada.locator(".tasks")).to_contain_text("Tell us where to send your kit")
    ada.goto(link_in(stage.mail(ADA, "Where should we send your kit?")))
    for label, value in (
        ("Recipient", "Ada Tanaka"), ("Street address", STREET), ("Postal code", "150-0001"), ("City", "Shibuya-ku"),
        ("Prefecture", "Tokyo"), ("Telephone", "+81 3 1234 5678"),
    ):  # fmt: skip
        ada.get_by_role("textbox", name=label).or_(ada.get_by_role("combobox", name=label)).first.fill(value)
    ada.get_by_role("button", name="Send it there").click()
    expect(ada.get_by_text("The address is kept, sealed.")).to_be_visible()
    expect(ada.locator(".where .state")).to_have_text("address confirmed")
    assert STREET not in ada.content()


def dispatch(stage: Stage, desk: Page) -> None:
    """Logistics open the address for a reason, put a unit in, and send the parcel off."""
    desk.goto(stage.staff("shipments"))
    desk.locator("tbody th a").click()
    expect(desk.get_by_role("link", name="Open the address")).to_be_visible()
    parcel = desk.url
    desk.get_by_role("link", name="Open the address").click()
    desk.get_by_label("Why do you need it?").fill("To print the label")
    desk.get_by_role("button", name="Open the address").click()
    expect(desk.locator("address")).to_contain_text(STREET)
    desk.goto(parcel)
    desk.get_by_label("Serial number").fill(SERIALS[0])
    desk.get_by_role("button", name="Put it in").click()
    expect(desk.get_by_role("link", name=SERIALS[0])).to_be_visible()
    for button, state in (("Mark as ready", "ready"), ("Mark as packed", "packed")):
        desk.get_by_role("button", name=button).click()
        expect(desk.locator("h1 .state")).to_have_text(state)
    desk.get_by_label("Carrier").fill("DHL")
    desk.get_by_label("Tracking number").fill("JD0001")
    desk.get_by_role("button", name="Label it").click()
    expect(desk.locator("h1 .state")).to_have_text("labelled")
    desk.get_by_role("button", name="Hand to the carrier").click()
    expect(desk.locator("h1 .state")).to_have_text("handed over")


def track(desk: Page) -> None:
    """The carrier's news, noted by hand, to the minute."""
    handed_over = datetime.now(UTC)
    for minutes, news, state in ((1, "In transit", "in transit"), (2, "Out for delivery", "out for delivery")):
        desk.get_by_role("combobox", name="What").select_option(label=news)
        desk.get_by_label("When").fill(f"{handed_over + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}")
        desk.get_by_label("Place or words of the carrier").fill("Tokyo")
        desk.get_by_role("button", name="Note it").click()
        expect(desk.locator("h1 .state")).to_have_text(state)


def receive(stage: Stage, ada: Page, desk: Page) -> None:
    """The researcher is told, has it in her hands, and says so."""
    ada.goto(link_in(stage.mail(ADA, "on its way")))
    expect(ada.get_by_text("JD0001")).to_be_visible()
    expect(ada.locator(".where .state")).to_have_text("out for delivery")
    ada.get_by_label("It is here and looks well").check()
    ada.get_by_role("button", name="Tell logistics").first.click()
    expect(ada.get_by_text("Good to know. Enjoy your kit.")).to_be_visible()
    expect(ada.locator(".where .state")).to_have_text("received")
    desk.goto(stage.staff("kits"))
    expect(desk.locator("tr", has_text=SERIALS[0]).locator(".state")).to_have_text("with participant")
    expect(desk.locator("tr", has_text=SERIALS[1]).locator(".state")).to_have_text("in stock")
