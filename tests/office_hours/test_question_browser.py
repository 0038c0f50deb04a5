"""A question from the browser to a host's gpg: what Chromium seals and sends, the host opens."""

import io
import re
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect

from portal.core.db import Model, db
from portal.factory import create_app
from portal.office_hours import actions
from portal.office_hours.actions.hostkeys import give_certificate
from portal.office_hours.models import SealedQuestion
from portal.office_hours.rules import Share
from tests.cast import make_cast
from tests.office_hours.conftest import Stage
from tests.reports.openpgp import Gpg, gpg_home
from tests.reports.test_browser_sealing import signed_in
from tests.servers import Site, web

pytestmark = pytest.mark.browser

PEOPLE = ("Hugo <hugo-host@example.org>", "Hana <hana-host@example.org>")
TEXT = "Is the *second* line the one that counts? π and “quotes” stay as they are.\n"


@dataclass
class Place:
    """The portal as it runs, a booking with two hosts, and a browser in which the researcher is signed in."""

    site: Site
    app: Flask
    gpg: Gpg
    context: BrowserContext
    uid: str


def prepared(app: Flask, gpg: Gpg, site: Site) -> tuple[list[dict[str, str]], str]:
    """Tables, people, certificates and a booking of next week; gives the researcher's cookies and the booking's uid."""
    now = datetime.now(UTC)
    with app.app_context():
        Model.metadata.create_all(db.engine)
        cast = make_cast(db.session, running=True)
        for host, name in zip((cast.host, cast.second_host), PEOPLE, strict=True):
            gpg.make(name)
            give_certificate(db.session, host.id, gpg.certificate(name), at=now)
        first = (now + timedelta(days=4)).replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)
        stage = Stage(db.session, cast)
        hosts = (Share(cast.host.id), Share(cast.second_host.id))
        plan = stage.plan(first=first, zone="UTC", hosts=hosts, engineers=2)
        series = actions.create_series(db.session, cast.challenge, plan, by=cast.host.id, at=now)
        actions.materialise(db.session, series.id, since=now, before=now + timedelta(weeks=2), at=now)
        booking = stage.book(stage.slots(series)[0], at=now)
        uid = booking.uid
        db.session.commit()
        cookies = signed_in(app, cast.researcher, site)
        db.session.remove()
        db.engine.dispose()
    return cookies, uid


@pytest.fixture(scope="module")
def place(browser: Browser) -> Iterator[Place]:
    """One portal for the tests here."""
    with ExitStack() as stack:
        gpg = stack.enter_context(gpg_home())
        site = stack.enter_context(web({"PORTAL_TESTING": "1"}, migrate=False))
        app = create_app(site.environ)
        cookies, uid = prepared(app, gpg, site)
        context = browser.new_context()
        stack.callback(context.close)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        yield Place(site, app, gpg, context, uid)


def test_what_the_browser_seals_each_host_opens_and_nothing_else_leaves_the_page(place: Place) -> None:
    page = place.context.new_page()
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    trace = bytes(range(256)) * 5
    page.goto(f"{place.site.url}/challenges/test-challenge/office-hours/bookings/{place.uid}/question")
    expect(page.locator("#seal-send")).to_be_enabled()
    page.locator("#seal-send").click()
    expect(page.locator("#seal-error")).to_have_text("Write your question; that is the part that is sealed.")
    page.get_by_label("Question", exact=True).fill(TEXT)
    page.get_by_label("Attachments").set_input_files(
        [{"name": "../../trace of the log.bin", "mimeType": "application/octet-stream", "buffer": trace}]
    )

    page.locator("#seal-send").click()

    page.wait_for_url(re.compile(rf"/bookings/{place.uid}$"))
    expect(page.get_by_text("Your question is sealed and here")).to_be_visible()
    assert not any(b"second" in body or trace in body for body in sent)
    with place.app.app_context():
        data = db.session.scalars(sa.select(SealedQuestion.content)).one()
        db.session.remove()
    with tarfile.open(fileobj=io.BytesIO(place.gpg.open(data))) as opened:
        found = {entry.name: opened.extractfile(entry).read() for entry in opened}  # type: ignore[union-attr]
    assert found == {"question.md": TEXT.encode(), "trace of the log.bin": trace}
    page.close()


def test_what_is_typed_stays_when_the_server_refuses(place: Place) -> None:
    page = place.context.new_page()
    page.route("**/question", lambda route: route.fulfill(
        status=422, content_type="application/json", body='{"messages": {"sealed": "A host has just changed."}}'
    ) if route.request.method == "POST" else route.continue_())  # fmt: skip
    page.goto(f"{place.site.url}/challenges/test-challenge/office-hours/bookings/{place.uid}/question")
    expect(page.locator("#seal-send")).to_be_enabled()
    page.get_by_label("Question", exact=True).fill(TEXT)

    page.locator("#seal-send").click()

    expect(page.locator("#seal-error")).to_have_text("A host has just changed.")
    expect(page.get_by_label("Question", exact=True)).to_have_value(TEXT)
    expect(page.locator("#seal-send")).to_be_enabled()
    page.close(run_before_unload=False)
