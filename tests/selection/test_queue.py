"""The queue: paging, filters, and what it costs."""

import base64
import contextlib
import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications import queries
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision, Triage
from portal.core.errors import NotFound
from portal.selection.models import Assignment, Review
from portal.selection.queries import asked
from portal.selection.queries import queue as lists
from portal.selection.queries.queue import Filter
from tests.cast import NOON, Cast, make_challenge
from tests.selection.conftest import Bench

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


def scored(session: Session, bench: Bench) -> None:
    """Nine applications: A and B without a score, the rest in pairs."""
    for name, score in zip("ABCDEFGHI", [None, None, 1.0, 1.0, 2.5, 2.5, 10 / 3, 10 / 3, 5.0], strict=True):
        bench.crowd([name], score_mean=score, review_count=0 if score is None else 3)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
@pytest.mark.parametrize(("sort", "order"), [("-score", "IHGFEDCBA"), ("score", "CDEFGHIAB"), ("name", "ABCDEFGHI"),
                                            ("-name", "IHGFEDCBA")])  # fmt: skip
def test_pages_follow_each_other_whatever_the_order(
    session: Session, bench: Bench, cast: Cast, monkeypatch: pytest.MonkeyPatch, size: int, sort: str, order: str
) -> None:
    scored(session, bench)
    assert "".join(walk(session, cast, Filter(sort=sort, full=True), monkeypatch, size)) == order


def test_by_time(session: Session, bench: Bench, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.crowd(["newest", "middle", "oldest"])
    assert walk(session, cast, Filter(sort="submitted", full=True), monkeypatch, 2) == ["oldest", "middle", "newest"]
    assert walk(session, cast, Filter(sort="-submitted", full=True), monkeypatch, 2) == ["newest", "middle", "oldest"]


def test_whoever_may_not_see_scores_does_not_sort_by_them(session: Session, bench: Bench, cast: Cast) -> None:
    bench.crowd(["low"], score_mean=1.0, review_count=1)
    bench.crowd(["high"], score_mean=5.0, review_count=1)
    assert names(session, cast, Filter(full=True)) == ["high", "low"]
    assert names(session, cast, Filter(sort="-score")) == names(session, cast, Filter(sort="score")) == ["low", "high"]


def test_a_token_that_is_none_is_no_page(session: Session, cast: Cast) -> None:
    with pytest.raises(NotFound):
        lists.queue(session, cast.challenge.id, LEAD, "abc")


def test_filters(session: Session, bench: Bench, cast: Cast) -> None:
    bench.submitted(content=bench.content("H1", "G2", name="Ada"))
    bench.crowd(["Bo"], country="JP", affiliation="Vendor 100%_Lab")
    bench.crowd(["Cy"], handle="zero_cool", pending_decision=Decision.INVITE, pending_at=NOON)

    def shown(**changes: str) -> list[str]:
        return names(session, cast, Filter(sort="name", full=True, **changes))

    assert shown() == ["Ada", "Bo", "Cy"]
    assert shown(country="JP") == ["Bo"]
    assert shown(scenario="H1") == ["Ada"]
    assert shown(scenario="G1") == []
    assert shown(text="VENDOR") == ["Bo"]
    assert shown(text="100%_L") == ["Bo"]
    assert shown(text="%") == []
    assert shown(text="zero_") == ["Cy"]
    assert shown(text="network daemon") == ["Ada"]
    assert shown(text="ada-applicant@example.org") == ["Ada"]
    assert shown(pending="invite") == ["Cy"]
    assert shown(pending="none") == ["Ada", "Bo"]
    assert shown(pending="nonsense") == []
    assert shown(state="declined") == shown(state="nonsense") == []


def test_what_is_meant_and_addresses_are_no_filters_for_reviewers(session: Session, bench: Bench, cast: Cast) -> None:
    bench.crowd(["Cy"], pending_decision=Decision.INVITE, pending_at=NOON)
    bench.submitted(content=bench.content(name="Ada"))
    for pending in ("invite", "decline", "none"):
        assert len(names(session, cast, Filter(pending=pending))) == 2
    assert names(session, cast, Filter(text="ada-applicant@")) == []


def test_counts_by_state_leave_the_state_out(session: Session, bench: Bench, cast: Cast) -> None:
    bench.crowd(["a", "b"], country="JP")
    bench.crowd(["c"], state=ApplicationState.WITHDRAWN, country="JP")
    bench.crowd(["d"])
    chosen = Filter(state="withdrawn", country="JP")
    assert lists.by_state(session, cast.challenge.id, chosen) == {
        ApplicationState.SUBMITTED: 2, ApplicationState.WITHDRAWN: 1,
    }  # fmt: skip
    assert lists.count(session, cast.challenge.id, chosen) == 1


def test_drafts_and_foreign_applications_are_not_there(session: Session, bench: Bench, cast: Cast) -> None:
    draft = bench.draft()
    other = make_challenge(session, "other", "Other")
    seen = bench.submitted(cast.stranger)

    assert names(session, cast, LEAD) == ["Sam Stranger"]
    assert queries.application(session, cast.challenge.id, seen.id).name == "Sam Stranger"
    with pytest.raises(NotFound):
        queries.application(session, cast.challenge.id, draft.id)
    with pytest.raises(NotFound):
        queries.application(session, other.id, seen.id)
    assert queries.mine(session, cast.challenge.id, cast.researcher.id) is None


def test_more_filters_for_the_lead(session: Session, bench: Bench, cast: Cast) -> None:
    a, b, c, d = bench.crowd("abcd", review_count=2, score_mean=3.0)
    for row, values in (
        (a, {"triage": Triage.YES, "score_adjusted": 4.5, "in_review": True}),
        (b, {"triage": Triage.NO, "score_adjusted": 2.5, "calibration": True, "flags": ["kit sent", "100%"]}),
        (c, {"score_adjusted": 1.5, "cluster_id": 7, "flags": ["kit"]}),
    ):
        session.execute(sa.update(Application).where(Application.id == row.id).values(**values))
    session.add(Assignment(application_id=a.id, reviewer_id=cast.reviewer.id, assigned_at=NOON))
    session.add(
        Review(application_id=d.id, reviewer_id=cast.reviewer.id, score=3.0, created_at=NOON, updated_at=NOON)
    )  # fmt: skip
    session.commit()

    def shown(**changes: Any) -> str:
        found = "".join(names(session, cast, Filter(sort="name", full=True, **changes)))
        counts = lists.by_state(session, cast.challenge.id, Filter(full=True, **changes))
        assert (
            sum(counts.values()) == lists.count(session, cast.challenge.id, Filter(full=True, **changes)) == len(found)
        )
        return found

    assert shown(triage="yes") == "a"
    assert shown(triage="none") == "cd"
    assert (shown(low=2.5), shown(high=2.5), shown(low=2.0, high=4.0)) == ("abd", "bc", "bd")
    assert (shown(second="yes"), shown(second="no")) == ("a", "bcd")
    assert (shown(calibration="yes"), shown(calibration="no")) == ("b", "acd")
    assert (shown(cluster="yes"), shown(cluster="no")) == ("c", "abd")
    assert (shown(flag="kit"), shown(flag="kit sent"), shown(flag="100%")) == ("c", "b", "b")
    assert (shown(assigned=cast.reviewer.id), shown(reviewed=cast.reviewer.id)) == ("a", "d")
    assert shown(triage="nonsense") == shown(flag="k%") == shown(flag='"') == ""


@pytest.mark.parametrize("field", asked.TELLING)
def test_what_only_the_lead_may_know_is_no_filter_for_others(
    session: Session, bench: Bench, cast: Cast, field: str
) -> None:
    bench.crowd("ab")
    for word in ("yes", "no", "none", "3", "invite", "kit"):
        assert len(names(session, cast, asked.filter_from({field: word}, full=False))) == 2


def test_others_may_ask_for_their_own_reviews_only(session: Session, bench: Bench, cast: Cast) -> None:
    chosen = asked.filter_from({"reviewed": str(cast.lead.id), "assigned": "me"}, full=False, me=cast.reviewer.id)
    assert (chosen.reviewed, chosen.assigned) == (cast.reviewer.id, cast.reviewer.id)
    assert asked.filter_from({"reviewed": "7", "assigned": "me"}, full=True, me=1)[11:13] == (1, 7)


@pytest.mark.parametrize("word", ["\0", "a\0b", "9" * 40, "nan", "inf", "-1e999", "'", "%", "\\", "x" * 5000])
def test_no_address_breaks_the_list(session: Session, bench: Bench, cast: Cast, word: str) -> None:
    bench.submitted()
    for field in asked.FIELDS:
        for full, blind in ((True, False), (False, False), (False, True)):
            chosen = asked.filter_from({field: word}, full=full, blind=blind, me=1)
            lists.queue(session, cast.challenge.id, chosen)
            lists.by_state(session, cast.challenge.id, chosen)


@pytest.mark.parametrize(
    "place",
    [["x", 1], [None, None], [None, 1], [1, None], [True, 1], [1, "x"], [1.5, 10**30], [{"t": "x"}, 1], [1], [],
              [{"t": "2020-06-15T12:00:00+00:00"}, 1], ["a\0", 1], [float("nan"), 1], [1, 2, 3]]
)  # fmt: skip
def test_a_forged_token_is_no_page_or_an_honest_one(
    session: Session, bench: Bench, cast: Cast, place: list[Any]
) -> None:
    bench.crowd("ab")
    token = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    for sort in lists.SORTS:
        with contextlib.suppress(NotFound):
            lists.queue(session, cast.challenge.id, Filter(sort=sort, full=True), token)


def test_very_many_are_not_counted_to_the_end(
    session: Session, bench: Bench, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CAP", 2)
    bench.crowd("abcd")
    chosen = Filter(full=True)
    counts = lists.by_state(session, cast.challenge.id, chosen)
    assert (counts, lists.total(counts, chosen)) == ({ApplicationState.SUBMITTED: 3}, 3)
    assert lists.count(session, cast.challenge.id, chosen) == 4


def test_countries_are_those_of_visible_applications(session: Session, bench: Bench, cast: Cast) -> None:
    bench.crowd(["a"], country="JP")
    bench.crowd("bc", country="DE")
    bench.crowd(["d"], country="")
    bench.draft(content=bench.content(country="BR"))
    assert lists.countries(session, cast.challenge.id) == [("DE", "Germany"), ("JP", "Japan")]


def test_a_page_costs_one_statement_and_no_long_text(
    session: Session, bench: Bench, cast: Cast, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 300)
    costs, challenge_id = [], cast.challenge.id
    bench.submitted(content=bench.content("H1", "G1", name="Z"))
    for number in (3, 296):
        bench.crowd([f"{number} {n}" for n in range(number)])
        session.expire_all()
        session.connection()
        statements.clear()
        page = lists.queue(session, challenge_id, Filter(full=True, sort="-name"))
        costs.append(len([text for text in statements if text.startswith("SELECT")]))
        assert "experience" not in " ".join(statements)
    assert (len(page.rows), costs) == (300, [1, 1])
    numbers = {str(bench.codes[code]) for code in ("H1", "G1")}
    assert (page.rows[0].name, set(page.rows[0].scenario_ids.split())) == ("Z", numbers)
    assert page.rows[1].scenario_ids is None
