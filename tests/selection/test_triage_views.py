"""The first pass in a browser: without JavaScript by buttons, with it by keys."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import Triage
from portal.selection.models import Conflict, Look, Plan, Verdict
from portal.selection.rules.triage import LEASE
from tests.cast import Cast, sign_in
from tests.conftest import Clock
from tests.faults.stage import Stage, staged
from tests.selection.conftest import STAFF, Bench
from tests.servers.waiting import until

TRIAGE = f"{STAFF}/triage"
PART = {"X-Part": "1", "Accept": "application/json"}


def shown(client: FlaskClient) -> str:
    """The number of the card on the page, or "" where there is none."""
    found = re.search(r'data-card="(\d+)"', client.get(TRIAGE).text)
    return found.group(1) if found else ""


def said(session: Session) -> list[tuple[int, Triage]]:
    session.commit()
    rows = session.execute(sa.select(Verdict.application_id, Verdict.verdict).order_by(Verdict.id))
    return [tuple(row) for row in rows]


def test_one_after_the_other_by_buttons(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, clock: Clock
) -> None:
    first, second, third = (str(row.id) for row in bench.crowd(["First", "Second", "Third"]))
    sign_in(client, cast.reviewer)

    start = client.get(TRIAGE).text
    assert "3 applications wait for your look" in start
    assert "data-card=" not in start
    given = client.post(f"{TRIAGE}/next")
    assert (given.status_code, given.location) == (302, f"{TRIAGE}?card={first}")
    assert shown(client) == first
    assert shown(client) == first

    assert client.post(f"{TRIAGE}/{first}", data={"verdict": "yes"}).location == f"{TRIAGE}?card={second}"
    clock.tick(seconds=4)
    client.post(f"{TRIAGE}/{second}", data={"verdict": "conflict"})
    assert shown(client) == third
    assert client.post(f"{TRIAGE}/undo").location == f"{TRIAGE}?card={second}"
    client.post(f"{TRIAGE}/{second}", data={"verdict": "spam"})
    client.post(f"{TRIAGE}/{third}", data={"verdict": "no", "seconds": "junk"})
    assert shown(client) == third
    assert client.post(f"{TRIAGE}/{third}", data={"verdict": "no"}).location == TRIAGE

    done = client.get(TRIAGE).text
    assert "Nothing left for you" in done
    assert "Your last answer was “no”" in done
    assert said(session) == [(int(first), Triage.YES), (int(second), Triage.SPAM), (int(third), Triage.NO)]


def test_pieces_for_a_browser_that_fetches_ahead(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    first, second, third = (row.id for row in bench.crowd(["First", "Second", "Third"]))
    sign_in(client, cast.reviewer)

    piece = client.post(f"{TRIAGE}/next", headers=PART)
    assert piece.text.lstrip().startswith("<article")
    assert f'data-card="{first}"' in piece.text
    ahead = client.post(f"{TRIAGE}/next", headers=PART, data={"shown": first})
    assert f'data-card="{second}"' in ahead.text
    after = client.post(f"{TRIAGE}/{first}", headers=PART, data={"verdict": "yes", "seconds": 3, "shown": second})
    assert f'data-card="{third}"' in after.text
    assert client.post(f"{TRIAGE}/keep", headers=PART).json == {"held": [second, third]}
    client.post(f"{TRIAGE}/{second}", headers=PART, data={"verdict": "no", "shown": third})
    last = client.post(f"{TRIAGE}/{third}", headers=PART, data={"verdict": "no"})
    assert (last.status_code, last.data) == (204, b"")
    assert "data-strip" in client.get(f"{TRIAGE}/pace", headers=PART).text


def test_a_late_verdict_is_refused_in_words(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, clock: Clock
) -> None:
    (only,) = bench.crowd(["Only"])
    sign_in(client, cast.reviewer)
    client.post(f"{TRIAGE}/next")
    clock.tick(seconds=LEASE.total_seconds())
    assert shown(client) == ""
    sign_in(client, cast.second_reviewer)
    client.post(f"{TRIAGE}/next")
    sign_in(client, cast.reviewer)

    late = client.post(f"{TRIAGE}/{only.id}", headers=PART, data={"verdict": "yes"})
    assert late.status_code == 409
    assert "Nothing was counted" in late.json["reason"]  # type: ignore[index]
    assert said(session) == []
    for wrong in ({}, {"verdict": "perhaps"}):
        assert client.post(f"{TRIAGE}/{only.id}", data=wrong).status_code == 422
    assert client.post(f"{TRIAGE}/{only.id}9", data={"verdict": "yes"}).status_code == 404
    sign_in(client, None)
    assert client.post(f"{TRIAGE}/{only.id}", headers=PART, data={"verdict": "yes"}).status_code == 401


def test_the_pace_is_told_by_person_to_the_lead_only(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    (first,) = bench.crowd(["First"])
    sign_in(client, cast.reviewer)
    client.post(f"{TRIAGE}/next")
    client.post(f"{TRIAGE}/{first.id}", data={"verdict": "yes"})
    mine = client.get(f"{TRIAGE}/pace").text
    assert "By person" not in mine
    assert ">First</a>" in mine
    changed = client.post(f"{TRIAGE}/{first.id}", data={"verdict": "no", "then": "list"})
    assert changed.location == f"{TRIAGE}/pace"
    assert said(session) == [(first.id, Triage.NO)]
    sign_in(client, cast.lead)
    theirs = client.get(f"{TRIAGE}/pace").text
    assert "By person" in theirs
    assert "Rita Reviewer" in theirs


def test_a_blind_card_tells_nobody_but_the_lead(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.submitted(content=bench.content(name="Ada Applicant", experience="I, Ada, read firmware."))
    session.add(Plan(challenge_id=cast.challenge.id, blind=True))
    session.commit()
    sign_in(client, cast.reviewer)
    client.post(f"{TRIAGE}/next")
    page = client.get(TRIAGE).text
    client.post(f"{TRIAGE}/{application.id}", data={"verdict": "yes"})
    for text in (page, client.get(f"{TRIAGE}/pace").text):
        for secret in ("Ada Applicant", "Analytical", "France", "example.org/~ada"):
            assert secret not in text
    assert "read firmware" in page
    client.post(f"{TRIAGE}/undo")
    client.post(f"{TRIAGE}/{application.id}", data={"verdict": "conflict"})
    sign_in(client, cast.lead)
    client.post(f"{TRIAGE}/next")
    assert "Ada Applicant" in client.get(TRIAGE).text


def test_a_verdict_and_the_next_card_cost_the_same_for_3_and_for_60(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    costs = []
    for number in (3, 60):
        bench.crowd([f"{number} {n}" for n in range(number)])
        sign_in(client, cast.reviewer)
        client.post(f"{TRIAGE}/next")
        card = shown(client)
        statements.clear()
        client.post(f"{TRIAGE}/{card}", headers=PART, data={"verdict": "yes"})
        costs.append(len([text for text in statements if not text.startswith("BEGIN")]))
    assert costs[0] == costs[1]
    assert costs[0] <= 26


# With JavaScript, in a real browser


@dataclass
class Desk:
    """The portal as it runs, with cards on the pile."""

    stage: Stage
    browser: Browser

    def open(self, account: Account) -> Page:
        """Somebody's browser at their first card."""
        context = self.browser.new_context()
        for name, value in self.stage.behind.cookies(account).items():
            context.add_cookies([{"name": name, "value": value, "url": self.stage.site.url}])
        page = context.new_page()
        page.goto(f"{self.stage.site.url}{TRIAGE}")
        page.keyboard.press("Enter")
        expect(page.locator("[data-triage][data-ready] [data-card]")).to_be_visible()
        return page

    def said(self) -> dict[str, str]:
        """What was said of whom, as far as it is saved."""
        query = sa.select(Application.name, Verdict.verdict).join(Application, Application.id == Verdict.application_id)
        return {name: verdict.value for name, verdict in self.stage.behind.read(lambda s: s.execute(query).all())}

    def looked_at(self) -> list[str]:
        """The cards that are on somebody's screen, or fetched ahead for it."""
        query = sa.select(Application.name).join(Look, Look.application_id == Application.id)
        return list(self.stage.behind.read(lambda s: s.scalars(query).all()))

    def until_said(self, expected: dict[str, str]) -> None:
        """Wait until what was pressed has arrived."""
        until(lambda: self.said() == expected, f"{expected} to be saved")


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    with staged("sqlite", tmp_path, {"PORTAL_DEMONSTRATION": "1"}) as stage:
        with stage.behind.session() as session:
            Bench(session, stage.cast).crowd([f"Card {n}" for n in range(8)])
        yield Desk(stage, browser)
        for context in browser.contexts:
            context.close()


def title(page: Page) -> str:
    return page.locator("[data-card-title]").inner_text()


def press(page: Page, key: str) -> str:
    """Press a key when the card that comes next is here; gives the name of the card that the key was for."""
    name = title(page)
    page.keyboard.press(key)
    expect(page.locator("[data-card-title]")).not_to_have_text(name)
    return name


@pytest.mark.browser
@pytest.mark.slow
def test_keys(desk: Desk) -> None:
    page = desk.open(desk.stage.cast.reviewer)
    expected = {press(page, key): word for key, word in (("1", "yes"), ("2", "maybe"), ("3", "no"), ("s", "spam"))}
    assert page.evaluate("document.activeElement.matches('[data-card-title]')")
    conflict = press(page, "c")
    desk.until_said(expected)
    # Back to the one in conflict, which then becomes a yes.
    press(page, "u")
    assert title(page) == conflict
    expected[press(page, "1")] = "yes"
    desk.until_said(expected)
    # What is typed with a modifier, or held down, is not for us.
    name = title(page)
    page.keyboard.press("Control+1")
    page.keyboard.press("Alt+3")
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', repeat: true, bubbles: true}))")
    assert title(page) == name
    page.keyboard.press("?")
    expect(page.locator("[data-help]")).to_have_attribute("open", "")
    page.reload()
    expect(page.locator("[data-triage][data-ready]")).to_be_visible()
    assert title(page) == name
    for left in (2, 1, 0):
        expected[last := title(page)] = "no"
        page.get_by_role("button", name="No").click()
        expect(page.locator("[data-card-title]").get_by_text(last, exact=True)).to_have_count(0)
        expect(page.locator("[data-card]")).to_have_count(min(left, 1))
    expect(page.get_by_text("Nothing left for you")).to_be_visible()
    assert desk.said() == expected
    assert len(expected) == 8


@pytest.mark.browser
@pytest.mark.slow
def test_two_browsers_at_once_never_show_the_same_card(desk: Desk) -> None:
    one, two = desk.open(desk.stage.cast.reviewer), desk.open(desk.stage.cast.second_reviewer)
    seen = []
    for _ in range(2):
        # Each has one card on the screen and the next one fetched, so that neither takes the other's last one.
        until(lambda: len(desk.looked_at()) == 4, "both to have fetched ahead")
        assert title(one) != title(two)
        seen += [press(one, "1"), press(two, "3")]
    assert len(set(seen)) == 4
    until(lambda: len(desk.said()) == 4, "all verdicts")
    until(lambda: len(desk.looked_at()) == 4, "both to have fetched ahead")
    assert set(desk.looked_at()) == {f"Card {n}" for n in range(8)} - set(seen)


@pytest.mark.browser
@pytest.mark.slow
def test_what_cannot_be_saved_comes_back(desk: Desk) -> None:
    page = desk.open(desk.stage.cast.reviewer)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    name = title(page)
    page.keyboard.press("1")
    expect(page.locator("[data-wrong]")).to_contain_text(f"{name} is not saved")
    assert title(page) == name
    assert desk.said() == {}
    page.context.set_offline(False)
    page.wait_for_timeout(700)  # keys are not heard just after a card has come back
    assert press(page, "1") == name
    desk.until_said({name: "yes"})
    expect(page.locator("[data-wrong]")).to_be_hidden()
    expect(page.locator("[data-mine]")).to_have_text("1")  # its answer has come, and sets no cookie any more
    # Signed out in another tab: told, and nothing is lost.
    cookies = page.context.cookies()
    page.context.clear_cookies()
    name = title(page)
    page.keyboard.press("2")
    expect(page.locator("[data-wrong]")).to_contain_text("You are signed out")
    assert title(page) == name
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.wait_for_timeout(700)
    press(page, "2")
    until(lambda: desk.said().get(name) == "maybe", "the verdict")
    # Taken by somebody else meanwhile: told, and on to the next one.
    with desk.stage.behind.session() as session:
        session.execute(sa.update(Look).values(reviewer_id=desk.stage.cast.lead.id))
        session.commit()
    name = press(page, "3")
    expect(page.locator("[data-wrong]")).to_contain_text("Somebody else has this application now")
    assert name not in desk.said()
    assert desk.stage.behind.read(lambda s: s.scalars(sa.select(Conflict)).all()) == []
