"""Who reads what: evenly, never with a conflict, added to without moving."""

from collections import Counter
from datetime import timedelta
from itertools import combinations
from random import Random

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.applications.states import ApplicationState
from portal.core.errors import NotFound
from portal.core.todo import Queue, Task
from portal.selection import jobs
from portal.selection.actions.assigning import assign, hand_on, note_conflicts, propose, set_calibration
from portal.selection.actions.plan import Terms, set_reviewers
from portal.selection.actions.reviews import declare_conflict
from portal.selection.models import Assignment, Conflict, Reviewer
from portal.selection.queries import assigning as queries
from portal.selection.queries import todo
from portal.selection.queries.plan import plan_of
from portal.selection.rules.assigning import Assigned, Need, Seat, distribute, organisation
from portal.selection.states import ConflictKind, Pool
from tests.cast import NOON, Cast, make_account, sign_in
from tests.selection.conftest import STAFF, Bench, Mails

Case = tuple[list[Need], list[Seat]]


@st.composite
def cases(draw: st.DrawFn, free: bool = False) -> Case:
    """Applications, reviewers with what they have and can, and (unless `free`) who must not read what."""
    count = draw(st.integers(1, 6))
    each, known = draw(st.integers(1, min(3, count))), st.integers(0, 4)
    room = st.none() if free else st.none() | st.integers(0, 8)
    seats = [Seat(n, 0 if free else draw(known), draw(room)) for n in range(count)]
    barred = st.just(frozenset[int]()) if free else st.frozensets(st.integers(0, count - 1), max_size=count)
    return [Need(n, each, draw(barred)) for n in range(draw(st.integers(0, 9)))], seats


def loads(seats: list[Seat], found: Assigned) -> dict[int, int]:
    """What everybody has afterwards."""
    new = Counter(reviewer for _, reviewer in found.pairs)
    return {seat.reviewer: seat.load + new[seat.reviewer] for seat in seats}


@given(cases(), st.integers())
def test_nobody_gets_what_they_must_not_or_more_than_they_can(case: Case, seed: int) -> None:
    needs, seats = case
    found = distribute(needs, seats, Random(seed))
    after, barred = loads(seats, found), {need.application: need.barred for need in needs}

    assert len(set(found.pairs)) == len(found.pairs)
    assert not [pair for pair in found.pairs if pair[1] in barred[pair[0]]]
    for seat in seats:
        new = after[seat.reviewer] - seat.load
        assert new == 0 or seat.capacity is None or after[seat.reviewer] <= seat.capacity
    got = Counter(application for application, _ in found.pairs)
    assert [(need.application, need.number - got[need.application]) for need in needs
            if got[need.application] < need.number] == found.missing  # fmt: skip


@given(cases(free=True), st.integers())
def test_without_conflicts_loads_differ_by_one_at_most(case: Case, seed: int) -> None:
    needs, seats = case
    found = distribute(needs, seats, Random(seed))

    assert not found.missing
    after = loads(seats, found).values()
    assert max(after) - min(after) <= 1


def cost(needs: list[Need], seats: list[Seat]) -> tuple[int, int] | None:
    """By trying everything: the most reviews that can be given out, and the least sum of squared loads with them."""
    best: tuple[int, int] | None = None

    def go(rest: list[Need], load: dict[int, int], given_out: int) -> None:
        nonlocal best
        if not rest:
            squares = sum(value * value for value in load.values())
            if best is None or (given_out, -squares) > (best[0], -best[1]):
                best = given_out, squares
            return
        need = rest[0]
        free = [seat for seat in seats if seat.reviewer not in need.barred]
        for size in range(min(need.number, len(free)) + 1):
            for chosen in combinations(free, size):
                if all(seat.capacity is None or load[seat.reviewer] < seat.capacity for seat in chosen):
                    more = {seat.reviewer: load[seat.reviewer] + 1 for seat in chosen}
                    go(rest[1:], {**load, **more}, given_out + size)

    go(needs, {seat.reviewer: seat.load for seat in seats}, 0)
    return best


@st.composite
def small(draw: st.DrawFn) -> Case:
    """Few enough to try everything."""
    count = draw(st.integers(1, 4))
    seats = [Seat(n, draw(st.integers(0, 2)), draw(st.none() | st.integers(0, 4))) for n in range(count)]
    barred = st.frozensets(st.integers(0, count - 1), max_size=count)
    return [Need(n, draw(st.integers(1, 2)), draw(barred)) for n in range(draw(st.integers(0, 4)))], seats


@settings(max_examples=200, deadline=None)
@given(small(), st.integers())
def test_it_is_as_full_and_as_even_as_can_be(case: Case, seed: int) -> None:
    needs, seats = case
    found = distribute(needs, seats, Random(seed))
    assert (len(found.pairs), sum(value * value for value in loads(seats, found).values())) == cost(needs, seats)


def test_reviewers_are_mixed_so_that_all_can_be_compared() -> None:
    found = distribute([Need(n, 2, frozenset()) for n in range(60)], [Seat(n, 0) for n in range(6)], Random(1))
    together = {tuple(sorted(r for a, r in found.pairs if a == number)) for number in range(60)}
    assert len(together) == 15


@pytest.mark.parametrize(
    ("one", "other"),
    [("ACME, Inc.", "acme"), ("Müller & Söhne GmbH", "Muller and Sohne"), ("The Acme Corporation", "ACME Corp")],
)
def test_one_organisation_is_written_in_many_ways(one: str, other: str) -> None:
    assert organisation(one) == organisation(other) != ""


@pytest.mark.parametrize("nobody", ["", " ", "Independent", "self-employed", "N/A", "Freelance"])
def test_nobodys_affiliation_is_none(nobody: str) -> None:
    assert organisation(nobody) == ""


@pytest.fixture
def third(session: Session, cast: Cast) -> Account:
    """A third reviewer beside the two of the cast."""
    return make_account(session, "Ruth Reviewer", Role.REVIEWER)


def held(session: Session) -> dict[int, int]:
    """How many assignments everybody has."""
    session.commit()
    return dict(
        session.execute(sa.select(Assignment.reviewer_id, sa.func.count()).group_by(Assignment.reviewer_id)).all()
    )


def test_assigning_twice_adds_only_what_is_missing(session: Session, bench: Bench, cast: Cast, third: Account) -> None:
    bench.settings(reviews_each=2)
    crowd = bench.crowd([f"a{n}" for n in range(9)])
    bench.crowd(["gone"], state=ApplicationState.WITHDRAWN)

    made = assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    assert (len(made.pairs), made.applications, made.missing) == (18, 9, [])
    assert sorted(held(session).values()) == [6, 6, 6]
    before = set(session.execute(sa.select(Assignment.application_id, Assignment.reviewer_id)).all())
    assert assign(session, cast.challenge, by=cast.lead.id, at=NOON).pairs == []
    bench.crowd(["late"])
    assert len(assign(session, cast.challenge, by=cast.lead.id, at=NOON).pairs) == 2
    session.commit()
    assert before < set(session.execute(sa.select(Assignment.application_id, Assignment.reviewer_id)).all())
    assert {row.application_id for row in session.scalars(sa.select(Assignment))} > {row.id for row in crowd}
    assert bench.tags() == ["selection:set-plan", "selection:assign", "selection:assign"]


def test_the_preview_is_what_happens(session: Session, bench: Bench, cast: Cast, third: Account) -> None:
    bench.crowd([f"a{n}" for n in range(7)])
    shown = propose(session, cast.challenge, plan_of(session, cast.challenge.id))
    assert assign(session, cast.challenge, by=cast.lead.id, at=NOON) == shown


def test_only_the_second_pass_is_assigned_and_reviews_count(session: Session, bench: Bench, cast: Cast) -> None:
    chosen, reviewed, _other = bench.crowd(["chosen", "reviewed", "other"])
    chosen.in_review = reviewed.in_review = True
    bench.settings(pool=Pool.CHOSEN, reviews_each=1)
    bench.review(reviewed, cast.second_reviewer, 3)

    assert [pair[0] for pair in assign(session, cast.challenge, by=cast.lead.id, at=NOON).pairs] == [chosen.id]


def test_conflicts_and_capacity_leave_gaps_that_are_told(session: Session, bench: Bench, cast: Cast) -> None:
    bench.settings(reviews_each=2)
    ours, theirs = bench.crowd(["ours"], affiliation="acme GmbH") + bench.crowd(["theirs"])
    mine = bench.submitted(cast.reviewer)
    terms = {cast.reviewer.id: Terms("ACME"), cast.second_reviewer.id: Terms("", 2)}
    set_reviewers(session, cast.challenge, terms, by=cast.lead.id, at=NOON)

    made = assign(session, cast.challenge, by=cast.lead.id, at=NOON)

    assert (theirs.id, cast.reviewer.id) in made.pairs
    assert cast.reviewer.id not in {reviewer for number, reviewer in made.pairs if number in (ours.id, mine.id)}
    assert sum(lack for _, lack in made.missing) == 3
    kinds = session.execute(sa.select(Conflict.application_id, Conflict.kind).order_by(Conflict.application_id)).all()
    assert [tuple(row) for row in kinds] == [(ours.id, ConflictKind.AFFILIATION), (mine.id, ConflictKind.TEAM)]


def test_conflicts_that_come_later_take_back_what_is_open(session: Session, bench: Bench, cast: Cast) -> None:
    first, second = bench.crowd(["one", "two"], affiliation="ACME")
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    bench.review(first, cast.reviewer, 3)
    assert held(session)[cast.reviewer.id] == 2

    set_reviewers(session, cast.challenge, {cast.reviewer.id: Terms("acme")}, by=cast.lead.id, at=NOON)
    assert held(session)[cast.reviewer.id] == 1
    # What is wrong in the list is put right, and nothing that somebody declared is lost.
    declare_conflict(session, second, cast.second_reviewer.id, at=NOON)
    set_reviewers(session, cast.challenge, {cast.reviewer.id: Terms("other")}, by=cast.lead.id, at=NOON)
    session.commit()
    assert [row.kind for row in session.scalars(sa.select(Conflict))] == [ConflictKind.DECLARED]
    assert note_conflicts(session, cast.challenge, at=NOON) == 0


def test_who_leaves_hands_on_what_is_open(session: Session, bench: Bench, cast: Cast, third: Account) -> None:
    bench.settings(reviews_each=1)
    crowd = bench.crowd([f"a{n}" for n in range(9)])
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    mine = session.scalars(
        sa.select(Assignment.application_id).where(Assignment.reviewer_id == cast.reviewer.id).order_by(sa.text("1"))
    ).all()
    bench.review(next(row for row in crowd if row.id == mine[0]), cast.reviewer, 3)

    taken, made = hand_on(session, cast.challenge, cast.reviewer.id, by=cast.lead.id, at=NOON)

    assert (taken, len(made.pairs)) == (2, 2)
    assert held(session) == {cast.reviewer.id: 1, cast.second_reviewer.id: 4, third.id: 4}
    assert session.get_one(Reviewer, (cast.challenge.id, cast.reviewer.id)).capacity == 0
    with pytest.raises(NotFound):
        hand_on(session, cast.challenge, cast.stranger.id, by=cast.lead.id, at=NOON)


def test_who_lost_the_role_can_be_relieved(session: Session, bench: Bench, cast: Cast) -> None:
    bench.settings(reviews_each=1)
    bench.crowd(["one", "two"])
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    session.execute(sa.delete(RoleGrant).where(RoleGrant.account_id == cast.reviewer.id))
    plan = plan_of(session, cast.challenge.id)

    shares = queries.loads(session, cast.challenge, plan, NOON)
    assert [(load.account.id, load.holds_role, load.open) for load in shares] == [
        (cast.second_reviewer.id, True, 1), (cast.reviewer.id, False, 1),
    ]  # fmt: skip
    hand_on(session, cast.challenge, cast.reviewer.id, by=cast.lead.id, at=NOON)
    assert held(session) == {cast.second_reviewer.id: 2}


def test_everybody_reads_the_calibration_set(session: Session, bench: Bench, cast: Cast, third: Account) -> None:
    bench.settings(reviews_each=1, pool=Pool.CHOSEN)
    one, _ = bench.crowd(["one", "two"])
    set_reviewers(session, cast.challenge, {third.id: Terms("", 0)}, by=cast.lead.id, at=NOON)

    set_calibration(session, cast.challenge, [one.id], True, by=cast.lead.id, at=NOON)
    assert held(session) == {cast.reviewer.id: 1, cast.second_reviewer.id: 1}
    newcomer = make_account(session, "New Reviewer", Role.REVIEWER)
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    assert held(session) == {cast.reviewer.id: 1, cast.second_reviewer.id: 1, newcomer.id: 1}
    for reviewer, score in ((cast.reviewer, 2), (cast.second_reviewer, 4)):
        bench.review(one, reviewer, score)
    (compared,) = queries.calibration(session, cast.challenge.id)
    assert compared.scores == {cast.reviewer.id: 2.0, cast.second_reviewer.id: 4.0}
    set_calibration(session, cast.challenge, [one.id], False, by=cast.lead.id, at=NOON)
    assert queries.calibration(session, cast.challenge.id) == []
    assert len(held(session)) == 3


def test_loads_tell_who_is_late(session: Session, bench: Bench, cast: Cast) -> None:
    plan = bench.settings(reviews_each=1, review_until=NOON)
    crowd = bench.crowd([f"a{n}" for n in range(4)])
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    mine = session.scalars(sa.select(Assignment.application_id).where(Assignment.reviewer_id == cast.reviewer.id)).all()
    bench.review(next(row for row in crowd if row.id == mine[0]), cast.reviewer, 3)

    def share(hours: int) -> list[tuple[int, int, int]]:
        found = queries.loads(session, cast.challenge, plan, NOON + timedelta(hours=hours))
        return sorted((load.assigned, load.done, load.late) for load in found)

    assert share(-1) == [(2, 0, 0), (2, 1, 0)]
    assert share(1) == [(2, 0, 2), (2, 1, 1)]
    # What is withdrawn need not be read.
    next(row for row in crowd if row.id == mine[1]).state = ApplicationState.WITHDRAWN
    session.commit()
    assert share(1) == [(1, 1, 0), (2, 0, 2)]


def test_reviewers_are_reminded_once_a_day_until_they_are_done(
    session: Session, bench: Bench, cast: Cast, mails: Mails
) -> None:
    bench.settings(reviews_each=1, review_until=NOON + timedelta(days=3))
    one, two = bench.crowd(["one", "two"])
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    session.commit()

    def reminded(**later: float) -> int:
        jobs.remind_reviewers(session, NOON + timedelta(**later))
        return len([mail for mail in mails() if mail.template == "selection/reviews_due"])

    assert reminded(hours=1) == 0
    assert reminded(days=1, hours=1) == 2
    assert reminded(days=1, hours=5) == 2
    assert reminded(days=2, hours=1) == 4
    for row in (one, two):
        for reviewer in (cast.reviewer, cast.second_reviewer):
            bench.review(row, reviewer, 3)
    assert reminded(days=3, hours=1) == 4
    told = mails()[-1].context
    assert (told["number"], told["late"]) == (1, False)
    assert not {"one", "two"} & {str(value) for value in told.values()}


def test_late_reviews_are_called_late_and_not_for_ever(
    session: Session, bench: Bench, cast: Cast, mails: Mails
) -> None:
    bench.settings(reviews_each=1, review_until=NOON)
    bench.crowd(["one"])
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    session.commit()
    jobs.remind_reviewers(session, NOON + timedelta(days=1))
    assert [mail.context["late"] for mail in mails()] == [True]
    jobs.remind_reviewers(session, NOON + timedelta(days=15))
    assert len(mails()) == 1


def test_the_pages_of_the_lead(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    bench.settings(reviews_each=2, pool=Pool.ALL)
    (one, *_) = bench.crowd(["one", "two", "three"])
    sign_in(client, cast.lead)
    page = f"{STAFF}/review/reviewers"

    assert "Assign these 6" in client.get(page).text
    assert client.post(f"{STAFF}/review/assign").location == page
    assert "Every application in the review has its reviewers" in client.get(page).text
    people = {
        "people-0-account": str(cast.reviewer.id), "people-0-affiliation": "ACME", "people-0-capacity": "2",
        "people-1-account": str(cast.second_reviewer.id), "people-1-affiliation": "", "people-1-capacity": "",
    }  # fmt: skip
    assert client.post(page, data=people).status_code == 302
    assert 'value="ACME"' in client.get(page).text
    assert client.post(page, data={**people, "people-0-capacity": "-1"}).status_code == 422
    assert client.post(page, data={**people, "people-0-account": str(cast.stranger.id)}).status_code == 404
    assert client.post(f"{page}/{cast.reviewer.id}/hand-on").status_code == 302
    assert client.post(f"{page}/999/hand-on").status_code == 404
    assert client.post(f"{STAFF}/applications/{one.id}/calibration").status_code == 302
    assert "one" in client.get(page).text
    assert client.post(f"{STAFF}/review/fit").status_code == 302


def test_home_tells_reviewers_what_is_assigned_to_them(
    session: Session, bench: Bench, cast: Cast, client: FlaskClient
) -> None:
    until = NOON + timedelta(days=3)
    bench.settings(reviews_each=2, review_until=until)
    one, _ = bench.crowd(["one", "two"])
    assert todo.tasks(session, cast.challenge, cast.reviewer, NOON) == []
    assert todo.my_reviews(session, cast.challenge, cast.reviewer).count == 0
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    bench.review(one, cast.reviewer, 3)

    assert todo.tasks(session, cast.challenge, cast.reviewer, NOON) == [
        Task("Write the reviews assigned to you", f"{STAFF}/review", until, "One is not written yet.")
    ]
    assert todo.my_reviews(session, cast.challenge, cast.reviewer) == Queue(
        "Reviews assigned to you", f"{STAFF}/review", 1, NOON
    )
    sign_in(client, cast.reviewer)
    assert "Reviews assigned to you" in client.get(f"{STAFF}/").text
    assert "Write the reviews assigned to you" in client.get("/home").text


@pytest.mark.parametrize("number", [3, 60])
def test_the_page_costs_the_same_for_few_and_many(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str], number: int
) -> None:
    bench.crowd([f"a{n}" for n in range(number)])
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    sign_in(client, cast.lead)
    client.get(f"{STAFF}/review/reviewers")
    statements.clear()

    client.get(f"{STAFF}/review/reviewers")

    assert len(statements) <= 40
