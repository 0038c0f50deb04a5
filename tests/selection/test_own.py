"""Whoever chooses may have applied as well: nowhere do they read what becomes of their own application."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.selection.actions import bulk, drafts, saved
from portal.selection.queries import queue as lists
from portal.selection.queries.asked import filter_from
from portal.selection.rules.bulk import Values
from portal.selection.states import BulkVerb
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import STAFF, Bench

MINE, OTHERS = "Zelda Zweifel", "Otto Other"


def applied(bench: Bench, who: Account) -> Application:
    """Their application, which another lead means to decline, and one of somebody else's."""
    mine = bench.submitted(who, bench.content(name=MINE))
    (other,) = bench.crowd([OTHERS])
    for row in (mine, other):
        row.pending_decision, row.pending_at = Decision.DECLINE, NOON
        row.review_count, row.score_mean, row.score_adjusted, row.score_error = 1, 2.5, 2.5, 0.5
        row.in_review = True
    bench.session.commit()
    return mine


@pytest.mark.parametrize(
    "query",
    ["", "?pending=decline", "?sort=-score", "?low=2&high=3", "?q=Zweifel", "?state=submitted", "?second=yes",
     "?country=FR"],
)  # fmt: skip
@pytest.mark.parametrize("role", ["lead", "reviewer"])
def test_no_list_shows_it(client: FlaskClient, bench: Bench, query: str, role: str) -> None:
    who = getattr(bench.cast, role)
    applied(bench, who)
    sign_in(client, who)
    for page in ("applications", "applications.csv"):
        answer = client.get(f"{STAFF}/{page}{query}")
        assert answer.status_code == 200
        assert MINE not in answer.text
        assert (OTHERS in answer.text) == (query not in ("?q=Zweifel", "?country=FR"))


def test_everybody_else_sees_it(client: FlaskClient, bench: Bench) -> None:
    applied(bench, bench.cast.reviewer)
    sign_in(client, bench.cast.lead)
    assert MINE in client.get(f"{STAFF}/applications").text


def test_counts_and_changes_of_all_leave_it_out(session: Session, bench: Bench) -> None:
    lead, challenge = bench.cast.lead, bench.cast.challenge
    mine = applied(bench, lead)
    chosen = lists.without_own(session, challenge.id, filter_from({}, full=True, me=lead.id), lead.id)
    assert lists.by_state(session, challenge.id, chosen) == {ApplicationState.SUBMITTED: 1}
    assert saved.keep_view(session, challenge, "All", "state=submitted", by=lead.id, at=NOON).counted == 1
    made = bulk.ask(session, challenge, chosen, BulkVerb.FLAG, Values(flag="seen"), count=1, by=lead.id, at=NOON)
    session.commit()
    session.refresh(mine)
    assert (made.done, made.skipped, mine.flags) == (1, 0, [])


def test_a_bulk_change_that_is_asked_for_by_all_counts_without_it(client: FlaskClient, bench: Bench) -> None:
    applied(bench, bench.cast.lead)
    sign_in(client, bench.cast.lead)
    answer = client.post(f"{STAFF}/bulk?state=submitted", data={"verb": "flag", "all": "y", "count": "1", "flag": "x"})
    assert (answer.status_code, answer.location) == (302, f"{STAFF}/applications?state=submitted")


def test_neither_draft_nor_waiting_list_shows_it(client: FlaskClient, session: Session, bench: Bench) -> None:
    lead = bench.cast.lead
    mine = applied(bench, lead)
    made = bench.what_if()
    drafts.solve_draft(session, made, by=lead.id, at=NOON)
    session.commit()
    sign_in(client, lead)
    for query in ("", "?taken=yes", "?q=Zweifel"):
        assert MINE not in client.get(f"{STAFF}/selection/drafts/1{query}").text
    with session.no_autoflush:
        mine.decided_at, mine.decided_by_id, mine.state = NOON, bench.cast.reviewer.id, ApplicationState.WAITLISTED
    mine.pending_decision, mine.pending_at = None, None
    session.commit()
    assert MINE not in client.get(f"{STAFF}/waitlist").text


def test_a_wave_shows_it_to_everybody_else(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    applied(bench, cast.lead)
    bench.wave()
    sign_in(client, cast.lead)
    assert MINE not in client.get(f"{STAFF}/waves/1").text
    answers = [client.get(f"{STAFF}/waves/1/mails/{number}{part}") for number in (1, 2) for part in ("", "/html")]
    assert sorted(answer.status_code for answer in answers) == [200, 200, 403, 403]
    assert all(MINE not in answer.text for answer in answers)


def test_reviewing_it_shows_nothing(client: FlaskClient, bench: Bench) -> None:
    mine = applied(bench, bench.cast.reviewer)
    sign_in(client, bench.cast.reviewer)
    for method, address in (("GET", f"applications/{mine.id}"), ("POST", f"review/{mine.id}")):
        answer = client.open(f"{STAFF}/{address}", method=method)
        assert answer.status_code == 403
        assert MINE not in answer.text
