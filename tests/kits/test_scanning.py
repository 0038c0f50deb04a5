"""Units under a hand scanner: each once, whatever happens on the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid
from portal.kits import actions
from portal.kits.actions import intake, reservations
from portal.kits.models import KitModel, Unit
from tests.cast import NOON, Cast, sign_in
from tests.faults.stage import Stage, staged
from tests.kits.conftest import Bench

SITTING = "0123456789abcdef"
SCAN = "/staff/test-challenge/kits/scan"
JSON = {"Accept": "application/json"}


@pytest.fixture
def model(session: Session, bench: Bench) -> KitModel:
    """A kind of kit."""
    made = bench.model()
    session.commit()
    return made


def scanned(model: KitModel, serial: str, **changes: Any) -> dict[str, Any]:
    return {
        "serial": serial, "model": model.id, "location": "Shelf 2", "firmware": "20.07", "sitting": SITTING, **changes,
    }  # fmt: skip


def serials(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(sa.select(Unit.serial).order_by(Unit.id)))


def scan_in(session: Session, cast: Cast, model: KitModel, serial: str, sitting: str = SITTING) -> Unit:
    return intake.scan_in(
        session, cast.challenge, model, serial, location="", firmware="", sitting=sitting, by=cast.logistics.id, at=NOON
    )


def test_a_scan_adds_a_unit_at_once(client: FlaskClient, session: Session, cast: Cast, model: KitModel) -> None:
    sign_in(client, cast.logistics)
    answer = client.post(SCAN, data=scanned(model, " KIT-1 "))

    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "KIT-1 is in stock" in page
    assert "1 unit in this sitting" in page
    assert 'value="Shelf 2"' in page
    assert f'value="{SITTING}"' in page
    assert "autofocus" in page
    unit = session.scalars(sa.select(Unit)).one()
    assert (unit.serial, unit.model_id, unit.location, unit.firmware) == ("KIT-1", model.id, "Shelf 2", "20.07")
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:scan-in")).one()
    assert (entry.actor_id, entry.detail["after"]["serial"]) == (cast.logistics.id, "KIT-1")


def test_a_double_scan_is_told_and_adds_nothing(
    client: FlaskClient, session: Session, cast: Cast, model: KitModel
) -> None:
    sign_in(client, cast.logistics)
    client.post(SCAN, data=scanned(model, "KIT-1"))
    again = client.post(SCAN, data=scanned(model, "KIT-1"))

    assert again.status_code == 422
    assert "KIT-1 was added in this sitting already. It is there once." in again.text
    elsewhere = client.post(SCAN, data=scanned(model, "KIT-1", sitting="f" * 16))
    assert "KIT-1 is known already: RDB 2, in stock, Shelf 2." in elsewhere.text
    assert serials(session) == ["KIT-1"]


@pytest.mark.parametrize(("serial", "told"), [
    ("K?", "“K?” is no serial number"), ("", "There is no serial number"), ("A" * 65, "is no serial number"),
    ("KIT-1 KIT-2", "“KIT-1 KIT-2” is no serial number"), ("=cmd()", "“=cmd()” is no serial number"),
])  # fmt: skip
def test_what_is_no_serial_number_is_told_and_the_field_is_free_again(
    client: FlaskClient, session: Session, cast: Cast, model: KitModel, serial: str, told: str
) -> None:
    sign_in(client, cast.logistics)
    answer = client.post(SCAN, data=scanned(model, serial))

    assert (answer.status_code, told in answer.text) == (422, True)
    assert 'name="serial" spellcheck="false" type="text" value=""' in answer.text
    assert 'value="Shelf 2"' in answer.text
    assert serials(session) == []


def test_a_model_that_is_not_there_any_more_loses_nothing(
    client: FlaskClient, session: Session, cast: Cast, model: KitModel
) -> None:
    sign_in(client, cast.logistics)
    answer = client.post(SCAN, data={**scanned(model, "KIT-1"), "model": 99})
    assert (answer.status_code, "KIT-1 is not added. Kit model:" in answer.text) == (422, True)
    long = client.post(SCAN, data=scanned(model, "KIT-1", location="x" * 81))
    assert (long.status_code, "KIT-1 is not added. Location:" in long.text) == (422, True)
    assert serials(session) == []


def test_the_same_over_json(client: FlaskClient, session: Session, cast: Cast, model: KitModel) -> None:
    sign_in(client, cast.logistics)
    first = client.post(SCAN, data=scanned(model, "KIT-1"), headers=JSON)
    number = session.scalars(sa.select(Unit.id)).one()
    told = {"unit": number, "serial": "KIT-1", "model": "RDB 2", "count": 1}
    assert (first.status_code, first.json) == (201, told)
    # The answer was lost, and it is sent again: it tells the unit that is there.
    again = client.post(SCAN, data=scanned(model, "KIT-1"), headers=JSON)
    assert (again.status_code, again.json) == (
        422, {"known": True, "reason": "KIT-1 was added in this sitting already. It is there once.", **told},
    )  # fmt: skip
    wrong = client.post(SCAN, data=scanned(model, "K?"), headers=JSON)
    assert wrong.json is not None
    assert (wrong.status_code, wrong.json["known"], sorted(wrong.json)) == (422, False, ["known", "reason"])


def test_a_sitting_counts_its_own(client: FlaskClient, session: Session, cast: Cast, model: KitModel) -> None:
    sign_in(client, cast.logistics)
    for serial, sitting in (("KIT-1", SITTING), ("KIT-2", SITTING), ("KIT-3", "f" * 16)):
        client.post(SCAN, data=scanned(model, serial, sitting=sitting))
    assert "2 units in this sitting" in client.get(f"{SCAN}?sitting={SITTING}").text
    # A name of a sitting that is none becomes a new one.
    page = client.get(f"{SCAN}?sitting=nonsense").text
    assert ("nonsense" in page, "Ready" in page) == (False, True)


def test_the_last_one_is_taken_away_again_once(
    client: FlaskClient, session: Session, cast: Cast, model: KitModel
) -> None:
    sign_in(client, cast.logistics)
    for serial in ("KIT-1", "KIT-2"):
        client.post(SCAN, data=scanned(model, serial))
    last = session.scalars(sa.select(Unit.id).where(Unit.serial == "KIT-2")).one()
    undo = {"unit": last, "sitting": SITTING, "model": model.id, "location": "Shelf 2"}

    assert client.post(f"{SCAN}/undo", data=undo).status_code == 302
    # A second press does not take away the one before.
    assert client.post(f"{SCAN}/undo", data=undo).status_code == 409
    assert serials(session) == ["KIT-1"]
    assert client.post(f"{SCAN}/undo", data={"unit": "x"}).status_code == 409
    assert client.post(f"{SCAN}/undo", data={**undo, "unit": 2**40}).status_code == 409


def test_what_has_become_something_is_not_taken_away(
    session: Session, cast: Cast, bench: Bench, model: KitModel
) -> None:
    cast.participant.needs_kit = cast.team.needs_kit = False
    kept, boxed, other = (scan_in(session, cast, model, f"KIT-{number}") for number in range(3))
    reservations.reserve(session, cast.challenge, ["application:7"], by=cast.lead.id, at=NOON)
    parcel = bench.parcel()
    actions.assign_unit(session, parcel, boxed, by=bench.by, at=NOON)
    actions.take_out(session, bench.again(parcel), bench.again(parcel).places[0], by=bench.by, at=NOON)
    for unit, sitting in ((kept, SITTING), (boxed, SITTING), (other, "f" * 16)):
        with pytest.raises(Conflict, match="not there any more"):
            intake.undo_scan(session, cast.challenge, unit.id, sitting, by=bench.by, at=NOON)
    assert len(serials(session)) == 3


def test_the_action_refuses_what_is_none_and_what_is_there(session: Session, cast: Cast, model: KitModel) -> None:
    with pytest.raises(Invalid, match="no serial number"):
        scan_in(session, cast, model, "K?")
    scan_in(session, cast, model, "KIT-1")
    session.commit()
    with pytest.raises(Conflict, match="already in the stock"):
        scan_in(session, cast, model, "KIT-1")


def test_two_scanners_add_one_unit(session: Session, cast: Cast, model: KitModel) -> None:
    number, challenge_id = model.id, cast.challenge.id
    scan_in(session, cast, model, "KIT-1")
    session.commit()
    with Session(db.engine) as other:
        seen, challenge = other.get_one(KitModel, number), other.get_one(Challenge, challenge_id)
        with pytest.raises(Conflict, match="already in the stock"):
            intake.scan_in(
                other, challenge, seen, "KIT-1", location="", firmware="", sitting="f" * 16, by=1, at=NOON
            )  # fmt: skip


def test_without_a_model_there_is_nothing_to_scan(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    assert "No kit model yet" in client.get(SCAN).text


# In a real browser, as a scanner types


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """The portal as it runs, with a kind of kit."""
    with staged("sqlite", tmp_path, {"PORTAL_DEMONSTRATION": "1"}) as made:
        with made.behind.session() as session:
            Bench(session, made.cast).model()
            session.commit()
        yield made


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """The page under logistics' scanner."""
    context = browser.new_context()
    for name, value in stage.behind.cookies(stage.cast.logistics).items():
        context.add_cookies([{"name": name, "value": value, "url": stage.site.url}])
    opened = context.new_page()
    opened.goto(f"{stage.site.url}{SCAN}")
    expect(opened.locator("form[data-scan-in][data-ready]")).to_be_visible()
    yield opened
    context.close()


def scan(page: Page, *serials: str) -> None:
    """What a hand scanner does."""
    for serial in serials:
        page.keyboard.type(serial)
        page.keyboard.press("Enter")


def in_stock(stage: Stage) -> list[tuple[str, str]]:
    rows = sa.select(Unit.serial, Unit.location).order_by(Unit.id)
    return [tuple(row) for row in stage.behind.read(lambda session: session.execute(rows).all())]


@pytest.mark.browser
@pytest.mark.slow
def test_a_scanner_that_does_not_wait_loses_and_doubles_nothing(stage: Stage, page: Page) -> None:
    seen = []

    def lose_answers(route: Route) -> None:
        """The first answer is lost after the portal has dealt with it, the third request never arrives."""
        seen.append(route)
        if len(seen) == 1:
            route.fetch()
        if len(seen) in (1, 3):
            route.abort()
        else:
            route.continue_()

    page.get_by_label("Location").fill("Shelf 9")
    page.locator("[name=serial]").focus()
    page.route("**/kits/scan", lose_answers)
    scan(page, *(f"KIT-{number:02}" for number in range(1, 11)), "KIT-03")

    expect(page.get_by_text("KIT-03 was added in this sitting already.")).to_be_visible()
    expect(page.locator("[data-scan-count]")).to_have_text("10")
    expect(page.locator("[data-scan-list] li").first).to_contain_text("KIT-10")
    assert in_stock(stage) == [(f"KIT-{number:02}", "Shelf 9") for number in range(1, 11)]
    expect(page.locator("[name=serial]")).to_be_focused()

    scan(page, "K?")
    expect(page.get_by_text("“K?” is no serial number")).to_be_visible()
    page.get_by_role("button", name="Take KIT-10 away again").click()
    expect(page.get_by_text("KIT-10 is taken away again.")).to_be_visible()
    expect(page.locator("[data-scan-count]")).to_have_text("9")
    expect(page.locator("[name=serial]")).to_be_focused()
    expect(page.get_by_label("Location")).to_have_value("Shelf 9")


@pytest.mark.browser
@pytest.mark.slow
def test_what_waits_survives_a_reload(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.site.url}{SCAN}?sitting={SITTING}")
    expect(page.locator("form[data-scan-in][data-ready]")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.route("**/kits/scan", lambda route: route.abort())
    scan(page, "KIT-1", "KIT-2")
    expect(page.get_by_text("KIT-1 is not saved yet")).to_be_visible()
    assert in_stock(stage) == []

    page.unroute("**/kits/scan")
    page.reload()

    expect(page.locator("[data-scan-count]")).to_have_text("2")
    assert [serial for serial, _ in in_stock(stage)] == ["KIT-1", "KIT-2"]
