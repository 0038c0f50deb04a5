"""The queue: paging, filters, and what it costs."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications import queries
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.core.errors import NotFound
from portal.core.todo import Queue, Task
from portal.selection.queries import queue as lists
from portal.selection.queries.queue import Filter
from tests.applications.conftest import Desk
from tests.cast import NOON, Cast, make_challenge

LEAD = Filter(full=True)


def names(session: Session, cast: Cast, chosen: Filter) -> list[str]:
    return [row.name for row in lists.queue(session, cast.challenge.id, chosen).rows]


def walk(session: Session, cast: Cast, chosen: Filter, monkeypatch: pytest.MonkeyPatch, size: int) -> list[str]:
    """All pages of a list, one after another."""
    monkeypatch.setattr(lists, "PAGE", size)
    found: list[str] = []
    after = None
    while True:
        page = lists.queue(session, cast.challenge.id, chosen, after)
        found += [row.name for row in page.rows]
        after = page.next
        if after is None:
            return found


def scored(session: Session, desk: Desk) -> None:
    """Nine applications: A and B without a score, the rest in pairs."""
    for name, score in zip("ABCDEFGHI", [None, None, 1.0, 1.0, 2.5, 2.5, 10 / 3, 10 / 3, 5.0], strict=True):
        desk.crowd([name], score_mean=score, review_count=0 if score is None else 3)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
@pytest.mark.parametrize(("sort", "order"), [("-score", "IHGFEDCBA"), ("score", "CDEFGHIAB"), ("name", "ABCDEFGHI"),
                                            ("-name", "IHGFEDCBA")])  # fmt: skip
def test_pages_follow_each_other_whatever_the_order(
    session: Session, desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch, size: int, sort: str, order: str
) -> None:
    scored(session, desk)
    assert "".join(walk(session, cast, Filter(sort=sort, full=True), monkeypatch, size)) == order


def test_by_time(session: Session, desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.crowd(["newest", "middle", "oldest"])
    assert walk(session, cast, Filter(sort="submitted", full=True), monkeypatch, 2) == ["oldest", "middle", "newest"]
    assert walk(session, cast, Filter(sort="-submitted", full=True), monkeypatch, 2) == ["newest", "middle", "oldest"]


def test_whoever_may_not_see_scores_does_not_sort_by_them(session: Session, desk: Desk, cast: Cast) -> None:
    desk.crowd(["low"], score_mean=1.0, review_count=1)
    desk.crowd(["high"], score_mean=5.0, review_count=1)
    assert names(session, cast, Filter(full=True)) == ["high", "low"]
    assert names(session, cast, Filter(sort="-score")) == names(session, cast, Filter(sort="score")) == ["low", "high"]


def test_a_token_that_is_none_is_no_page(session: Session, cast: Cast) -> None:
    with pytest.raises(NotFound):
        lists.queue(session, cast.challenge.id, LEAD, "abc")


def test_filters(session: Session, desk: Desk, cast: Cast) -> None:
    desk.submitted(content=desk.content("H1", "G2", name="Ada"))
    desk.crowd(["Bo"], country="JP", affiliation="Vendor 100%_Lab")
    desk.crowd(["Cy"], handle="zero_cool", pending_decision=Decision.INVITE, pending_at=NOON)

    def shown(**changes: str) -> list[str]:
        return names(session, cast, Filter(sort="name", full=True, **changes))

    assert shown() == ["Ada", "Bo", "Cy"]
    assert shown(country="JP") == ["Bo"]
    assert shown(scenario="H1") == ["Ada"]
    assert shown(scenario="G1") == []
    assert shown(text="VENDOR") == ["Bo"]
    assert shown(text="100%_L") == ["Bo"]
    assert shown(text="%") == ["Bo"]
    assert shown(text="zero_") == ["Cy"]
    assert shown(text="ada-applicant@example.org") == ["Ada"]
    assert shown(pending="invite") == ["Cy"]
    assert shown(pending="none") == ["Ada", "Bo"]
    assert shown(pending="nonsense") == []
    assert shown(state="declined") == shown(state="nonsense") == []


def test_what_is_meant_and_addresses_are_no_filters_for_reviewers(session: Session, desk: Desk, cast: Cast) -> None:
    desk.crowd(["Cy"], pending_decision=Decision.INVITE, pending_at=NOON)
    desk.submitted(content=desk.content(name="Ada"))
    for pending in ("invite", "decline", "none"):
        assert len(names(session, cast, Filter(pending=pending))) == 2
    assert names(session, cast, Filter(text="ada-applicant@")) == []


def test_counts_by_state_leave_the_state_out(session: Session, desk: Desk, cast: Cast) -> None:
    desk.crowd(["a", "b"], country="JP")
    desk.crowd(["c"], state=ApplicationState.WITHDRAWN, country="JP")
    desk.crowd(["d"])
    chosen = Filter(state="withdrawn", country="JP")
    assert lists.by_state(session, cast.challenge.id, chosen) == {
        ApplicationState.SUBMITTED: 2, ApplicationState.WITHDRAWN: 1,
    }  # fmt: skip
    assert lists.count(session, cast.challenge.id, chosen) == 1


def test_drafts_and_foreign_applications_are_not_there(session: Session, desk: Desk, cast: Cast) -> None:
    draft = desk.draft()
    other = make_challenge(session, "other", "Other")
    seen = desk.submitted(cast.stranger)

    assert names(session, cast, LEAD) == ["Sam Stranger"]
    assert queries.application(session, cast.challenge.id, seen.id).name == "Sam Stranger"
    with pytest.raises(NotFound):
        queries.application(session, cast.challenge.id, draft.id)
    with pytest.raises(NotFound):
        queries.application(session, other.id, seen.id)
    assert queries.mine(session, cast.challenge.id, cast.researcher.id) is None


def test_a_page_costs_two_statements_and_no_long_text(
    session: Session, desk: Desk, cast: Cast, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 300)
    costs, challenge_id = [], cast.challenge.id
    for number in (3, 297):
        desk.crowd([f"{number} {n}" for n in range(number)])
        session.expire_all()
        session.connection()
        statements.clear()
        page = lists.queue(session, challenge_id, LEAD)
        _ = [(row.name, [scenario.code for scenario in row.scenarios]) for row in page.rows]
        costs.append(len([text for text in statements if text.startswith("SELECT")]))
        assert "experience" not in " ".join(statements)
    assert (len(page.rows), costs) == (300, [2, 2])
    with pytest.raises(sa.exc.InvalidRequestError):
        _ = page.rows[0].experience


def test_a_draft_is_a_task_while_applications_are_open(session: Session, desk: Desk, cast: Cast) -> None:
    challenge = cast.challenge
    assert queries.tasks(session, challenge, cast.applicant, NOON) == []
    application = desk.draft()
    assert queries.tasks(session, challenge, cast.applicant, NOON) == [
        Task("Submit your application", "/challenges/test-challenge/apply", challenge.apply_until,
             "So far it is a draft that nobody reads.")
    ]  # fmt: skip
    assert queries.tasks(session, challenge, cast.stranger, NOON) == []
    assert queries.tasks(session, challenge, cast.applicant, challenge.apply_until) == []
    session.execute(
        sa.update(Application)
        .where(Application.id == application.id)
        .values(state=ApplicationState.SUBMITTED, submitted_at=NOON)
    )
    assert queries.tasks(session, challenge, cast.applicant, NOON) == []


def test_the_queue_of_the_staff(session: Session, desk: Desk, cast: Cast) -> None:
    desk.crowd(["a", "b", "c"])
    told = queries.queues(session, cast.challenge, frozenset({Role.REVIEWER}), NOON)
    assert told == [
        Queue("Applications without an answer", "/staff/test-challenge/applications?state=submitted", 3,
              NOON - timedelta(minutes=2))
    ]  # fmt: skip
    assert queries.queues(session, cast.challenge, frozenset({Role.HOST}), NOON) == []
