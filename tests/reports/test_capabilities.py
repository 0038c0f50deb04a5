"""Capabilities: what reports assume and give, and which of them go together."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.reports import rules
from portal.reports.actions import capabilities as actions
from portal.reports.actions import drafts
from portal.reports.actions import links as chains
from portal.reports.models import Capability, Report
from portal.reports.queries import capabilities, links, reports
from portal.reports.states import ReportKind, ReportState, Severity
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk

STAFF, PUBLIC = "/staff/test-challenge/capabilities", "/challenges/test-challenge/capabilities"


@pytest.fixture
def code(session: Session, cast: Cast) -> Capability:
    """Code in an application."""
    made = actions.add(session, cast.challenge, "APP-CODE", "code in an application", None, by=cast.triager.id, at=NOON)
    session.commit()
    return made


@pytest.fixture
def pair(session: Session, cast: Cast, desk: Desk) -> tuple[Report, Report]:
    """A report of the team with a link, and one of the researcher that assumes something."""
    giving = desk.in_state(ReportState.REPRODUCING, cast.team.members[0])
    chains.add_links(session, giving, [rules.LinkText("Into it")], by=cast.triager.id, at=NOON)
    given = drafts.Particulars("B", Severity.LOW, "20.06", ReportKind.ASSUMING, "code in an application")
    begun = drafts.begin_report(session, cast.challenge, cast.member, given, at=NOON)
    session.commit()
    data = desk.seal(100)
    desk.send(desk.upload(begun, length=len(data)), data)
    assuming = desk.again(begun)
    drafts.submit(session, assuming, desk.signer, by=assuming.submitted_by_id, at=NOON)
    session.commit()
    return desk.again(giving), desk.again(assuming)


def test_reports_that_fit_are_offered_and_joined_once(
    session: Session, cast: Cast, code: Capability, pair: tuple[Report, Report]
) -> None:
    (giving, assuming), by = pair, cast.triager.id
    with pytest.raises(Refused, match=r"Say first that TCR-0001 gives APP-CODE, and that TCR-0002 assumes it"):
        actions.join(session, giving, assuming, code, by=by, at=NOON)
    actions.assume(session, assuming, code, by=by, at=NOON)
    actions.give(session, giving, links.numbered(session, giving.id, 1), code, by=by, at=NOON)
    [place] = capabilities.places(session, cast.challenge.id)
    assert place.offers(set()) == [(giving, assuming)]

    actions.join(session, giving, assuming, code, by=by, at=NOON)
    session.commit()

    assert place.offers({(giving.id, assuming.id)}) == []
    assert len(capabilities.with_report(session, assuming, reader=cast.triager.id)) == 1
    # Across participants it is for the team's eyes.
    assert capabilities.with_report(session, assuming) == []
    assert "join" not in [event.what for event in reports.events(session, assuming, told_only=True)]
    with pytest.raises(Conflict, match="go together already"):
        actions.join(session, giving, assuming, code, by=by, at=NOON)


def test_a_whole_report_assumes_nothing(session: Session, cast: Cast, code: Capability, desk: Desk) -> None:
    with pytest.raises(Refused, match="stands on its own"):
        actions.assume(session, desk.receive(), code, by=cast.triager.id, at=NOON)


def test_the_list_is_public_and_tells_of_no_report(
    client: FlaskClient, session: Session, cast: Cast, code: Capability, pair: tuple[Report, Report]
) -> None:
    actions.assume(session, pair[1], code, by=cast.triager.id, at=NOON)
    session.commit()

    page = client.get(PUBLIC).text

    assert "code in an application" in page
    assert "TCR-" not in page
    assert "are welcome" in client.get("/challenges/test-challenge/rules").text


def test_triagers_relate_and_join_by_forms(
    client: FlaskClient, session: Session, cast: Cast, pair: tuple[Report, Report]
) -> None:
    giving, assuming = pair
    sign_in(client, cast.triager)

    def send(path: str, status: int = 302, **data: str) -> str:
        answer = client.post(f"{STAFF}{path}", data=data)
        assert answer.status_code == status, answer.text
        return answer.text

    assert "Like APP-CODE." in send("", 422, code="app code", words="code in an application")
    send("", code="APP-CODE", words="code in an application")
    send("", 409, code="APP-CODE", words="again")
    told = {"capability": "APP-CODE"}
    assert "A report assumes, a link gives" in send("/relate", 422, report=giving.ref, how="gives", **told)
    assert "A report assumes, a link gives" in send("/relate", 422, report=f"{assuming.ref}/1", how="assumes", **told)
    assert "no such report or link" in send("/relate", 422, report="TCR-0099", how="assumes", **told)
    send("/relate", report=assuming.ref, how="assumes", **told)
    send("/relate", report=f"{giving.ref}/1", how="gives", **told)
    assert f"Join {giving.ref} and {assuming.ref}" in client.get(STAFF).text
    send("/join", 422, giving=giving.ref)
    send("/join", giving=giving.ref, assuming=assuming.ref, **told)
    send("/join", 409, giving=giving.ref, assuming=assuming.ref, **told)

    assert "Goes together with" in client.get(f"/staff/test-challenge/reports/{giving.ref}").text
    sign_in(client, cast.researcher)
    assert "Goes together with" not in client.get(f"/challenges/test-challenge/reports/{assuming.ref}").text
