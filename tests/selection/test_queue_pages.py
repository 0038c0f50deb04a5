"""The staff's list of applications over HTTP."""

import csv
import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.states import Decision
from tests.cast import NOON, Cast, make_challenge, sign_in
from tests.selection.conftest import Bench

QUEUE = "/staff/test-challenge/applications"


@pytest.mark.parametrize("who", ["applicant", "researcher", "logistics", "host", "triager", "finance", "admin"])
def test_the_queue_is_for_lead_and_reviewers(client: FlaskClient, cast: Cast, who: str) -> None:
    account: Account = getattr(cast, who)
    sign_in(client, account)
    assert client.get(QUEUE).status_code == 403
    assert client.get(f"{QUEUE}.csv").status_code == 403


def test_the_lead_sees_scores_and_what_is_meant_and_reviewers_do_not(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.submitted()
    application.review_count, application.score_mean, application.score_adjusted = 2, 4.25, 4.25
    application.pending_decision, application.pending_at = Decision.INVITE, NOON
    session.commit()

    sign_in(client, cast.lead)
    page, table = client.get(QUEUE).text, client.get(f"{QUEUE}.csv").text
    for words in ("4.25", "invite"):
        assert words in page
        assert words in table
    assert "ada-applicant@example.org" in table
    sign_in(client, cast.reviewer)
    page, table = client.get(QUEUE).text, client.get(f"{QUEUE}.csv").text
    assert "Ada Applicant" in page
    assert "Ada Applicant" in table
    for words in ("4.25", "invite", "ada-applicant@example.org"):
        assert words not in page
        assert words not in table


def test_the_table_holds_what_is_shown_and_no_formula(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    bench.submitted(content=bench.content("H1", "G1", name='=HYPERLINK("x")', affiliation="+1", handle="@ada"))
    bench.crowd(["Bo"], country="JP")
    sign_in(client, cast.lead)

    answer = client.get(f"{QUEUE}.csv?country=FR")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="test-challenge-applications.csv"'
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["id", "state", "state_since", "submitted_at", "name", "handle", "affiliation", "country", "kind", "scenarios",
         "reviews", "score", "raw", "spread", "rank_best", "rank_worst", "triage", "in_review", "calibration", "flags",
         "cluster_id", "pending_decision", "needs_kit", "email"],
        ["1", "submitted", "2020-06-15T12:00:00Z", "2020-06-15T12:00:00Z", '\'=HYPERLINK("x")', "'@ada", "'+1", "FR",
         "single", "H1 G1", "0", "", "", "", "", "", "", "False", "False", "", "", "", "True",
         "ada-applicant@example.org"],
    ]  # fmt: skip


def test_the_page_costs_the_same_for_3_rows_and_for_300(
    client: FlaskClient, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    sign_in(client, cast.lead)
    costs = []
    for number in (3, 297):
        bench.crowd([f"{number} {n}" for n in range(number)])
        statements.clear()
        page = client.get(QUEUE)
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert 'rel="next"' in page.text
    assert page.text.count("<tr>") == 51


def test_empty_lists_say_what_will_be_there(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    sign_in(client, cast.lead)
    assert "Drafts stay with their writers" in client.get(QUEUE).text
    bench.submitted()
    assert "No application fits this filter" in client.get(f"{QUEUE}?q=nobody").text
    assert "Ada Applicant" in client.get(f"{QUEUE}?q=analytical&state=submitted&country=FR&scenario=G1").text


def test_applications_of_another_challenge_are_not_shown(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    bench.submitted()
    make_challenge(session, "other", "Other")
    sign_in(client, cast.lead)
    assert client.get("/staff/other/applications").status_code == 403
