"""What reviewers wrote, and what is forgotten with the applicant."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.selection.actions import drafts
from portal.selection.actions.assigning import assign
from portal.selection.actions.plan import Terms, set_reviewers
from portal.selection.actions.reviews import declare_conflict, set_agreement
from portal.selection.models import Assignment, Conflict, Mark, Pin, Reviewer
from portal.selection.personal import erase, exported
from portal.selection.queries import reviewing as queries
from tests.cast import NOON, Cast
from tests.selection.conftest import Bench


def test_comments_go_with_the_applicant_and_scores_stay(session: Session, bench: Bench, cast: Cast) -> None:
    asked = bench.rubric(Plan=1)
    application, other = bench.submitted(), bench.submitted(cast.stranger)
    for row in (application, other):
        bench.review(row, cast.reviewer, {asked["Plan"]: 4}, "Ada knows the kernel.", note="A colleague of Bob.")
    declare_conflict(session, application, cast.second_reviewer.id, at=NOON)
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    session.commit()

    assert exported(session, cast.applicant.id)["reviews_written"] == []
    erase(session, cast.applicant.id, NOON)
    session.commit()

    found = [(r.score, r.comment, r.note) for row in (application, other) for r in queries.reviews(session, row.id)]
    assert found == [(4, "", ""), (4, "Ada knows the kernel.", "A colleague of Bob.")]
    assert session.scalars(sa.select(sa.func.count()).select_from(Mark)).one() == 2
    assert session.scalars(sa.select(Conflict)).all() == []
    assert {row.application_id for row in session.scalars(sa.select(Assignment))} == {other.id}


def test_what_stands_in_the_way_of_a_draft_names_nobody_who_has_left(
    session: Session, bench: Bench, cast: Cast
) -> None:
    made, other = bench.what_if(1), bench.submitted(cast.stranger)
    for row in (bench.submitted(), other):
        drafts.pin(session, made, row.id, "Known to us.", inside=True, by=cast.lead.id, at=NOON)
    drafts.solve_draft(session, made, by=cast.lead.id, at=NOON)
    session.commit()
    assert made.clash == ["1 place", "Sam Stranger is pinned in", "Ada Applicant is pinned in"]

    erase(session, cast.applicant.id, NOON)
    session.commit()

    assert made.clash == ["1 place", "somebody is pinned in", "somebody is pinned in"]
    assert [pin.application_id for pin in session.scalars(sa.select(Pin))] == [other.id]


def test_a_reviewer_gets_all_that_they_did(session: Session, bench: Bench, cast: Cast) -> None:
    asked = bench.rubric(Plan=1)
    application, other = bench.submitted(), bench.submitted(cast.stranger)
    theirs = bench.review(application, cast.second_reviewer, {asked["Plan"]: 3})
    bench.review(application, cast.reviewer, {asked["Plan"]: 4}, "Good.", note="For the lead.", confidence=3)
    set_agreement(session, application, theirs.id, cast.reviewer.id, True, at=NOON)
    declare_conflict(session, other, cast.reviewer.id, at=NOON)
    set_reviewers(session, cast.challenge, {cast.reviewer.id: Terms("ACME", 40)}, by=cast.lead.id, at=NOON)
    session.commit()

    told = exported(session, cast.reviewer.id)

    assert told["reviews_written"] == [
        {"application": application.id, "score": 4.0, "marks": {"Plan": 4}, "confidence": 3, "comment": "Good.",
         "note": "For the lead.", "written_at": NOON, "changed_at": NOON}
    ]  # fmt: skip
    assert told["reviews_agreed_with"] == [{"review_id": theirs.id, "at": NOON}]
    assert told["conflicts_of_interest"] == [{"application_id": other.id, "kind": "declared", "noted_at": NOON}]
    assert told["as_reviewer"] == [
        {"challenge": cast.challenge.id, "affiliation": "ACME", "reads_at_most": 40, "scores_above_others_by": 0.0,
         "from_reviews": 0}
    ]  # fmt: skip


def test_a_reviewer_who_leaves_the_portal_is_forgotten(session: Session, bench: Bench, cast: Cast) -> None:
    application, other = bench.submitted(), bench.submitted(cast.stranger)
    assign(session, cast.challenge, by=cast.lead.id, at=NOON)
    bench.review(application, cast.reviewer, 4)
    set_reviewers(session, cast.challenge, {cast.reviewer.id: Terms("ACME")}, by=cast.lead.id, at=NOON)
    declare_conflict(session, other, cast.second_reviewer.id, at=NOON)

    erase(session, cast.reviewer.id, NOON)
    session.commit()

    (row,) = session.scalars(sa.select(Reviewer))
    assert (row.affiliation, row.capacity) == ("", 0)
    mine = sa.select(Assignment.application_id).where(Assignment.reviewer_id == cast.reviewer.id)
    assert session.scalars(mine).all() == [application.id]
    assert [review.score for review in queries.reviews(session, application.id)] == [4.0]
