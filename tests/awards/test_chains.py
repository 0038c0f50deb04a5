"""The chain beside an award: its links, what is joined to it, and who gets what, to those who may see it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import Role
from portal.awards import queries, rules
from portal.awards.states import Quality, Reason
from portal.challenges.models import Participant
from portal.reports import rules as reports
from portal.reports import states
from portal.reports.actions import capabilities, links
from portal.reports.models import Report
from portal.reports.queries.links import numbered
from portal.reports.states import ReportKind, Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast, sign_in

STAFF, MINE = "/staff/test-challenge/awards", "/challenges/test-challenge/awards"
LATER = NOON + timedelta(hours=2)
DECIDING = {Role.TRIAGER, Role.LEAD}


class Joined:
    """R-0001 of the team has two links, of which the first gives RIGHTS; R-0002 assumes it."""

    def __init__(self, session: Session, cast: Cast, jury: Jury, second: Participant) -> None:
        self.giving: Report = jury.report(Severity.CRITICAL, participant=cast.team)
        by = cast.triager.id
        given = [reports.LinkText("Into it"), reports.LinkText("Out of it")]
        links.add_links(session, self.giving, given, by=by, at=NOON)
        verdict = reports.Verdict(severity=Severity.IMPORTANT)
        link = numbered(session, self.giving.id, 1)
        links.decide_link(session, self.giving, link, states.CONFIRM_LINK, verdict, by=by, at=LATER)
        made = capabilities.add(session, cast.challenge, "RIGHTS", "more rights", None, by=by, at=NOON)
        self.assuming: Report = jury.report(
            Severity.CRITICAL, participant=second, kind=ReportKind.ASSUMING, capability="more rights",
            capability_id=made.id,
        )  # fmt: skip
        capabilities.give(session, self.giving, link, made, by=by, at=LATER)
        capabilities.join(session, self.giving, self.assuming, made, by=by, at=LATER)
        session.commit()


@pytest.mark.parametrize(
    ("start", "pairs", "found"),
    [
        (1, [], [1]),
        (1, [(2, 3)], [1]),
        (3, [(3, 1)], [3, 1]),
        (2, [(1, 2), (2, 3), (9, 8)], [1, 2, 3]),
        (1, [(3, 1), (3, 2)], [3, 1, 2]),
        (5, [(5, 2), (1, 2), (2, 4)], [1, 5, 2, 4]),
        # In a circle somebody has to be the first.
        (2, [(1, 2), (2, 1)], [1, 2]),
    ],
)  # fmt: skip
def test_what_hangs_together_is_in_its_order(start: int, pairs: list[tuple[int, int]], found: list[int]) -> None:
    assert rules.together(start, pairs) == found


def test_the_working_names_the_chain_and_who_gets_what(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    joined = Joined(session, cast, jury, cast.participant)
    first = jury.award(joined.giving, Quality.MEDIUM, part="link 1", reason=Reason.CHAIN)
    second = jury.propose(joined.assuming)
    session.commit()

    chain = queries.chain_of(session, joined.assuming, DECIDING, reader=cast.triager.id)
    assert chain is not None
    assert [(piece.report.ref, piece.link.number if piece.link else None, [each.id for each in piece.awards])
            for piece in chain.pieces] == [
        ("R-0001", 1, [first.id]), ("R-0001", 2, []), ("R-0002", None, [second.id]),
    ]  # fmt: skip
    assert first.working.splitlines()[0] == "Link 1 of 2 of R-0001: Into it"
    sign_in(client, cast.second_triager)
    for path in ("/1", "/2"):
        page = client.get(STAFF + path).text
        assert 'R-0001</span> gives RIGHTS, which <span class="mono">R-0002</span> assumes: more rights.' in page
        for words in ("R-0001, link 1", "R-0001, link 2", "Tamar Teamlead $5,500<", "Rosa Researcher $48,000"):
            assert words in page, words
    sign_in(client, cast.triager)
    page = client.get(f"{STAFF}/new?report=R-0002").text
    assert ("The chain, and who gets what" in page, "A-1</a>" in page, "$11,000" in page) == (True, True, True)


def test_ones_own_joined_reports_are_in_the_stored_working(session: Session, cast: Cast, jury: Jury) -> None:
    joined = Joined(session, cast, jury, cast.team)

    award = jury.propose(joined.assuming)

    assert award.working.splitlines()[0] == "R-0001 gives RIGHTS, which R-0002 assumes"


def test_nothing_of_anothers_report_reaches_the_participant(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    joined = Joined(session, cast, jury, cast.participant)
    jury.award(joined.giving, Quality.MEDIUM, part="link 1")
    award = jury.award(joined.assuming)
    session.commit()
    sign_in(client, cast.researcher)

    page = client.get(MINE).text

    assert "R-0001" not in award.working
    assert ("R-0002" in page, "R-0001" in page, "RIGHTS" in page, "Kestrel" in page) == (True, False, False, False)


def test_a_whole_that_hangs_together_with_nothing_has_no_chain(session: Session, cast: Cast, jury: Jury) -> None:
    Joined(session, cast, jury, cast.participant)
    other = jury.report()

    assert queries.chain_of(session, other, DECIDING, reader=0) is None
    assert "of R-" not in jury.propose(other).working


def test_finance_sees_of_the_chain_what_is_approved(session: Session, cast: Cast, jury: Jury) -> None:
    joined = Joined(session, cast, jury, cast.participant)
    first = jury.award(joined.giving, Quality.MEDIUM, part="link 1")
    jury.propose(joined.assuming)

    chain = queries.chain_of(session, joined.giving, {Role.FINANCE}, reader=cast.finance.id)

    assert chain is not None
    assert [award.id for piece in chain.pieces for award in piece.awards] == [first.id]


def test_ones_own_part_of_a_chain_is_kept_from_a_triager(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    joined = Joined(session, cast, jury, cast.participant)
    jury.award(joined.giving, Quality.MEDIUM, part="link 1")
    award = jury.award(joined.assuming)
    session.add(RoleGrant(account_id=cast.colleague.id, role=Role.TRIAGER, scope=cast.slug, granted_at=NOON))
    session.commit()
    sign_in(client, cast.colleague)

    page = client.get(f"{STAFF}/{award.id}").text

    # Nothing tells that there is more: it looks like a report that is one whole.
    assert ("who gets what" in page, "what may be your own" in page) == (False, False)
    assert ("R-0001" in page, "RIGHTS" in page, "R-0002" in page) == (False, False, True)


# --- what cannot work is not offered ---


def test_approving_is_not_offered_where_the_link_came_to_nothing(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    joined = Joined(session, cast, jury, cast.participant)
    by, link = cast.triager.id, numbered(session, joined.giving.id, 2)
    verdict = reports.Verdict(severity=Severity.LOW)
    links.decide_link(session, joined.giving, link, states.CONFIRM_LINK, verdict, by=by, at=LATER)
    award = jury.propose(joined.giving, Quality.MEDIUM, part="link 1")
    session.commit()
    sign_in(client, cast.lead)
    page = client.get(f"{STAFF}/{award.id}").text
    assert (f"{STAFF}/{award.id}/approve" in page, "cannot be approved as it is" in page) == (True, False)

    again = reports.Verdict(mitigating_layer="The manifest")
    first = numbered(session, joined.giving.id, 1)
    links.decide_link(session, joined.giving, first, states.BY_DESIGN_LINK, again, by=by, at=LATER)
    session.commit()

    page = client.get(f"{STAFF}/{award.id}").text
    assert (f"{STAFF}/{award.id}/approve" in page, f"{STAFF}/{award.id}/reject" in page) == (False, True)
    assert "It cannot be approved as it is: Only a confirmed link is awarded. Link 1 is by design." in page


def test_nothing_is_worked_out_for_whoever_has_a_conflict(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    jury.award()
    award = jury.propose(jury.report())
    session.commit()
    sign_in(client, cast.second_triager)
    assert client.post(f"{STAFF}/{award.id}/conflict").status_code == 302

    page = client.get(f"{STAFF}/new?report=R-0001").text
    assert ("You have a conflict of interest here" in page, "Propose it</button>" in page) == (True, False)
    page = client.get(f"{STAFF}/1").text
    assert "Somebody else corrects it." in page
    assert ("Propose a correction" in page, f"{STAFF}/1/void" in page) == (False, False)


def test_a_second_proposal_is_not_offered_while_one_waits(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    report = jury.report()
    jury.award(report)
    waits = jury.propose(report, Quality.MEDIUM)
    session.commit()
    sign_in(client, cast.triager)

    page = client.get(f"{STAFF}/new?report={report.ref}").text
    assert f"{waits.reference} waits for a second person already." in page
    assert "Propose it</button>" not in page
    page = client.get(f"{STAFF}/1").text
    assert ("A correction waits for a second person" in page, "Propose a correction" in page) == (True, False)
    jury.decide(waits, "reject", cast.second_triager.id, reason="No.")
    session.commit()
    assert "Propose a correction" in client.get(f"{STAFF}/1").text
    assert "Propose it</button>" in client.get(f"{STAFF}/new?report={report.ref}").text
