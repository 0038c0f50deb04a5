"""One challenge from its first applicant to its published results, as the people in it live through it."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from portal.core.db import db
from portal.factory import create_app
from tests.journey import equipping, meeting, reporting, rewarding, selecting
from tests.journey.stage import PASSWORD, SLUG, TITLE, Stage
from tests.reports.openpgp import gpg_home
from tests.servers import Site, web

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STAFF = {
    "admin@portal.example": ("Ines Admin", "admin"),
    "lead@portal.example": ("Lea Lead", "lead"),
    "lead2@portal.example": ("Leo Lead", "lead"),
    "reviewer1@portal.example": ("Rita Review", "reviewer"),
    "reviewer2@portal.example": ("Ralf Review", "reviewer"),
    "desk@portal.example": ("Dora Desk", "logistics", "host"),
    "triager1@portal.example": ("Tim Triage", "triager"),
    "triager2@portal.example": ("Tess Triage", "triager"),
    "finance@portal.example": ("Finn Finance", "finance"),
}


def staffed(site: Site) -> None:
    """What an operator does at the command line: the challenge, and the accounts of its staff."""
    today = datetime.now(UTC).date()
    announced, begun = today - timedelta(days=30), today - timedelta(days=9)
    dates = ("--announced-on", announced.isoformat(), "--starts-on", begun.isoformat())
    # In this process: ten would take longer to start than all that comes here.
    app = create_app({**site.environ, "PORTAL_SCHEDULER": "off"})
    line = app.test_cli_runner()

    def run(*words: str, text: str = "") -> None:
        done = line.invoke(args=words, input=text)
        assert done.exit_code == 0, done.output

    run("challenge", "create", SLUG, "--title", TITLE, "--places", "3", *dates)
    for email, (name, *roles) in STAFF.items():
        chosen = [word for role in roles for word in ("--role", role)]
        run("account", "create", email, *chosen, "--name", name, "--password-stdin", text=f"{PASSWORD}\n")
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    """The portal served as `make run` serves it, with its scheduler, and a browser for everybody."""
    with ExitStack() as stack:
        gpg = stack.enter_context(gpg_home())
        site = stack.enter_context(web({"PORTAL_DEMONSTRATION": "1", "PORTAL_SCHEDULER": "embedded"}))
        staffed(site)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield Stage(site, browser, gpg, folder)


def test_the_whole_way_from_an_application_to_published_results(stage: Stage) -> None:
    lead, desk = stage.sign_in("lead@portal.example"), stage.sign_in("desk@portal.example")
    selecting.prepare(stage, lead)
    ada = choose_participants(stage, lead)
    send_kit(stage, desk, ada)
    meeting.open_series(stage, desk)
    meeting.follow(stage, ada)
    meeting.host_sees(stage, desk)
    triager = stage.sign_in("triager1@portal.example")
    ref = report(stage, triager, ada)
    rewarding.publish_rules(stage, lead)
    award = rewarding.propose(stage, triager, ref)
    rewarding.approve(stage, stage.sign_in("triager2@portal.example"), award)
    rewarding.pay(stage, stage.sign_in("finance@portal.example"), award, ref)
    rewarding.told(stage, ada)
    rewarding.finish(stage, lead, stage.sign_in("lead2@portal.example"))
    rewarding.figures(stage)

    assert stage.complaints == []
    assert "unbroken" in stage.site.flask("audit", "verify")


def choose_participants(stage: Stage, lead: Page) -> Page:
    """Two apply, one is taken: the page of that one."""
    ada = selecting.sign_up(stage, selecting.ADA, "Ada Tanaka", "Asia/Tokyo")
    bob = selecting.sign_up(stage, selecting.BOB, "Bob Brown", "Europe/London")
    for person, email, name in ((ada, selecting.ADA, "Ada Tanaka"), (bob, selecting.BOB, "Bob Brown")):
        selecting.write_draft(stage, person, name)
        selecting.submit(stage, person, email)
    selecting.review(stage, stage.sign_in("reviewer1@portal.example"), "Deep, and she writes well.")
    selecting.review_by_keyboard(stage, stage.sign_in("reviewer2@portal.example"), "Read twice")
    selecting.decide(stage, lead)
    selecting.release(stage, lead, ada)
    selecting.accept(stage, ada)
    selecting.declined(stage, bob)
    return ada


def send_kit(stage: Stage, desk: Page, ada: Page) -> None:
    """A kit comes from the shelf to the researcher."""
    equipping.stock_up(stage, desk)
    equipping.plan(stage, desk)
    equipping.give_address(stage, ada)
    equipping.dispatch(stage, desk)
    equipping.track(desk)
    equipping.receive(stage, ada, desk)


def report(stage: Stage, triager: Page, ada: Page) -> str:
    """Two reports are sealed, sent, opened and judged: the reference of the one that is worth an award."""
    reporting.publish_keys(stage, reporting.second_factor(stage))
    refs = reporting.seal(stage, ada), reporting.send_by_hand(stage)
    reporting.open_reports(stage, triager, refs)
    reporting.triage(stage, triager, refs)
    reporting.followed(stage, ada, refs)
    return refs[0]
