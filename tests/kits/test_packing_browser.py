"""Twenty kits packed as a hand scanner types them: codes and Enter, without waiting for anybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy.orm import Session

from portal.core.db import Model, db, set_reading
from portal.factory import create_app
from portal.kits import actions, queries, states
from portal.kits.actions import Given, KitSpec
from portal.kits.models import PackingScan, PackingStation, Shipment, ShipmentUnit, Unit
from portal.kits.postal import Address
from portal.kits.states import ShipmentState, UnitState
from portal.kits.vault import Vault
from tests.cast import Cast, make_account, make_cast, make_participant, sign_in
from tests.kits.conftest import BERLIN, SPEC
from tests.servers import Site, web

pytestmark = pytest.mark.browser

# Tests share one portal, and each packs parcels that no other has packed.
KITS, MORE = 20, 14
PACK = "/staff/test-challenge/shipments/pack"
LABELS = "/staff/test-challenge/shipments/bench/labels"
LONG = Address(
    country="GS", recipient="W" * 80, company="M" * 80, street="\n".join(["@" * 9] * 20), city="W" * 80,
    region="M" * 80, postal_code="W" * 20, phone="+123456789012345",
)  # fmt: skip
LONG_WORDS = Address(
    country="GS", recipient="Wilhelmina " * 7, company="Manufaktur " * 7, street="Many words make a street " * 7,
    city="Llanfairpwllgwyngyll " * 3, region="Mecklenburg-Vorpommern " * 3, postal_code="WW99 9WW",
    phone="+123456789012345",
)  # fmt: skip


@dataclass
class Place:
    """The portal as it runs, with parcels at the bench, and a browser in which logistics is signed in."""

    site: Site
    app: Flask
    context: BrowserContext
    cookies: list[Any]
    since: int = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The database behind the site."""
        with self.app.app_context():
            set_reading(False)
            yield db.session
            db.session.rollback()
            db.session.remove()
            db.engine.dispose()

    def parcels(self) -> list[tuple[int, str]]:
        """The parcels that are ready, with the serial number of what is in each."""
        with self.session() as session:
            rows = session.execute(
                sa.select(Shipment.id, Unit.serial)
                .join(ShipmentUnit, ShipmentUnit.shipment_id == Shipment.id)
                .join(Unit, Unit.id == ShipmentUnit.unit_id)
                .where(Shipment.state == ShipmentState.READY, ShipmentUnit.live)
                .order_by(Shipment.id)
            )
            return [(number, serial) for number, serial in rows]

    def spare(self) -> str:
        """The serial number of a unit that is free."""
        with self.session() as session:
            free = sa.select(Unit.serial).where(Unit.state == UnitState.IN_STOCK, Unit.serial.startswith("SPARE"))
            return session.scalars(free.order_by(Unit.serial).limit(1)).one()

    def results(self) -> list[str]:
        """What every scan of this test came to, in their order."""
        rows = sa.select(PackingScan.result).where(PackingScan.id > self.since).order_by(PackingScan.id)
        with self.session() as session:
            return [str(result) for result in session.scalars(rows)]

    def states(self, ids: list[int]) -> set[ShipmentState]:
        """The states of parcels."""
        with self.session() as session:
            return set(session.scalars(sa.select(Shipment.state).where(Shipment.id.in_(ids))))


def lay_out(session: Session, cast: Cast, vault: Vault) -> None:
    """Parcels that are ready with units that nobody has had in hand; spare units, and one that is faulty."""
    at, by = datetime.now(UTC), cast.logistics.id
    model = actions.add_model(session, cast.challenge, SPEC, by=by, at=at)
    serials = [f"KIT-{number:03}" for number in range(KITS + MORE)]
    units = actions.add_units(
        session, cast.challenge, model, "\n".join([*serials, "SPARE-1", "SPARE-2", "FAULTY-1"]), location="A",
        firmware="", by=by, at=at,
    )  # fmt: skip
    actions.move_unit(session, units[-1], states.FAULT, scope=cast.slug, by=by, at=at)
    for number, unit in enumerate(units[:-3]):
        participant = make_participant(session, cast.challenge, make_account(session, f"Person {number:02}"))
        address = {0: LONG, 1: LONG_WORDS}.get(number, BERLIN)
        actions.give_address(session, participant.members[0], address, doubtful=False, vault=vault, at=at)
        [planned] = actions.plan(session, cast.challenge, [participant], by=by, at=at)
        parcel = queries.shipment(session, cast.challenge.id, planned.id)
        actions.assign_unit(session, parcel, unit, by=by, at=at)
        actions.advance(session, parcel, states.READY, Given(), by=by, at=at)
    cable = actions.add_model(
        session, cast.challenge, KitSpec("Cable", "", 9, SPEC.declared_value, "USD", per_place=0), by=by, at=at
    )
    actions.add_units(session, cast.challenge, cable, "CABLE-1", location="", firmware="", by=by, at=at)
    session.execute(sa.update(ShipmentUnit).values(scanned_at=None))


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Site, Flask, list[Any]]]:
    """The portal with its parcels, and the cookies of logistics."""
    with web({"PORTAL_TESTING": "1"}, migrate=False) as site:
        app = create_app(site.environ)
        with app.app_context():
            set_reading(False)
            Model.metadata.create_all(db.engine)
            cast = make_cast(db.session)
            lay_out(db.session, cast, Vault(site.environ["PORTAL_SECRET_KEY"]))
            db.session.commit()
            client = app.test_client()
            sign_in(client, cast.logistics)
            name = app.config["SESSION_COOKIE_NAME"]
            cookie = client.get_cookie(name)
            assert cookie
            cookies = [{"name": name, "value": cookie.value, "url": site.url}]
            db.session.remove()
            db.engine.dispose()
        yield site, app, cookies


@pytest.fixture
def place(browser: Browser, opened: tuple[Site, Flask, list[Any]]) -> Iterator[Place]:
    """The portal with nothing open at the bench, and a browser of its own."""
    site, app, cookies = opened
    context = browser.new_context()
    context.add_cookies(cookies)
    made = Place(site, app, context, cookies)
    with made.session() as session:
        session.execute(sa.update(PackingStation).values(shipment_id=None, since=None, asked_id=None, asked_at=None))
        made.since = session.scalars(sa.select(sa.func.max(PackingScan.id))).one() or 0
        session.commit()
    yield made
    context.close()


def bench_page(place: Place) -> Page:
    """The packing page, ready."""
    page = place.context.new_page()
    page.goto(place.site.url + PACK)
    expect(page.locator("[data-scanner][data-ready]")).to_be_attached()
    expect(page.locator("#code")).to_be_focused()
    return page


def shoot(page: Page, *codes: str) -> None:
    """What the scanner types, as fast as keys can be sent."""
    page.keyboard.type("".join(f"{code}\n" for code in codes))


def drained(page: Page) -> None:
    """Wait until the portal has answered every scan."""
    expect(page.locator("[data-scanner]")).to_have_attribute("data-waiting", "0", timeout=60_000)


def test_twenty_kits_by_scanner_with_wrong_scans_between_them(place: Place) -> None:
    parcels = place.parcels()
    chosen, stranger = parcels[:KITS], parcels[-1][1]
    codes, expected = [], []
    for number, (parcel, serial) in enumerate(chosen):
        slip = f"S-{parcel}" if number % 2 else f"{place.site.url}{PACK}/{parcel}"
        for code, result in (
            (slip, "opened"),
            *([("XYZ-1", "unknown")] if number % 5 == 0 else []),
            *([("FAULTY-1", "gone"), (stranger, "elsewhere")] if number % 5 == 1 else []),
            *([("CABLE-1", "wrong_model"), ("S-9999", "unknown")] if number % 5 == 2 else []),
            *([("https://example.org/x", "foreign"), ("", "incomplete")] if number % 5 == 3 else []),
            (serial, "checked"),
            *([(serial, "again")] if number % 5 == 4 else []),
            *([(place.spare(), "too_many")] if number == 7 else []),
        ):
            codes.append(code)
            expected.append(result)
    page = bench_page(place)

    shoot(page, *codes, "")
    drained(page)

    assert place.results() == [*expected, "packed"]
    assert place.states([parcel for parcel, _ in chosen]) == {ShipmentState.PACKED}
    assert place.states([parcel for parcel, _ in parcels[KITS:]]) == {ShipmentState.READY}
    expect(page.locator("#result")).to_have_text(f"✓ Right S-{chosen[-1][0]} is packed. Scan the next slip.")
    expect(page.locator("#code")).to_have_value("")
    expect(page.locator("#code")).to_be_focused()
    page.reload()
    expect(page.locator("#result")).to_contain_text("is packed")


def test_a_wrong_scan_is_told_by_more_than_its_colour_and_the_buttons_work(place: Place) -> None:
    (first, serial), (second, _), *_ = place.parcels()
    spare, page = place.spare(), bench_page(place)

    shoot(page, f"S-{first}", "FAULTY-1")
    expect(page.locator("#result")).to_have_text("✕ Wrong FAULTY-1 is faulty. Put it aside and take another one.")
    shoot(page, spare)
    expect(page.locator("#result")).to_contain_text(f"{spare} goes into S-{first} instead of {serial}")
    page.get_by_role("button", name=f"Take back {spare}").click()
    expect(page.locator("#result")).to_contain_text(f"{spare} is back in stock")
    shoot(page, f"S-{second}")
    expect(page.locator("#result")).to_contain_text(f"? A question S-{first} is incomplete: it lacks {serial}.")
    page.get_by_role("button", name=f"Go on with S-{second}").click()
    expect(page.locator("#open-title")).to_have_text(f"S-{second}")
    page.get_by_role("button", name="Put aside").click()
    expect(page.locator("#open-title")).to_be_hidden()
    page.get_by_role("button", name="Sounds are off").click()
    expect(page.get_by_role("button", name="Sounds are on")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#code")).to_be_focused()
    page.locator("h1").click()  # the focus is nowhere
    shoot(page, f"S-{first}", serial, "")
    expect(page.locator("#result")).to_contain_text(f"S-{first} is packed.")


def test_scans_wait_while_the_portal_is_away_and_go_in_their_order(place: Place) -> None:
    parcels = place.parcels()[:3]
    codes = [code for parcel, serial in parcels for code in (f"S-{parcel}", serial)]
    page = bench_page(place)
    place.context.set_offline(True)

    shoot(page, *codes)

    told = page.locator("[data-waiting]").first
    expect(page.get_by_text("6 scans wait, kept on this device. Go on scanning.")).to_be_visible()
    expect(told).to_have_attribute("data-waiting", "6")
    assert place.results() == []
    place.context.set_offline(False)
    shoot(page, "")
    drained(page)
    assert place.results() == ["opened", "checked"] * 3 + ["packed"]
    assert place.states([parcel for parcel, _ in parcels]) == {ShipmentState.PACKED}


def test_a_scan_whose_answer_was_lost_counts_once(place: Place) -> None:
    (parcel, _), *_ = place.parcels()
    page = bench_page(place)
    shoot(page, f"S-{parcel}")
    drained(page)
    lost = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and len(lost) < 2:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route(f"**{PACK}", lose)
    shoot(page, place.spare(), "")
    drained(page)

    assert lost == [200, 200]
    assert place.results() == ["opened", "swapped", "packed"]
    expect(page.locator("#result")).to_contain_text(f"S-{parcel} is packed.")


def test_what_was_scanned_is_sent_after_a_reload(place: Place) -> None:
    (parcel, serial), *_ = place.parcels()
    page = bench_page(place)
    page.route(f"**{PACK}", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    shoot(page, f"S-{parcel}", serial, "")
    expect(page.get_by_text("3 scans wait, kept on this device.")).to_be_visible()
    page.unroute_all(behavior="wait")

    page.reload()
    drained(page)

    assert place.results() == ["opened", "checked", "packed"]


def test_without_javascript_each_scan_is_a_form(place: Place, browser: Browser) -> None:
    parcels = place.parcels()[:3]
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    context.add_cookies(place.cookies)
    page = context.new_page()
    page.goto(place.site.url + PACK)

    def scan(code: str, words: str) -> None:
        # Without scripts the browser itself puts the focus there.
        page.locator("#code").press_sequentially(code)
        with page.expect_navigation():
            page.locator("#code").press("Enter")
        expect(page.locator("#result")).to_contain_text(words)

    for parcel, serial in parcels:
        scan(f"S-{parcel}", f"S-{parcel} to Person")
        scan("XYZ-1", "There is no unit “XYZ-1” in the stock.")
        scan(serial, "It is complete")
    with page.expect_navigation():
        page.get_by_role("button", name=f"Mark S-{parcels[-1][0]} as packed").click()
    expect(page.locator("#result")).to_contain_text("is packed")
    context.close()

    assert place.results() == ["opened", "unknown", "checked"] * 3 + ["packed"]
    assert place.states([parcel for parcel, _ in parcels]) == {ShipmentState.PACKED}


# What of a label sticks out of it, or out of the space within its padding.
STICKS_OUT = """labels => labels.flatMap((label, at) => {
  const style = getComputedStyle(label), frame = label.getBoundingClientRect();
  const right = frame.right - parseFloat(style.paddingRight), bottom = frame.bottom - parseFloat(style.paddingBottom);
  return [...label.querySelectorAll("address span, .code, .reference")].flatMap((part) => {
    const box = part.getBoundingClientRect();
    const out = box.right > right + 1 || box.bottom > bottom + 1 || part.scrollWidth > part.clientWidth + 1;
    return out && part.clientWidth ? [`${at}: ${part.className || part.textContent.slice(0, 20)}`] : [];
  });
})"""


@pytest.mark.parametrize("paper", ["a4", "letter", "single"])
def test_the_longest_address_fits_on_a_label_and_is_all_there(place: Place, paper: str) -> None:
    with place.session() as session:
        ids = session.scalars(sa.select(Shipment.id).order_by(Shipment.id).limit(12)).all()
    page = place.context.new_page()
    page.goto(f"{place.site.url}{LABELS}?{'&'.join(f'parcel={number}' for number in ids)}")
    page.get_by_label("Labels").select_option(paper)
    page.get_by_label("Why do you need them?").fill("the labels")
    page.get_by_role("button", name="Open and print 12 addresses").click()
    page.emulate_media(media="print", color_scheme="dark")

    labels = page.locator(".label")
    expect(labels).to_have_count(12)
    page.wait_for_load_state()  # with its styles, which are measured
    assert labels.evaluate_all(STICKS_OUT) == []
    text = labels.nth(0).inner_text()
    for part in (LONG.recipient, LONG.company, LONG.city, LONG.region, LONG.postal_code, LONG.phone):
        assert part in text
    assert text.count("@") == 180
    assert "SOUTH GEORGIA" in text
    assert page.evaluate("getComputedStyle(document.documentElement).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
