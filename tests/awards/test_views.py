"""Awards over HTTP, by whom they are for."""

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.awards.models import Award, BountyRules
from portal.awards.states import AwardState
from portal.challenges.models import Scenario
from portal.reports.states import ReportState, Severity
from tests.awards.conftest import Jury
from tests.cast import Cast, make_account, make_challenge, sign_in

STAFF = "/staff/test-challenge/awards"
MINE = "/challenges/test-challenge/awards"
S = AwardState

# Method, path, and who is let in.
PAGES = [
    ("GET", "", {"triager", "lead", "finance"}), ("GET", ".csv", {"lead", "finance"}),
    ("GET", "/new?report=R-0001", {"triager"}), ("POST", "/new?report=R-0001", {"triager"}),
    ("GET", "/1", {"triager", "lead", "finance"}), ("GET", "/rules", {"triager", "lead", "finance", "admin"}),
    ("POST", "/rules", {"lead", "admin"}), ("POST", "/1/pay", {"finance"}),
    ("POST", "/1/approve", {"triager", "lead"}),
]  # fmt: skip
PEOPLE = ("researcher", "reviewer", "logistics", "host", "admin", "triager", "lead", "finance")


@pytest.mark.parametrize(("method", "path", "welcome"), PAGES)
def test_each_page_is_for_its_roles(
    client: FlaskClient, cast: Cast, jury: Jury, method: str, path: str, welcome: set[str]
) -> None:
    jury.award()
    for name in PEOPLE:
        sign_in(client, getattr(cast, name))
        status = client.open(STAFF + path, method=method).status_code
        assert (status != 403) == (name in welcome), (name, status)
        assert status not in (404, 405, 500)
    sign_in(client, None)
    assert client.open(STAFF + path, method=method).status_code == 302


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/new?report=R-9999"), ("GET", "/new"), ("GET", "/99"), ("POST", "/99/approve"),
    ("POST", "/1/fly"), ("GET", "?state=nowhere"),
])  # fmt: skip
def test_what_there_is_not_is_not_found(client: FlaskClient, cast: Cast, jury: Jury, method: str, path: str) -> None:
    jury.award()
    sign_in(client, cast.triager)

    assert client.open(STAFF + path, method=method).status_code == 404


def test_another_challenges_awards_are_not_found(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    jury.award()
    make_challenge(session, "other", "Other")
    sign_in(client, make_account(session, "Olga Other", Role.TRIAGER, Role.FINANCE, scope="other"))

    assert client.get("/staff/other/awards/1").status_code == 404
    assert client.get("/staff/other/awards/new?report=R-0001").status_code == 404
    assert "R-0001" not in client.get("/staff/other/awards?state=all").text
    assert client.get(f"{STAFF}/1").status_code == 403


def test_the_whole_way_by_its_pages(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    jury.report()
    sign_in(client, cast.triager)
    page = client.get(f"{STAFF}/new?report=R-0001").text
    assert "40,000 × 1.2 = 48,000" in page
    assert client.post(f"{STAFF}/new?report=R-0001", data={"reason": "standard"}).status_code == 422
    made = client.post(f"{STAFF}/new?report=R-0001", data={"quality": "high", "reason": "chain", "note": "n"})
    assert made.headers["Location"].endswith(f"{STAFF}/1")
    page = client.get(f"{STAFF}/1").text
    assert ("Approve" in page.split("What happened")[0], "Withdraw the proposal" in page) == (False, True)
    assert client.post(f"{STAFF}/1/approve").status_code == 422
    sign_in(client, cast.finance)
    assert client.get(f"{STAFF}/1").status_code == 404
    sign_in(client, cast.second_triager)
    assert client.post(f"{STAFF}/1/approve").status_code == 302
    sign_in(client, cast.finance)
    assert client.post(f"{STAFF}/1/pay", data={"payment_reference": " "}).status_code == 422
    assert client.post(f"{STAFF}/1/pay", data={"payment_reference": "TX-1"}).status_code == 302
    assert client.post(f"{STAFF}/1/pay", data={"payment_reference": "TX-1"}).status_code == 422

    assert session.scalars(sa.select(Award.state)).one() is S.PAID
    assert client.get(f"{STAFF}.csv").text.splitlines()[1] == (
        "A-1,R-0001,Rosa Researcher,40000.00,20,48000.00,USD,paid,2020-06-15T12:00:00Z,2020-06-15T12:00:00Z,TX-1,"
        "2020-06-15T12:00:00Z,"
    )


def test_finance_sees_nothing_of_what_a_report_is_about(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    award = jury.propose(jury.report(title="Something about the firewall"), note="by way of the firewall")
    jury.decide(award, "approve", cast.lead.id)
    sign_in(client, cast.finance)

    for path in ("", "?state=all", "/1", ".csv", "/rules"):
        assert "firewall" not in client.get(STAFF + path).text, path
    sign_in(client, cast.lead)
    assert "by way of the firewall" in client.get(f"{STAFF}/1").text


def test_a_report_that_cannot_be_awarded_says_why(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    jury.report(None, None, ReportState.ACKNOWLEDGED)
    sign_in(client, cast.triager)

    page = client.get(f"{STAFF}/new?report=R-0001").text

    assert "Only a confirmed report is awarded" in page
    data = {"quality": "high", "reason": "standard"}
    assert client.post(f"{STAFF}/new?report=R-0001", data=data).status_code == 422


def test_rules_are_published_by_the_lead(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    sign_in(client, cast.lead)
    data = {"base_critical_high": "50000", "uplift_general_critical": "20", "cap": "55000.50"}
    high = session.scalars(sa.select(Scenario.id).where(Scenario.code == "H1")).one()
    data |= {f"fixed_{high}": "70000"}

    assert client.post(f"{STAFF}/rules", data=data | {"cap": "much"}).status_code == 422
    assert client.post(f"{STAFF}/rules", data=data).status_code == 302

    newest = session.scalars(sa.select(BountyRules).order_by(BountyRules.version.desc())).first()
    assert newest is not None
    assert (newest.version, f"{newest.cap:.2f}") == (2, "55000.50")
    assert [(row.severity, row.quality, int(row.amount)) for row in newest.bases] == [("critical", "high", 50_000)]
    assert [(row.scenario_id, int(row.amount)) for row in newest.fixed] == [(high, 70_000)]
    assert "Version 2, in force" in client.get(f"{STAFF}/rules").text


def test_a_participant_sees_their_own(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    jury.award(jury.report(Severity.IMPORTANT), paid=True)
    jury.propose()
    sign_in(client, cast.researcher)
    page = client.get(MINE).text
    assert ("$22,000" in page, "20,000 × 1.1 = 22,000" in page, "48,000" in page) == (True, True, False)
    sign_in(client, cast.colleague)
    assert "$22,000" not in client.get(MINE).text
    for person in (cast.stranger, cast.finance):
        sign_in(client, person)
        assert client.get(MINE).status_code == 404
    sign_in(client, None)
    assert client.get(MINE).status_code == 302
    assert client.post(MINE).status_code == 405


def test_the_list_costs_the_same_for_few_and_for_many(
    client: FlaskClient, cast: Cast, jury: Jury, statements: list[str]
) -> None:
    def cost() -> list[int]:
        found = []
        for path in ("?state=all", ".csv", ""):
            client.get(STAFF + path)
            statements.clear()
            client.get(STAFF + path)
            found.append(len(statements))
        return found

    jury.award()
    sign_in(client, cast.lead)
    few = cost()
    jury.award(jury.report(participant=cast.team))
    jury.propose(jury.report())
    few = cost()
    for _ in range(18):
        jury.award(jury.report(participant=cast.team))
    for _ in range(9):
        jury.propose(jury.report())

    assert cost() == few
    assert few[0] <= 8
