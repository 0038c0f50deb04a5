"""What reviewers wrote, and what is forgotten with the applicant."""

from sqlalchemy.orm import Session

from portal.selection import queries
from portal.selection.actions.reviews import write_review
from portal.selection.personal import erase, exported
from tests.cast import NOON, Cast
from tests.selection.conftest import Bench


def test_comments_go_with_the_applicant_and_scores_stay(session: Session, bench: Bench, cast: Cast) -> None:
    application, other = bench.submitted(), bench.submitted(cast.stranger)
    for row in (application, other):
        write_review(session, row, cast.reviewer.id, score=4, comment="Ada knows the kernel.", at=NOON)
    session.commit()

    assert [review["application"] for review in exported(session, cast.reviewer.id)["reviews_written"]] == [
        application.id, other.id,
    ]  # fmt: skip
    assert exported(session, cast.applicant.id) == {"reviews_written": []}
    erase(session, cast.applicant.id, NOON)
    session.commit()

    found = [(r.score, r.comment) for row in (application, other) for r in queries.reviews(session, row.id)]
    assert found == [(4, ""), (4, "Ada knows the kernel.")]
