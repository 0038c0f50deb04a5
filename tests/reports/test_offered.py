"""What the rules would refuse is not offered; the page says why in its place. And links in what programs read."""

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.reports import commitments, rules, states
from portal.reports.actions import known
from portal.reports.actions import links as actions
from portal.reports.actions.keys import make_token
from portal.reports.models import Report
from portal.reports.queries import links
from portal.reports.queries.known import numbered
from portal.reports.states import LinkKind, ReportState, Severity
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk

HERE, STAFF = "/challenges/test-challenge/reports", "/staff/test-challenge/reports"
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def report(session: Session, cast: Cast, desk: Desk) -> Report:
    """A fixed report with two links, of which one is confirmed and the other not decided."""
    report = desk.in_state(ReportState.REPRODUCING)
    given = [
        rules.LinkText("Into it", LinkKind.ENTRY, None, "a foot in"), rules.LinkText("Out", LinkKind.OTHER, "a foot in")
    ]  # fmt: skip
    actions.add_links(session, report, given, by=cast.triager.id, at=NOON)
    decide(session, cast, report, 1, states.CONFIRM_LINK, rules.Verdict(severity=Severity.IMPORTANT))
    for name in ("confirm", "fix"):
        desk.move(report, name, at=LATER)
    session.commit()
    return desk.again(report)


def decide(session: Session, cast: Cast, report: Report, number: int, step: object, verdict: rules.Verdict) -> None:
    link = links.numbered(session, report.id, number)
    actions.decide_link(session, report, link, step, verdict, by=cast.triager.id, at=LATER)  # type: ignore[arg-type]
    session.commit()


def test_verified_is_not_offered_while_a_link_is_undecided(
    client: FlaskClient, session: Session, cast: Cast, report: Report
) -> None:
    sign_in(client, cast.researcher)
    page = client.get(f"{HERE}/{report.ref}").text

    assert 'value="verify"' not in page
    assert "“Verified: it is fixed” is not possible yet: Link 2 is not decided yet." in page
    assert 'value="dispute"' in page
    decide(session, cast, report, 2, states.BY_DESIGN_LINK, rules.Verdict(mitigating_layer="The manifest"))
    page = client.get(f"{HERE}/{report.ref}").text
    assert ('value="verify"' in page, "is not possible yet" in page) == (True, False)
    assert client.post(f"{HERE}/{report.ref}/move", data={"move": "verify"}).status_code == 302


def test_the_team_is_not_offered_to_close_it_either(
    client: FlaskClient, session: Session, cast: Cast, report: Report
) -> None:
    sign_in(client, cast.triager)
    page = client.get(f"{STAFF}/{report.ref}").text

    assert 'name="move" value="close"' not in page
    assert "“Close” is not possible now: Link 2 is not decided yet." in page
    assert "Nothing more is to be done now." in page
    assert "close" not in [each["name"] for each in client.get(f"{STAFF}/{report.ref}.json").json["moves"]]
    decide(session, cast, report, 2, states.BY_DESIGN_LINK, rules.Verdict(mitigating_layer="The manifest"))
    assert 'name="move" value="close"' in client.get(f"{STAFF}/{report.ref}").text
    assert [each["name"] for each in client.get(f"{STAFF}/{report.ref}.json").json["moves"]] == ["close"]


def test_no_whole_ending_is_offered_beside_a_good_link(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    report = desk.in_state(ReportState.REPRODUCING)
    actions.add_links(session, report, [rules.LinkText("One")], by=cast.triager.id, at=NOON)
    sign_in(client, cast.triager)
    assert 'value="by-design"' in client.get(f"{STAFF}/{report.ref}").text

    decide(session, cast, report, 1, states.CONFIRM_LINK, rules.Verdict(severity=Severity.LOW))

    page = client.get(f"{STAFF}/{report.ref}").text
    for name in ("by-design", "duplicate", "not-reproducible", "out-of-scope"):
        assert f'name="move" value="{name}"' not in page
    assert 'name="move" value="confirm"' in page
    assert "“Mark as duplicate” is not possible now: Link 1 is confirmed" in page


def test_the_only_good_link_of_a_confirmed_report_stays(
    client: FlaskClient, session: Session, cast: Cast, report: Report
) -> None:
    sign_in(client, cast.triager)
    page = client.get(f"{STAFF}/{report.ref}/chain").text

    assert f"{report.ref}/chain/1/fix" in page
    for name in ("duplicate", "by-design", "reopen"):
        assert f"{report.ref}/chain/1/{name}" not in page
    assert "link 1 is all of it that is confirmed. Confirm another link first." in page
    assert f"{report.ref}/chain/2/confirm" in page


def test_a_known_issue_is_offered_only_where_it_proves_something(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    salt = "ab" * 32
    first = commitments.commitment(cast.slug, salt, "Early")
    known.commit(session, cast.challenge, [first], desk.signer, by=cast.triager.id, at=NOON - timedelta(days=9))
    report = desk.in_state(ReportState.REPRODUCING)
    late = commitments.commitment(cast.slug, salt, "Late")
    known.commit(session, cast.challenge, [late], desk.signer, by=cast.triager.id, at=LATER)
    actions.add_links(session, report, [rules.LinkText("One")], by=cast.triager.id, at=NOON)
    known.reveal(session, numbered(session, cast.challenge.id, 2), salt, "Late", by=cast.triager.id, at=LATER)
    session.commit()
    sign_in(client, cast.triager)

    page = client.get(f"{STAFF}/{report.ref}/chain").text
    assert (f"{report.ref}/chain/1/known" in page, "none of its links can be marked as known" in page) == (False, True)
    known.reveal(session, numbered(session, cast.challenge.id, 1), salt, "Early", by=cast.triager.id, at=LATER)
    session.commit()

    page = client.get(f"{STAFF}/{report.ref}/chain").text
    assert (f"{report.ref}/chain/1/known" in page, ">K-1</option>" in page, ">K-2<" in page) == (True, True, False)
    told = {"known_issue": "2", "message": ""}
    assert client.post(f"{STAFF}/{report.ref}/chain/1/known", data=told).status_code == 422
    assert client.post(f"{STAFF}/{report.ref}/chain/1/known", data=told | {"known_issue": "1"}).status_code == 302


def test_programs_read_the_links_with_their_states(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, report: Report
) -> None:
    first = desk.receive(cast.team.members[0], at=NOON - timedelta(days=1))
    actions.add_links(session, first, [rules.LinkText("The same")], by=cast.triager.id, at=NOON)
    verdict = rules.Verdict(duplicate_of=(first, links.numbered(session, first.id, 1)))
    decide(session, cast, report, 2, states.DUPLICATE_LINK, verdict)
    decide(session, cast, report, 1, states.FIX_LINK, rules.Verdict(fixed_release="20.07", fixed_on=date(2020, 7, 21)))
    secret = make_token(session, cast.challenge.id, "portal-triage", by=cast.triager.id, at=NOON)
    session.commit()
    bearer = {"Authorization": f"Bearer {secret}"}

    listed = {each["ref"]: each["links"] for each in client.get(f"{STAFF}.json", headers=bearer).json["reports"]}
    shown = client.get(f"{STAFF}/{report.ref}.json", headers=bearer).json["links"]

    nothing = dict.fromkeys(
        ("severity", "achieved", "duplicate_of", "known_issue", "mitigating_layer", "fixed_release", "fixed_on")
    )
    since = "2020-06-15T13:00:00Z"
    assert shown == listed[report.ref] == [
        {
            **nothing, "number": 1, "title": "Into it", "kind": "entry", "assumes": None, "gives": "a foot in",
            "state": "fixed", "state_since": since, "severity": "important", "fixed_release": "20.07",
            "fixed_on": "2020-07-21",
        },
        {
            **nothing, "number": 2, "title": "Out", "kind": "other", "assumes": "a foot in", "gives": None,
            "state": "duplicate", "state_since": since, "duplicate_of": f"{first.ref}/1",
        },
    ]  # fmt: skip
    assert [link["state"] for link in listed[first.ref]] == ["open"]


def test_the_list_for_programs_costs_the_same_for_many_links(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, statements: list[str]
) -> None:
    sign_in(client, cast.triager)

    def cost(count: int) -> int:
        for _ in range(count):
            texts = [rules.LinkText("One"), rules.LinkText("Two")]
            actions.add_links(session, desk.receive(), texts, by=cast.triager.id, at=NOON)
        session.commit()
        client.get(f"{STAFF}.json")
        statements.clear()
        client.get(f"{STAFF}.json")
        return len(statements)

    assert cost(2) == cost(4)


def test_the_word_to_whoever_takes_over_is_on_the_list_too(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    refs = [desk.receive().ref, desk.receive().ref]
    sign_in(client, cast.triager)
    assert 'name="hand_over"' in client.get(STAFF).text

    told = {"assignee": str(cast.second_triager.id), "hand_over": "I am away.", "report": refs}
    assert client.post(f"{STAFF}/assign", data=told).status_code == 302

    for ref in refs:
        assert "I am away." in client.get(f"{STAFF}/{ref}").text
