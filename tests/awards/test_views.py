"""Awards over HTTP, by whom they are for."""

from io import BytesIO

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import Role
from portal.awards.models import Award, BountyRules, Payment
from portal.awards.states import AwardState, Entry, PaymentState, Quality
from portal.challenges.models import Scenario
from portal.reports.states import ReportState, Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast, make_account, make_challenge, sign_in

STAFF = "/staff/test-challenge/awards"
MINE = "/challenges/test-challenge/awards"
S = AwardState

# Method, path, and who is let in.
PAGES = [
    ("GET", "", {"triager", "lead", "finance"}), ("GET", ".csv", {"lead", "finance"}),
    ("GET", "/new?report=R-0001", {"triager"}), ("POST", "/new?report=R-0001", {"triager"}),
    ("GET", "/1", {"triager", "lead", "finance"}), ("GET", "/rules", {"triager", "lead", "finance", "admin"}),
    ("POST", "/rules", {"lead", "admin"}), ("POST", "/1/approve", {"triager", "lead"}),
    ("POST", "/1/void", {"triager"}), ("POST", "/1/conflict", {"triager", "lead"}),
    ("GET", "/payments", {"lead", "finance"}),
    ("GET", "/payments.csv", {"lead", "finance"}), ("GET", "/payments/1", {"lead", "finance"}),
    ("POST", "/payments/1/pay", {"finance"}), ("POST", "/payments/1/refuse", {"finance", "lead"}),
    ("POST", "/batches", {"finance"}), ("GET", "/results", {"finance"}), ("POST", "/results", {"finance"}),
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
    ("POST", "/1/fly"), ("GET", "?state=nowhere"), ("GET", "/payments?state=nowhere"),
    ("POST", "/99/void"), ("POST", "/99/conflict"), ("GET", "/batches/1"), ("GET", "/batches/1.csv"),
    ("GET", "/payments/99"), ("POST", "/payments/99/pay"), ("POST", "/payments/1/fly"),
])  # fmt: skip
def test_what_there_is_not_is_not_found(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, method: str, path: str
) -> None:
    jury.award()
    sign_in(client, cast.lead)
    session.add(RoleGrant(account_id=cast.lead.id, role=Role.TRIAGER, scope=cast.slug, granted_at=NOON))
    session.add(RoleGrant(account_id=cast.lead.id, role=Role.FINANCE, scope=cast.slug, granted_at=NOON))
    session.commit()

    assert client.open(STAFF + path, method=method).status_code == 404


def test_another_challenges_awards_are_not_found(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    jury.award()
    make_challenge(session, "other", "Other")
    sign_in(client, make_account(session, "Olga Other", Role.TRIAGER, Role.FINANCE, scope="other"))

    for path in ("1", "payments/1", "batches/1", "batches/1.csv"):
        assert client.get(f"/staff/other/awards/{path}").status_code == 404
    assert client.post("/staff/other/awards/payments/1/send").status_code == 404
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
    assert client.post(f"{STAFF}/payments/1/send", data={"back": "award"}).headers["Location"].endswith(f"{STAFF}/1")
    assert client.post(f"{STAFF}/payments/1/pay", data={"reference": " "}).status_code == 422
    assert client.post(f"{STAFF}/payments/1/pay", data={"reference": "TX-1"}).status_code == 302
    assert client.post(f"{STAFF}/payments/1/pay", data={"reference": "TX-1"}).status_code == 422

    assert session.scalars(sa.select(Payment.state)).one() is PaymentState.PAID
    assert client.get(f"{STAFF}.csv").text.splitlines()[1] == (
        "A-1,R-0001,,Rosa Researcher,award,40000.00,20,48000.00,48000.00,USD,approved,2020-06-15T12:00:00Z,"
        "2020-06-15T12:00:00Z,,1"
    )
    assert client.get(f"{STAFF}/payments.csv").text.splitlines()[1] == (
        "P-1,,Rosa Researcher,rosa-researcher@example.org,A-1,R-0001,48000.00,USD,paid,2020-06-15T12:00:00Z,"
        "2020-06-15T12:00:00Z,2020-06-15T12:00:00Z,TX-1,2020-06-15T12:00:00Z,,"
    )


def test_finance_sees_nothing_of_what_a_report_is_about(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    award = jury.propose(jury.report(title="Something about the firewall"), note="by way of the firewall")
    jury.decide(award, "approve", cast.lead.id)
    sign_in(client, cast.finance)

    for path in ("", "?state=all", "/1", ".csv", "/rules", "/payments", "/payments.csv", "/payments/1"):
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


def test_a_version_is_looked_at_before_it_is_published(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    sign_in(client, cast.lead)
    data = {"base_critical_high": "50000", "base_important_high": "60000", "step": "preview"}

    page = client.post(f"{STAFF}/rules", data=data).text

    shown = page[page.index("What this version would change") :]
    for words in ("50,000", "Odd, though nobody forbids it", "important is given more than critical", "11,000"):
        assert words in shown
    assert len(session.scalars(sa.select(BountyRules.id)).all()) == 1
    over = data | {"step": "", "in_force_from": "2020-06-01T00:00"}
    answer = client.post(f"{STAFF}/rules", data=over)
    assert (answer.status_code, "This is over" in answer.text) == (422, True)
    later = data | {"step": "", "in_force_from": "2020-07-01T00:00", "note": "Raised"}
    assert client.post(f"{STAFF}/rules", data=later).status_code == 302
    page = client.get(f"{STAFF}/rules").text
    assert ("Version 2, to come" in page, "Version 1, in force" in page, "Raised" in page) == (True, True, True)


@pytest.mark.parametrize("typed", [
    {"amount": "1e999999"}, {"amount": "nan"}, {"amount": "1.005"}, {"amount": "-1"}, {"quality": "superb"},
    {"severity": "deadly"}, {"reason": "correction"}, {"share": "-1"}, {"share": "10001"}, {"share": "half"},
])  # fmt: skip
def test_what_makes_no_sense_is_told_at_its_field(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, typed: dict[str, str]
) -> None:
    jury.report(participant=cast.team)
    sign_in(client, cast.triager)
    changed = {f"share_{cast.colleague.id}" if name == "share" else name: value for name, value in typed.items()}

    answer = client.post(
        f"{STAFF}/new?report=R-0001", data={"quality": "high", "reason": "exceptional", "amount": "1"} | changed
    )

    assert answer.status_code == 422
    assert "Please check this" in answer.text
    assert session.scalars(sa.select(Award.id)).all() == []


def test_a_team_and_a_part_by_their_pages(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    report = jury.report(participant=cast.team)
    sign_in(client, cast.triager)
    page = client.get(f"{STAFF}/new?report=R-0001").text
    assert (">Draw up a chain</a> first" in page, 'name="part"' in page) == (True, True)
    jury.chain(report, Severity.IMPORTANT)
    page = client.get(f"{STAFF}/new?report=R-0001&part=link+1").text
    assert ("Propose an award for “link 1”" in page, "20,000 × 1.1 = 22,000" in page) == (True, True)
    data = {"quality": "high", "reason": "chain", "part": "link 1",
            f"share_{cast.team_lead.id}": "1", f"share_{cast.colleague.id}": "3"}  # fmt: skip

    assert client.post(f"{STAFF}/new?report=R-0001", data=data).status_code == 302

    award = session.scalars(sa.select(Award)).one()
    assert (award.part, award.severity, award.amount) == ("link 1", Severity.IMPORTANT, 22_000)
    assert [(share.weight, share.amount) for share in award.shares] == [(1, 5_500), (3, 16_500)]


def test_a_correction_by_its_pages_and_in_words(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    jury.award(quality=Quality.MEDIUM, paid=True)
    sign_in(client, cast.triager)
    data = {"quality": "high", "reason": "standard"}
    answer = client.post(f"{STAFF}/new?report=R-0001", data=data)
    assert (answer.status_code, "Say why: the researcher reads it." in answer.text) == (422, True)
    assert client.post(f"{STAFF}/new?report=R-0001", data=data | {"because": "a second link"}).status_code == 302
    sign_in(client, cast.researcher)
    assert "second link" not in client.get(MINE).text
    sign_in(client, cast.lead)
    assert client.post(f"{STAFF}/2/approve").status_code == 302

    sign_in(client, cast.researcher)
    page = client.get(MINE).text
    for words in ("Awarded $24,000.", "Raised by $24,000 to $48,000: a second link", "Still to come to you"):
        assert words in page
    sign_in(client, cast.triager)
    assert client.post(f"{STAFF}/2/void", data={"because": ""}).status_code == 422
    assert client.post(f"{STAFF}/2/void", data={"because": "known before"}).status_code == 302
    sign_in(client, cast.lead)
    assert client.post(f"{STAFF}/3/approve").status_code == 302
    assert session.get_one(Award, 3).kind is Entry.VOID
    page = client.get(f"{STAFF}/3").text
    assert ("Overpaid" in page, "$24,000 more than the award says now" in page) == (True, True)
    page = client.get(f"{STAFF}/payments?state=all").text
    assert ("The books are even" in page, "Overpaid" in page) == (True, True)


def test_sent_back_and_a_conflict_by_their_pages(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    jury.propose()
    jury.session.commit()
    sign_in(client, cast.lead)
    assert client.post(f"{STAFF}/1/return").status_code == 422
    assert client.post(f"{STAFF}/1/return", data={"reason": "look at the second link"}).status_code == 302
    sign_in(client, cast.triager)
    assert "look at the second link" in client.get(f"{STAFF}/new?report=R-0001").text
    assert "A-1" in client.get(STAFF).text
    client.post(f"{STAFF}/new?report=R-0001", data={"quality": "high", "reason": "standard"})
    sign_in(client, cast.second_triager)
    assert client.post(f"{STAFF}/2/conflict").status_code == 302
    page = client.get(f"{STAFF}/2").text
    assert ("You have a conflict of interest" in page, "/2/approve" in page) == (True, False)
    assert client.post(f"{STAFF}/2/approve").status_code == 422


def test_a_file_for_the_bank_and_what_comes_back(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    cast.researcher.name = "=cmd|' /C calc'!A0"
    jury.award()
    jury.award(jury.report())
    sign_in(client, cast.finance)
    assert client.post(f"{STAFF}/batches").headers["Location"].endswith(f"{STAFF}/batches/1")
    assert client.post(f"{STAFF}/batches").status_code == 422
    file = client.get(f"{STAFF}/batches/1.csv").text
    assert file.splitlines()[:2] == [
        "payment,batch,name,email,award,report,amount,currency",
        "P-1,B-1,'=cmd|' /C calc'!A0,rosa-researcher@example.org,A-1,R-0001,48000.00,USD",
    ]
    assert client.get(f"{STAFF}/batches/1.csv").text == file
    assert "Without a result" in client.get(f"{STAFF}/batches/1").text

    lines = file.splitlines()
    text = "\n".join([f"{lines[0]},result,reference,reason", f"{lines[1]},paid,SEPA-1,", f"{lines[2]},maybe,,"])
    answer = client.post(f"{STAFF}/results", data={"text": text})
    assert (answer.status_code, "Write “paid” or “failed”." in answer.text) == (422, True)
    assert {payment.state for payment in session.scalars(sa.select(Payment))} == {PaymentState.SENT}
    session.expire_all()
    upload = {"file": (BytesIO(text.replace("maybe,,", "failed,,closed").encode()), "bank.csv")}
    assert client.post(f"{STAFF}/results", data=upload).status_code == 302
    session.expire_all()
    states = session.scalars(sa.select(Payment.state).order_by(Payment.id)).all()
    assert states == [PaymentState.PAID, PaymentState.FAILED]
    again = {"text": text.replace("maybe,,", "failed,,closed")}
    page = client.get(client.post(f"{STAFF}/results", data=again).headers["Location"])
    assert "0 results are noted. 2 were known already." in page.text


def test_faulty_rows_are_skipped_only_when_that_is_said(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    jury.award()
    sign_in(client, cast.finance)
    client.post(f"{STAFF}/batches")
    text = "payment,result,reference\nP-1,paid,SEPA-1\nP-9,paid,SEPA-2\n"

    assert client.post(f"{STAFF}/results", data={"text": text, "good": "2"}).status_code == 422
    assert client.post(f"{STAFF}/results", data={"text": text, "good": "1"}).status_code == 302
    assert session.scalars(sa.select(Payment.state)).one() is PaymentState.PAID


@pytest.mark.parametrize("data", [{"text": ""}, {"text": "x" * 1_000_001}, {"text": "result\npaid"}])
def test_what_is_no_table_is_told(client: FlaskClient, cast: Cast, jury: Jury, data: dict[str, str]) -> None:
    sign_in(client, cast.finance)

    assert client.post(f"{STAFF}/results", data=data).status_code == 422


def test_a_member_reads_no_reference_of_another(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    award = jury.award(jury.report(participant=cast.team), paid=True)
    own = {payment.account_id: payment.reference for payment in jury.payments(award)}
    sign_in(client, cast.colleague)

    page = client.get(MINE).text

    assert (own[cast.colleague.id] in page, own[cast.team_lead.id] in page) == (True, False)
    assert "The portal keeps no bank accounts." in page


def test_the_pages_of_money_cost_the_same_for_few_and_for_many(
    client: FlaskClient, cast: Cast, jury: Jury, statements: list[str]
) -> None:
    def cost() -> list[int]:
        found = []
        for who, path in ((cast.finance, f"{STAFF}/payments?state=all"), (cast.finance, f"{STAFF}/payments.csv"),
                          (cast.team_lead, MINE), (cast.finance, f"{STAFF}/batches/1")):  # fmt: skip
            sign_in(client, who)
            client.get(path)
            statements.clear()
            assert client.get(path).status_code == 200
            found.append(len(statements))
        return found

    jury.award(jury.report(participant=cast.team))
    sign_in(client, cast.finance)
    client.post(f"{STAFF}/batches")
    jury.award(jury.report(participant=cast.team))
    few = cost()
    for _ in range(12):
        jury.award(jury.report(participant=cast.team))

    assert cost() == few
