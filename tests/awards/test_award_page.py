"""What an award's page offers to whom, and in which order it tells what happened."""

import re

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.awards.conftest import Jury
from tests.cast import Cast, sign_in

STAFF = "/staff/test-challenge/awards"
DECIDE, REPORT = 'id="decide"', '<a href="/staff/test-challenge/reports/R-0001">R-0001</a>'


def test_nothing_is_left_to_decide_for_the_proposer_of_what_is_decided(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    award = jury.propose()
    session.commit()
    sign_in(client, cast.triager)
    assert DECIDE in client.get(f"{STAFF}/{award.id}").text

    jury.decide(award, "approve", cast.second_triager.id)
    session.commit()
    assert DECIDE not in client.get(f"{STAFF}/{award.id}").text
    for name in ("return", "reject"):
        other = jury.propose(jury.report())
        jury.decide(other, name, cast.second_triager.id, reason="no")
        session.commit()
        # What came back can still be withdrawn.
        assert (DECIDE in client.get(f"{STAFF}/{other.id}").text) == (name == "return")


def test_what_happened_last_stands_first(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    award = jury.award(paid=True)
    sign_in(client, cast.finance)

    page = client.get(f"{STAFF}/{award.id}").text

    titles = re.findall(r'<p class="timeline-title">(.*?)</p>', page)
    assert titles == ["Paid, P-1", "Sent, P-1", "Approved", "Proposed"]


def test_the_report_is_a_link_for_those_who_may_read_it(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    award = jury.award()
    for person, linked in ((cast.second_triager, True), (cast.lead, False), (cast.finance, False)):
        sign_in(client, person)
        page = client.get(f"{STAFF}/{award.id}").text
        assert (REPORT in page) == linked
        assert "R-0001" in page


def test_what_is_seldom_next_is_red_in_its_question_alone(client: FlaskClient, cast: Cast, jury: Jury) -> None:
    jury.award(paid=True)
    sign_in(client, cast.finance)
    for page in (f"{STAFF}/1", f"{STAFF}/payments/1"):
        text = client.get(page).text
        assert '<summary class="btn btn-quiet">Mark as failed…</summary>' in text
        assert re.search(r'<button[^>]*class="btn btn-danger"[^>]*>Mark as failed</button>', text), page
