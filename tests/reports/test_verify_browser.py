"""The page that verifies receipts, in Chromium: a sealed file is compared in the page and never sent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import current_app
from playwright.sync_api import Browser, Request, expect

from portal.core.blobs import blobs
from portal.core.mail import config_of
from portal.reports.actions.keys import publish_key_set
from portal.reports.models import Receipt
from portal.reports.receipts import Signer
from tests.faults.stage import Stage, staged
from tests.reports.conftest import RECOVERY, TIA, TOM
from tests.reports.openpgp import message
from tests.reports.people import Desk

pytestmark = pytest.mark.browser


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def kept(stage: Stage, tmp_path: Path) -> Path:
    """A folder with a receipt, its signature, the sealed file and another one."""
    cast, at = stage.cast, datetime.now(UTC)
    with stage.behind.session() as session:
        session.add_all(vars(cast).values())
        triagers = [(cast.triager.id, TOM), (cast.second_triager.id, TIA)]
        made = publish_key_set(session, triagers, RECOVERY, by=None, at=at)
        session.commit()
        sealed = message(100, [key_id for member in made.members for key_id in member.key_ids])
        desk = Desk(session, cast, blobs(), Signer.of(config_of(current_app)), lambda _: sealed)
        receipt = session.get_one(Receipt, desk.receive(at=at).id)
        for name, data in {
            "r.json": receipt.body.encode(),
            "r.sig": receipt.raw_signature,
            "a": sealed,
            "b": b"x",
        }.items():
            (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_sealed_file_is_compared_without_being_sent(browser: Browser, stage: Stage, kept: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(f"{stage.site.url}/verify")
    page.set_input_files("input[name=receipt_file]", kept / "r.json")
    page.set_input_files("input[name=signature_file]", kept / "r.sig")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("This portal signed it.")).to_be_visible()
    posts: list[Request] = []
    page.on("request", lambda request: posts.append(request) if request.method != "GET" else None)

    expect(page.locator("#compare")).to_be_visible()  # the page's script has begun

    page.set_input_files("#compare", kept / "a")
    expect(page.locator("#compared")).to_contain_text("It belongs to this receipt")
    page.set_input_files("#compare", kept / "b")
    expect(page.locator("#compared")).to_contain_text("It does not belong to this receipt")

    assert posts == []
    assert complaints == []
    context.close()
