"""Chains on the pages of their reports, for the researcher and for the team."""

import hashlib
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.reports import rules
from portal.reports.actions import links as actions
from portal.reports.models import Receipt, Report, ReportLink
from portal.reports.queries import links
from portal.reports.states import LinkKind, LinkState, ReportState, Severity
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk

HERE, STAFF = "/challenges/test-challenge/reports", "/staff/test-challenge/reports"
DRAFT = {"title": "A chain", "kind": "full", "severity": "critical", "build": "20.06", "scenario": ""}
SECRET = "A title of somebody else"


@pytest.fixture
def chain(session: Session, cast: Cast, desk: Desk) -> Report:
    """The researcher's report with three links, which is being reproduced."""
    report = desk.in_state(ReportState.REPRODUCING)
    given = [
        rules.LinkText("Into the application", LinkKind.ENTRY, None, "code in an application"),
        rules.LinkText("Out of it", LinkKind.ELEVATION, "code in an application", "more rights"),
        rules.LinkText("To stay", LinkKind.PERSISTENCE, "more rights"),
    ]
    actions.add_links(session, report, given, by=cast.triager.id, at=NOON)
    session.commit()
    return desk.again(report)


def found(session: Session, report: Report) -> list[tuple[int, str, LinkState]]:
    session.expire_all()
    return [(link.number, link.title, link.state) for link in links.of_report(session, report.id)]


def test_a_program_sends_its_links_with_the_draft(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    sign_in(client, cast.researcher)
    given = [{"title": "One", "kind": "entry", "gives": "a foot in"}, {"title": " Two ", "assumes": "a foot in"}]

    made = client.post(f"{HERE}/new", json=DRAFT | {"links": given})

    assert made.status_code == 201
    kept = session.scalars(sa.select(ReportLink).order_by(ReportLink.number)).all()
    assert [(link.title, link.kind, link.assumes, link.gives) for link in kept] == [
        ("One", LinkKind.ENTRY, None, "a foot in"), ("Two", LinkKind.OTHER, "a foot in", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"title": ""}], "Each link needs a title"),
        ([{"title": "A", "kind": "magic"}], "The kind of a link is one of"),
        ([{"title": "A" * 121}], "at most 120 characters"),
        ([{"title": "A\nB"}], "one line"),
        ([{"title": "A", "severity": "low"}], "title, kind, assumes and gives"),
        ([{"title": 7}], "one line"),
        ([7], "title, kind, assumes and gives"),
        ([{"title": "A"}] * 13, "At most 12 links"),
        ("A | b | c | d", "at most three parts"),
    ],
)
def test_links_that_are_none_are_refused(client: FlaskClient, cast: Cast, desk: Desk, given: Any, said: str) -> None:
    sign_in(client, cast.researcher)

    answer = client.post(f"{HERE}/new", json=DRAFT | {"links": given}, headers={"Accept": "application/json"})

    assert answer.status_code == 422
    assert said in answer.text


def test_links_come_as_lines_with_a_sealed_file(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, seal: Callable[[int], bytes]
) -> None:
    sign_in(client, cast.researcher)
    lines = "Into it | | a foot in\r\n\r\nOut of it | a foot in\r\n"

    sent = client.post(
        f"{HERE}/new", data=DRAFT | {"links": lines, "sealed": (io.BytesIO(seal(100)), "report.pgp")},
        content_type="multipart/form-data",
    )  # fmt: skip

    assert sent.status_code == 302
    links = session.scalars(sa.select(ReportLink).order_by(ReportLink.id))
    assert [(link.title, link.assumes, link.gives) for link in links] == [
        ("Into it", None, "a foot in"), ("Out of it", "a foot in", None),
    ]  # fmt: skip


def test_the_researcher_adds_a_link_and_takes_it_out(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    report = desk.receive()
    sign_in(client, cast.researcher)
    where = f"{HERE}/{report.ref}"

    assert client.post(f"{where}/links", data={"title": "", "kind": "other"}).status_code == 422
    assert client.post(f"{where}/links", data={"title": "A link", "kind": "bypass"}).status_code == 302
    page = client.get(where).text
    assert "A link" in page
    assert "Take out link 1" in page
    assert client.post(f"{where}/links/1/remove").status_code == 302
    assert client.post(f"{where}/links/1/remove").status_code == 404
    assert found(session, report) == []


def test_the_chain_is_read_from_top_to_bottom(client: FlaskClient, cast: Cast, chain: Report) -> None:
    sign_in(client, cast.researcher)

    page = client.get(f"{HERE}/{chain.ref}").text
    chain_part = page[page.index('aria-label="The chain"') :]

    words = ["Into the application", "code in an application", "Out of it", "more rights", "To stay"]
    assert [chain_part.index(word) for word in words] == sorted(chain_part.index(word) for word in words)
    # What one link gives and the next one starts from is said once.
    assert chain_part.count("code in an application") == 1


def test_the_team_draws_up_and_decides(client: FlaskClient, session: Session, cast: Cast, chain: Report) -> None:
    sign_in(client, cast.triager)
    where = f"{STAFF}/{chain.ref}/chain"

    def send(path: str, status: int = 302, **data: str) -> str:
        answer = client.post(f"{where}/{path}", data=data)
        assert answer.status_code == status, answer.text
        return answer.text

    assert client.get(where).status_code == 200
    assert "Give it a title." in send("add", 422, title="", kind="other")
    send("add", title="And more", kind="other")
    assert "Give it a title." in send("4/edit", 422, title="", kind="other")
    send("4/edit", title="And much more", kind="other")
    assert "what is between" in send("1/split", 422, title="B", kind="other")
    send("1/split", title="Through it", kind="bypass", middle="a foot in")
    send("order", order="1 5 3 2 4")
    send("order", 422, order="1 5")
    send("order", 422, order="one")
    send("4/remove")
    assert "Choose the severity." in send("1/confirm", 422)
    send("1/confirm", severity="important", message="Well found.")
    assert "Name the report that was first" in send("2/duplicate", 422, duplicate_of="TCR-0099/2")
    assert "R-0007 or R-0007/2" in send("2/duplicate", 422, duplicate_of="the other one")
    assert "Choose the known issue" in send("2/known", 422)
    send("2/by-design", mitigating_layer="The firewall")
    send("3/explode", 404)
    send("9/confirm", 404, severity="low")

    assert found(session, chain) == [
        (1, "Into the application", LinkState.CONFIRMED), (5, "Through it", LinkState.OPEN),
        (3, "To stay", LinkState.OPEN), (2, "Out of it", LinkState.BY_DESIGN),
    ]  # fmt: skip
    page = client.get(where).text
    assert "Links 3 and 5 open; link 1 confirmed; link 2 by design." in page


def test_the_researcher_learns_that_somebody_was_earlier_and_nothing_of_whom(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, tmp_path: Path
) -> None:
    first = desk.receive(cast.team.members[0], title=SECRET)
    report = desk.in_state(ReportState.REPRODUCING)
    actions.add_links(session, report, [rules.LinkText("A link")], by=cast.triager.id, at=NOON)
    session.commit()
    sign_in(client, cast.triager)
    data = {"duplicate_of": first.ref.lower()}
    assert client.post(f"{STAFF}/{report.ref}/chain/1/duplicate", data=data).status_code == 302
    assert first.ref in client.get(f"{STAFF}/{report.ref}").text
    sign_in(client, cast.researcher)
    where = f"{HERE}/{report.ref}"
    body = session.get_one(Receipt, first.id).body
    receipt = hashlib.sha256(body.encode()).hexdigest()

    page = client.get(where).text

    assert "Somebody else reported the same before" in page
    assert receipt in page
    for told in (page, client.get(f"{where}/earlier.json?link=1").text):
        for secret in (first.ref, SECRET, first.participant.name):
            assert secret not in told
    statement = json.loads(client.get(f"{where}/earlier.json?link=1").text)
    assert (statement["earlier_receipt_sha256"], statement["link"], statement["reference"]) == (receipt, 1, report.ref)
    assert client.get(f"{where}/earlier.json").status_code == 404
    assert client.get(f"{where}/earlier.json?link=2").status_code == 404

    for form in ("json", "sig"):
        (tmp_path / f"earlier.{form}").write_bytes(client.get(f"{where}/earlier.{form}?link=1").data)
    (tmp_path / "receipts.pem").write_bytes(client.get("/keys/receipts.pem").data)
    subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "receipts.pem", "-rawin", "-in", "earlier.json",
         "-sigfile", "earlier.sig"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip


def test_ones_own_earlier_report_is_named(client: FlaskClient, session: Session, cast: Cast, desk: Desk) -> None:
    first, report = desk.receive(), desk.in_state(ReportState.ACKNOWLEDGED)
    desk.move(report, "duplicate", rules.Outcome(duplicate_of_id=first.id))
    session.commit()
    sign_in(client, cast.researcher)

    page = client.get(f"{HERE}/{report.ref}").text

    assert f'Reported before in <span class="mono">{first.ref}</span>' in page
    assert client.get(f"{HERE}/{report.ref}/earlier.json").status_code == 200


def test_a_lead_allows_a_duplicate_of_a_later_report(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    report, later = desk.in_state(ReportState.REPRODUCING), desk.receive(cast.team.members[0])
    where, move = "/staff/test-challenge/duplicates", {"move": "duplicate", "duplicate_of": later.ref}
    sign_in(client, cast.triager)
    refused = client.post(f"{STAFF}/{report.ref}/move", data=move)
    assert (refused.status_code, "arrived later" in refused.text) == (422, True)
    told = {"report": report.ref, "first": later.ref, "reason": "It came by mail."}
    assert client.post(where, data=told).status_code == 403
    sign_in(client, cast.lead)
    assert client.post(where, data=told | {"reason": ""}).status_code == 422
    assert client.post(where, data=told | {"first": "TCR-0099"}).status_code == 404
    assert client.post(where, data=told).status_code == 302

    sign_in(client, cast.triager)
    assert client.post(f"{STAFF}/{report.ref}/move", data=move).status_code == 302


def test_a_duplicate_whose_first_fell_away_is_a_task(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    first, report = desk.receive(cast.team.members[0]), desk.in_state(ReportState.REPRODUCING)
    desk.move(report, "duplicate", rules.Outcome(duplicate_of_id=first.id))
    desk.move(first, "unreadable")
    session.commit()
    sign_in(client, cast.triager)

    assert "Duplicates to look at again" in client.get("/staff/test-challenge/").text
    assert report.ref in client.get("/staff/test-challenge/duplicates").text
    assert "That report fell away" in client.get(f"{STAFF}/{report.ref}").text
    assert client.post(f"{STAFF}/{report.ref}/reconsider").status_code == 302
    assert f'class="mono" href="{STAFF}/{report.ref}"' not in client.get("/staff/test-challenge/duplicates").text
    assert client.post(f"{STAFF}/{report.ref}/reconsider").status_code == 422


def test_what_looks_alike_is_a_page(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    report = desk.receive(title="The network daemon")
    other = desk.receive(cast.team.members[0], title="The network stack")
    sign_in(client, cast.triager)

    page = client.get(f"{STAFF}/{report.ref}/similar").text

    assert other.ref in page
    assert "same build" in page
    assert Severity.CRITICAL not in page


def test_pages_cost_the_same_for_one_link_and_for_ten(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, statements: list[str]
) -> None:
    short, long = desk.in_state(ReportState.REPRODUCING), desk.in_state(ReportState.REPRODUCING)
    actions.add_links(session, short, [rules.LinkText("A link")], by=cast.triager.id, at=NOON)
    actions.add_links(session, long, [rules.LinkText("A link")] * 10, by=cast.triager.id, at=NOON)
    session.commit()
    sign_in(client, cast.triager)
    counts = []
    for report in (short, short, long):
        for page in ("", "/chain"):
            statements.clear()
            client.get(f"{STAFF}/{report.ref}{page}")
            counts.append(len(statements))

    assert (counts[4], counts[5]) == (counts[2], counts[3])
