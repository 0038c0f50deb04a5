"""Reviewing, and the figures that follow."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.core.errors import Invalid, Refused
from portal.selection import queries
from portal.selection.actions.reviews import write_review
from portal.selection.models import Review
from tests.cast import NOON, Cast, make_account, make_challenge, sign_in
from tests.selection.conftest import STAFF, Bench


def figures(session: Session, application: Application) -> tuple[int, float | None]:
    session.expire(application)
    return application.review_count, application.score_mean


def test_a_review_writes_the_figures_of_its_application(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()

    write_review(session, application, cast.reviewer.id, score=4, comment="Knows the kernel.", at=NOON)
    assert figures(session, application) == (1, 4.0)
    write_review(session, application, cast.second_reviewer.id, score=1, comment="", at=NOON)
    assert figures(session, application) == (2, 2.5)
    write_review(session, application, cast.reviewer.id, score=5, comment="On second thoughts.", at=NOON)

    assert figures(session, application) == (2, 3.0)
    assert bench.tags() == ["selection:review", "selection:review", "selection:change-review"]
    assert [(r.reviewer_id, r.score) for r in queries.reviews(session, application.id)] == [
        (cast.reviewer.id, 5), (cast.second_reviewer.id, 1),
    ]  # fmt: skip


def test_what_reviews_wrote_and_what_recomputing_finds_agree(app: Flask, session: Session, bench: Bench) -> None:
    crowd = bench.crowd([f"a{n}" for n in range(12)])
    reviewers = [make_account(session, f"r{n}") for n in range(7)]
    told: dict[int, list[int]] = {row.id: [] for row in crowd}
    for number, row in enumerate(crowd):
        for place, reviewer in enumerate(reviewers[: number % 8]):
            told[row.id].append((number * place + 3) % 6)
            write_review(session, row, reviewer.id, score=told[row.id][-1], comment="", at=NOON)
    session.commit()
    rows = sa.select(Application.id, Application.review_count, Application.score_mean).order_by(Application.id)
    written = session.execute(rows).all()
    assert [(count, mean) for _, count, mean in written] == [
        (len(told[number]), pytest.approx(sum(told[number]) / len(told[number])) if told[number] else None)
        for number, _, _ in written
    ]
    session.commit()

    result = app.test_cli_runner().invoke(args=["selection", "recompute"])

    assert result.output == "12 applications\n"
    assert session.execute(rows).all() == written


@pytest.mark.parametrize("score", [-1, 6])
def test_scores_are_0_to_5(session: Session, bench: Bench, cast: Cast, score: int) -> None:
    application = bench.submitted()
    with pytest.raises(Invalid):
        write_review(session, application, cast.reviewer.id, score=score, comment="", at=NOON)
    values: dict[str, Any] = {"application_id": application.id, "reviewer_id": cast.reviewer.id, "score": score}
    with pytest.raises(sa.exc.IntegrityError, match="score_in_range"):
        session.execute(sa.insert(Review).values(**values, comment="", created_at=NOON, updated_at=NOON))


def test_nobody_reviews_their_own_or_what_is_decided(session: Session, bench: Bench, cast: Cast) -> None:
    own = bench.submitted(cast.reviewer)
    with pytest.raises(Refused, match="your own"):
        write_review(session, own, cast.reviewer.id, score=5, comment="", at=NOON)
    decided = bench.invited()
    with pytest.raises(Refused, match="invited"):
        write_review(session, decided, cast.reviewer.id, score=5, comment="", at=NOON)


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

    def following(skip: int | None = None) -> int | None:
        return queries.next_to_review(session, cast.challenge.id, cast.reviewer.id, skip)

    assert following() == early.id
    assert following(skip=early.id) == late.id
    write_review(session, early, cast.reviewer.id, score=1, comment="", at=NOON)
    assert following() == late.id
    write_review(session, late, cast.reviewer.id, score=1, comment="", at=NOON)
    assert queries.progress(session, cast.challenge.id, cast.reviewer.id) == (2, 1)
    assert following() == often.id
    write_review(session, often, cast.reviewer.id, score=1, comment="", at=NOON)
    assert following() is None
    assert queries.next_to_review(session, cast.challenge.id, cast.lead.id) == mine.id


def test_reviewing_one_after_another(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    first, second = bench.crowd(["First", "Second"])
    sign_in(client, cast.reviewer)

    assert ">First" in client.get(f"{STAFF}/review").text
    wrong = client.post(f"{STAFF}/review/{first.id}", data={"comment": "kept as typed"})
    assert wrong.status_code == 422
    assert "Choose a score" in wrong.text
    assert "kept as typed" in wrong.text
    saved = client.post(f"{STAFF}/review/{first.id}", data={"score": "4", "comment": "good"})
    assert (saved.status_code, saved.location) == (302, f"{STAFF}/review")
    assert ">Second" in client.get(f"{STAFF}/review").text
    assert "One is left" in client.get(f"{STAFF}/review?skip={second.id}").text
    stays = client.post(f"{STAFF}/review/{second.id}", data={"score": "0", "then": "stay"})
    assert stays.location == f"{STAFF}/applications/{second.id}"
    assert "You have reviewed 2" in client.get(f"{STAFF}/review").text
    assert client.get(f"{STAFF}/review/{first.id}").status_code == 405
    assert client.post(f"{STAFF}/review/999", data={"score": "4"}).status_code == 404


def test_others_reviews_show_after_ones_own(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    write_review(session, application, cast.second_reviewer.id, score=2, comment="a secret opinion", at=NOON)
    session.commit()
    page = f"{STAFF}/applications/{application.id}"

    sign_in(client, cast.reviewer)
    before = client.get(page).text
    assert "a secret opinion" not in before
    assert "Mean 2.00" not in before
    client.post(f"{STAFF}/review/{application.id}", data={"score": "4", "comment": "mine"})
    after = client.get(page).text
    assert "a secret opinion" in after
    assert "Mean 3.00" in after
    sign_in(client, cast.lead)
    assert "a secret opinion" in client.get(page).text


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
    assert client.post(f"/staff/other/review/{application.id}", data={"score": "4"}).status_code == 404
    decide = f"/staff/other/applications/{application.id}/decision"
    assert client.post(decide, data={"decision": "invite"}).status_code == 404
    assert client.get(f"{STAFF}/applications/{application.id}").status_code == 403
