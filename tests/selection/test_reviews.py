"""Reviewing: the rubric, what is offered to whom, others' reviews, conflicts of interest."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.core.errors import Invalid, NotFound, Refused
from portal.selection.actions.plan import Line, set_rubric
from portal.selection.actions.reviews import declare_conflict, set_agreement, withdraw_conflict, write_review
from portal.selection.models import Assignment, Conflict, Endorsement, Mark, Review
from portal.selection.queries import plan as plans
from portal.selection.queries import reviewing as queries
from portal.selection.rules.reviews import OVERALL, Opinion
from portal.selection.states import ConflictKind, Pool
from tests.cast import NOON, Cast, make_account, make_challenge, sign_in
from tests.selection.conftest import STAFF, Bench


def figures(session: Session, application: Application) -> tuple[int, float | None]:
    session.expire(application)
    return application.review_count, application.score_mean


def said(score: int, **more: Any) -> Opinion:
    return Opinion({OVERALL: score}, **more)


def test_a_review_writes_the_figures_of_its_application(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()

    bench.review(application, cast.reviewer, 4, "Knows the kernel.")
    assert figures(session, application) == (1, 4.0)
    bench.review(application, cast.second_reviewer, 1)
    assert figures(session, application) == (2, 2.5)
    bench.review(application, cast.reviewer, 5, "On second thoughts.")

    assert figures(session, application) == (2, 3.0)
    assert bench.tags() == ["selection:review", "selection:review", "selection:change-review"]
    assert [(r.reviewer_id, r.score) for r in queries.reviews(session, application.id)] == [
        (cast.reviewer.id, 5), (cast.second_reviewer.id, 1),
    ]  # fmt: skip


def test_the_score_is_the_mean_of_the_marks_by_weight(session: Session, bench: Bench, cast: Cast) -> None:
    asked = bench.rubric(Plan=3, Skill=1)
    application = bench.submitted()

    review = bench.review(application, cast.reviewer, {asked["Plan"]: 4, asked["Skill"]: 2}, confidence=3)

    assert (review.score, review.confidence) == (3.5, 3)
    assert figures(session, application) == (1, 3.5)
    bench.review(application, cast.reviewer, {asked["Plan"]: 0, asked["Skill"]: 2})
    assert review.score == 0.5
    marks = session.execute(sa.select(Mark.criterion_id, Mark.mark).order_by(Mark.criterion_id)).all()
    assert [tuple(row) for row in marks] == [(asked["Plan"], 0), (asked["Skill"], 2)]


def test_weights_change_every_score_at_once(session: Session, bench: Bench, cast: Cast) -> None:
    asked = bench.rubric(Plan=3, Skill=1)
    application = bench.submitted()
    review = bench.review(application, cast.reviewer, {asked["Plan"]: 4, asked["Skill"]: 2})

    lines = [Line(asked["Plan"], "Plan", weight=1), Line(asked["Skill"], "Skill", weight=1, position=1)]
    set_rubric(session, cast.challenge, lines, by=cast.lead.id, at=NOON)
    assert (review.score, *figures(session, application)) == (3.0, 1, 3.0)
    set_rubric(
        session, cast.challenge, [lines[0], lines[1]._replace(retired=True)], by=cast.lead.id, at=NOON
    )  # fmt: skip
    assert (review.score, *figures(session, application)) == (4.0, 1, 4.0)
    # What was said on it stays, and counts again when it is asked again.
    set_rubric(session, cast.challenge, lines, by=cast.lead.id, at=NOON)
    assert (review.score, *figures(session, application)) == (3.0, 1, 3.0)


def test_reviews_from_before_the_rubric_keep_their_score(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    old = bench.review(application, cast.reviewer, 2)
    asked = bench.rubric(Plan=3)
    bench.review(application, cast.second_reviewer, {asked["Plan"]: 5})

    assert (old.score, *figures(session, application)) == (2.0, 2, 3.5)


@pytest.mark.parametrize("marks", [{}, {OVERALL: -1}, {OVERALL: 6}])
def test_marks_are_0_to_5(session: Session, bench: Bench, cast: Cast, marks: dict[int, int]) -> None:
    application = bench.submitted()
    with pytest.raises(Invalid, match="mark_0"):
        write_review(session, application, cast.reviewer.id, Opinion(marks), at=NOON)


@pytest.mark.parametrize(
    ("name", "opinion"),
    [
        ("confidence", said(4, confidence=4)),
        ("comment", said(4, comment="x" * 4001)),
        ("note", said(4, note="x" * 4001)),
    ],
)
def test_what_else_a_review_must_be(session: Session, bench: Bench, cast: Cast, name: str, opinion: Opinion) -> None:
    application = bench.submitted()
    with pytest.raises(Invalid, match=name):
        write_review(session, application, cast.reviewer.id, opinion, at=NOON)


@pytest.mark.parametrize(
    ("name", "values"), [("score_in_range", {"score": 5.5}), ("confidence_in_range", {"score": 5, "confidence": 0})]
)
def test_the_database_refuses_what_is_no_review(
    session: Session, bench: Bench, cast: Cast, name: str, values: dict[str, Any]
) -> None:
    row = {"application_id": bench.submitted().id, "reviewer_id": cast.reviewer.id, "created_at": NOON}
    with pytest.raises(sa.exc.IntegrityError, match=name):
        session.execute(sa.insert(Review).values(**row, updated_at=NOON, **values))


def test_nobody_reviews_their_own_or_what_is_decided(session: Session, bench: Bench, cast: Cast) -> None:
    own = bench.submitted(cast.reviewer)
    with pytest.raises(Refused, match="your own"):
        write_review(session, own, cast.reviewer.id, said(5), at=NOON)
    decided = bench.invited()
    with pytest.raises(Refused, match="invited"):
        write_review(session, decided, cast.reviewer.id, said(5), at=NOON)


def test_the_next_one_is_the_least_reviewed_by_chance_and_never_ones_own(
    session: Session, bench: Bench, cast: Cast
) -> None:
    mine = bench.submitted(cast.reviewer)
    often, late, early = (
        bench.crowd(["often"], rnd=1, review_count=2, score_mean=3.0)[0],
        bench.crowd(["late"], rnd=9)[0],
        bench.crowd(["early"], rnd=5)[0],
    )
    bench.crowd(["gone"], rnd=0, state=ApplicationState.WITHDRAWN)
    plan = plans.plan_of(session, cast.challenge.id)

    def following(*skip: int) -> int | None:
        return queries.next_to_review(session, plan, cast.reviewer.id, skip)

    assert following() == early.id
    assert following(early.id) == late.id
    assert following(early.id, late.id) == often.id
    bench.review(early, cast.reviewer, 1)
    assert following() == late.id
    bench.review(late, cast.reviewer, 1)
    assert queries.progress(session, plan, cast.reviewer.id) == (2, 0, 1)
    assert following() == often.id
    bench.review(often, cast.reviewer, 1)
    assert following() is None
    assert queries.next_to_review(session, plan, cast.lead.id) == mine.id


def test_first_what_everybody_reads_then_what_is_assigned_then_the_pool(
    session: Session, bench: Bench, cast: Cast
) -> None:
    other, assigned, everybodys = bench.crowd(["other", "assigned", "everybodys"], rnd=1)
    everybodys.calibration = True
    for row in (assigned, everybodys):
        session.add(Assignment(application_id=row.id, reviewer_id=cast.reviewer.id, assigned_at=NOON))
    session.commit()
    plan, order = plans.plan_of(session, cast.challenge.id), []
    for _ in range(3):
        order.append(queries.next_to_review(session, plan, cast.reviewer.id, order))
    assert order == [everybodys.id, assigned.id, other.id]
    assert queries.progress(session, plan, cast.reviewer.id) == (0, 2, 1)
    # Where only what is chosen is reviewed, the rest of the pool is not offered.
    chosen = bench.settings(pool=Pool.CHOSEN)
    assert queries.next_to_review(session, chosen, cast.reviewer.id, order[:2]) is None
    other.in_review = True
    session.commit()
    assert queries.next_to_review(session, chosen, cast.reviewer.id, order[:2]) == other.id


def test_conflicts_of_interest_are_not_offered_and_not_reviewed(session: Session, bench: Bench, cast: Cast) -> None:
    plan = plans.plan_of(session, cast.challenge.id)
    ours = bench.crowd(["ours"], affiliation="ACME, Inc.")[0]
    team = bench.crowd(["team"], affiliation="Else")[0]
    team.team = ["Rita-Reviewer+team@example.org"]
    declared = bench.crowd(["declared"])[0]
    session.add(plans.Reviewer(challenge_id=cast.challenge.id, account_id=cast.reviewer.id, affiliation="Acme"))
    session.commit()
    declare_conflict(session, declared, cast.reviewer.id, at=NOON)

    assert queries.next_to_review(session, plan, cast.reviewer.id) is None
    assert queries.next_to_review(session, plan, cast.second_reviewer.id) is not None
    kinds = [queries.conflict(session, row, cast.reviewer.id) for row in (ours, team, declared)]
    assert kinds == [ConflictKind.AFFILIATION, ConflictKind.TEAM, ConflictKind.DECLARED]
    for row in (ours, team, declared):
        with pytest.raises(Refused, match="conflict of interest"):
            write_review(session, row, cast.reviewer.id, said(4), at=NOON)


def test_a_teammate_of_the_applicant_must_not_judge(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted(cast.colleague)
    assert queries.conflict(session, application, cast.team_lead.id) is ConflictKind.TEAM
    assert queries.conflict(session, application, cast.reviewer.id) is None


def test_declaring_a_conflict_gives_the_application_back(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    session.add(Assignment(application_id=application.id, reviewer_id=cast.reviewer.id, assigned_at=NOON))
    session.commit()

    declare_conflict(session, application, cast.reviewer.id, at=NOON)
    assert session.scalars(sa.select(Assignment)).all() == []
    assert session.scalars(sa.select(Conflict.kind)).all() == [ConflictKind.DECLARED]
    declare_conflict(session, application, cast.reviewer.id, at=NOON)
    withdraw_conflict(session, application, cast.reviewer.id, at=NOON)
    session.commit()
    assert session.scalars(sa.select(Conflict)).all() == []
    with pytest.raises(Refused, match="not declared"):
        withdraw_conflict(session, application, cast.reviewer.id, at=NOON)
    bench.review(application, cast.reviewer, 3)
    with pytest.raises(Refused, match="reviewed it already"):
        declare_conflict(session, application, cast.reviewer.id, at=NOON)
    assert bench.tags() == [
        "selection:declare-conflict", "selection:declare-conflict", "selection:withdraw-conflict", "selection:review",
    ]  # fmt: skip


def test_agreeing_is_counted_once_and_taken_back(session: Session, bench: Bench, cast: Cast) -> None:
    application, other = bench.submitted(), bench.submitted(cast.stranger)
    theirs = bench.review(application, cast.second_reviewer, 4)
    me = cast.reviewer.id

    def counted() -> list[int]:
        return [one.agreeing for one in queries.told(session, application.id, me)]

    with pytest.raises(NotFound):
        set_agreement(session, application, theirs.id, me, True, at=NOON)
    mine = bench.review(application, cast.reviewer, 3)
    for _ in range(2):
        set_agreement(session, application, theirs.id, me, True, at=NOON)
    assert counted() == [1, 0]
    assert [one.agreed for one in queries.told(session, application.id, me)] == [True, False]
    set_agreement(session, application, theirs.id, me, False, at=NOON)
    assert counted() == [0, 0]
    with pytest.raises(Refused, match="your own"):
        set_agreement(session, application, mine.id, me, True, at=NOON)
    with pytest.raises(NotFound):
        set_agreement(session, other, theirs.id, me, True, at=NOON)


def test_reviewing_one_after_another(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    first, second = bench.crowd(["First", "Second"])
    sign_in(client, cast.reviewer)

    assert ">First" in client.get(f"{STAFF}/review").text
    wrong = client.post(f"{STAFF}/review/{first.id}", data={"comment": "kept as typed"})
    assert wrong.status_code == 422
    assert "Choose a mark" in wrong.text
    assert "kept as typed" in wrong.text
    saved = client.post(f"{STAFF}/review/{first.id}", data={"mark_0": "4", "confidence": "2", "comment": "good"})
    assert (saved.status_code, saved.location) == (302, f"{STAFF}/review")
    assert ">Second" in client.get(f"{STAFF}/review").text
    assert "One is left" in client.get(f"{STAFF}/review?skip={second.id}").text
    stays = client.post(f"{STAFF}/review/{second.id}", data={"mark_0": "0", "confidence": "1", "then": "stay"})
    assert stays.location == f"{STAFF}/applications/{second.id}"
    assert "You have reviewed 2" in client.get(f"{STAFF}/review").text
    assert client.get(f"{STAFF}/review/{first.id}").status_code == 405
    assert client.post(f"{STAFF}/review/999", data={"mark_0": "4"}).status_code == 404


def test_what_was_typed_is_not_lost_when_it_cannot_be_saved(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.submitted()
    bench.invited(application)
    sign_in(client, cast.reviewer)

    answer = client.post(
        f"{STAFF}/review/{application.id}", data={"mark_0": "4", "confidence": "2", "comment": "many words of mine"}
    )

    assert answer.status_code == 422
    assert "Not saved. It is decided: invited. Reviews are closed." in answer.text
    assert "many words of mine" in answer.text
    assert session.scalars(sa.select(Review)).all() == []


def test_a_criterion_that_came_while_one_wrote_is_asked_for(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.submitted()
    asked = bench.rubric(Plan=1, Skill=2)
    sign_in(client, cast.reviewer)
    told = {f"mark_{asked['Plan']}": "4", "confidence": "2", "comment": "kept"}

    answer = client.post(f"{STAFF}/review/{application.id}", data=told)

    assert answer.status_code == 422
    assert "Choose a mark" in answer.text
    assert client.post(
        f"{STAFF}/review/{application.id}", data={**told, f"mark_{asked['Skill']}": "1"}
    ).status_code == 302  # fmt: skip
    assert session.scalars(sa.select(Review.score)).all() == [2.0]


def test_others_reviews_show_after_ones_own(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    bench.review(application, cast.second_reviewer, 2, "a secret opinion", note="between us")
    page = f"{STAFF}/applications/{application.id}"

    sign_in(client, cast.reviewer)
    before = client.get(page).text
    for words in ("a secret opinion", "2.00", "Ren Reviewer"):
        assert words not in before
    client.post(f"{STAFF}/review/{application.id}", data={"mark_0": "4", "confidence": "2", "comment": "mine"})
    after = client.get(page).text
    for words in ("a secret opinion", "3.00", "Ren Reviewer"):
        assert words in after
    assert "between us" not in after
    sign_in(client, cast.lead)
    leads = client.get(page).text
    assert "a secret opinion" in leads
    assert "between us" in leads


def test_agreeing_by_button(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    theirs = bench.review(application, cast.second_reviewer, 2)
    address = f"{STAFF}/reviews/{theirs.id}/agree"
    make_challenge(session, "other", "Other")
    elsewhere = make_account(session, "Reviewer Elsewhere", Role.REVIEWER, scope="other")

    sign_in(client, cast.reviewer)
    assert client.post(address, data={"agree": "yes"}).status_code == 404
    bench.review(application, cast.reviewer, 2)
    done = client.post(address, data={"agree": "yes"})
    assert done.location == f"{STAFF}/applications/{application.id}#review-{theirs.id}"
    assert "You agree · 1" in client.get(f"{STAFF}/applications/{application.id}").text
    client.post(address, data={"agree": "no"})
    assert session.scalars(sa.select(Endorsement)).all() == []
    assert client.post(f"{STAFF}/reviews/999/agree").status_code == 404
    sign_in(client, elsewhere)
    assert client.post(address).status_code == 403
    assert client.post(f"/staff/other/reviews/{theirs.id}/agree").status_code == 404


def test_a_conflict_by_button(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    sign_in(client, cast.reviewer)
    page, address = f"{STAFF}/applications/{application.id}", f"{STAFF}/applications/{application.id}/conflict"

    assert client.post(address).location == f"{STAFF}/review"
    assert "You have a conflict of interest here" in client.get(page).text
    assert client.post(f"{STAFF}/review/{application.id}", data={"mark_0": "4", "confidence": "2"}).status_code == 422
    assert client.post(address, data={"declared": "no"}).location == page
    assert "You have a conflict of interest here" not in client.get(page).text


def test_the_page_of_an_application(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application, own = bench.submitted(), bench.submitted(cast.reviewer)
    make_challenge(session, "other", "Other")
    bench.mean([application], Decision.WAITLIST)
    page = f"{STAFF}/applications/{application.id}"

    sign_in(client, cast.reviewer)
    shown = client.get(page).text
    assert "Read the network daemon." in shown
    for words in ("ada-applicant@example.org", "waitlist", "Disqualify"):
        assert words not in shown
    assert client.get(f"{STAFF}/applications/{own.id}").status_code == 403
    assert client.get(f"{STAFF}/applications/999").status_code == 404
    sign_in(client, cast.lead)
    shown = client.get(page).text
    for words in ("ada-applicant@example.org", "waitlist", "Disqualify"):
        assert words in shown
    sign_in(client, make_account(session, "Lead Elsewhere", Role.LEAD, scope="other"))
    assert client.get(page).status_code == 403
    sign_in(client, cast.admin)
    assert client.get(page).status_code == 403
    sign_in(client, None)
    assert client.get(page).status_code == 302


def test_an_application_is_not_found_under_another_challenge(
    client: FlaskClient, session: Session, bench: Bench
) -> None:
    application = bench.submitted()
    make_challenge(session, "other", "Other")
    both = make_account(session, "Lead Of Other", Role.LEAD, scope="other")
    sign_in(client, both)
    assert client.get(f"/staff/other/applications/{application.id}").status_code == 404
    for action in ("decision", "conflict", "calibration"):
        assert client.post(f"/staff/other/applications/{application.id}/{action}").status_code == 404
    assert client.post(f"/staff/other/review/{application.id}", data={"mark_0": "4"}).status_code == 404
    assert client.get(f"{STAFF}/applications/{application.id}").status_code == 403


@pytest.mark.parametrize("number", [2, 30])
def test_the_page_costs_the_same_for_few_and_many_reviews(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str], number: int
) -> None:
    application = bench.submitted()
    for n in range(number):
        bench.review(application, make_account(session, f"r{n}"), n % 6, at=NOON + timedelta(minutes=n))
    sign_in(client, cast.lead)
    client.get(f"{STAFF}/applications/{application.id}")
    statements.clear()

    assert client.get(f"{STAFF}/applications/{application.id}").status_code == 200

    assert len(statements) <= 24
