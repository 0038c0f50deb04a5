"""Raw and adjusted scores: what they are, that they are stored as they are, and that adjusting them helps."""

import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from statistics import mean, stdev
from time import process_time

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.models import Challenge
from portal.core.db import db
from portal.selection import jobs
from portal.selection.actions import scores as actions
from portal.selection.actions.plan import Line, set_rubric
from portal.selection.actions.reviews import write_review
from portal.selection.models import Plan, Review, Reviewer
from portal.selection.queries import scores as queries
from portal.selection.rules.reviews import OVERALL, Opinion
from portal.selection.rules.scores import (
    Figures,
    Ranked,
    Said,
    Scale,
    figures,
    fit,
    is_calibrated,
    rank_ranges,
    weighted,
)
from tests.cast import NOON, Cast, make_account, sign_in
from tests.selection.conftest import STAFF, Bench

HARSHNESS = (-0.9, -0.5, -0.1, 0.2, 0.5, 0.8)
NOISE = (0.5, 0.6, 0.7, 0.8, 0.9, 0.6)


class Programme:
    """3,500 applicants of known quality, a noisy first pass, and six unlike reviewers for the best 500."""

    def __init__(self, seed: int) -> None:
        chance = Random(seed)
        self.quality = [chance.gauss(2.2, 0.9) for _ in range(3500)]
        seen = [quality + chance.gauss(0, 0.5) for quality in self.quality]
        self.reviewed = sorted(range(3500), key=lambda number: -seen[number])[:500]
        self.said = []
        for number in self.reviewed:
            for who in chance.sample(range(6), 3):
                # Four criteria of equal weight make quarters of a point.
                felt = round(4 * (self.quality[number] + HARSHNESS[who] + chance.gauss(0, NOISE[who]))) / 4
                self.said.append(Said(number, who, min(5.0, max(0.0, felt))))
        fitted = fit(self.said)
        assert fitted
        self.fitted = fitted
        scores: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for number, who, score in self.said:
            scores[number].append((who, score))
        self.figures = {number: figures(told, fitted.scale, fitted.offsets) for number, told in scores.items()}

    def raw(self, number: int) -> float:
        return self.figures[number].mean or 0.0

    def adjusted(self, number: int) -> float:
        return self.figures[number].adjusted or 0.0

    def correlation(self, of: Callable[[int], float]) -> float:
        """Spearman's rank correlation with the truth."""
        truth = {n: place for place, n in enumerate(sorted(self.reviewed, key=lambda n: self.quality[n]))}
        found = {n: place for place, n in enumerate(sorted(self.reviewed, key=of))}
        count = len(self.reviewed)
        return 1 - 6 * sum((truth[n] - found[n]) ** 2 for n in self.reviewed) / (count * (count**2 - 1))

    def found(self, of: Callable[[int], float]) -> int:
        """How many of the 70 best of all are among the 70 that would be chosen."""
        best = set(sorted(range(3500), key=lambda n: -self.quality[n])[:70])
        return len(best & set(sorted(self.reviewed, key=of, reverse=True)[:70]))


def test_the_adjusted_ranking_beats_the_raw_one() -> None:
    runs = [Programme(seed) for seed in range(10)]

    raw, adjusted = ([run.correlation(of(run)) for run in runs] for of in (lambda r: r.raw, lambda r: r.adjusted))
    assert all(better > plain for plain, better in zip(raw, adjusted, strict=True))
    assert mean(adjusted) - mean(raw) > 0.05
    raw_found, found = ([run.found(of(run)) for run in runs] for of in (lambda r: r.raw, lambda r: r.adjusted))
    assert mean(found) - mean(raw_found) > 3
    assert sum(more >= plain for plain, more in zip(raw_found, found, strict=True)) >= 9


def test_harshness_is_found_and_errors_are_honest() -> None:
    runs = [Programme(seed) for seed in range(5)]
    for run in runs:
        # Only differences between reviewers can be known.
        middle = mean(HARSHNESS)
        assert all(abs(run.fitted.offsets[n] - (HARSHNESS[n] - middle)) < 0.2 for n in range(6))
        assert abs(mean(run.fitted.offsets.values())) < 0.05
    # Two in three lie within one standard error of the truth, on the scale of these reviewers.
    within = 0
    for run in runs:
        shift = mean(run.adjusted(n) - run.quality[n] for n in run.reviewed)
        within += sum(abs(run.adjusted(n) - run.quality[n] - shift) < (run.figures[n].error or 0) for n in run.reviewed)
    assert 0.6 < within / 2500 < 0.8


def test_15_000_reviews_are_fitted_in_a_moment() -> None:
    chance = Random(1)
    said = [Said(n, who, chance.random() * 5) for n in range(5000) for who in chance.sample(range(20), 3)]
    began = process_time()
    fit(said)
    assert process_time() - began < 1.5


def test_few_reviews_are_drawn_to_the_middle() -> None:
    scale = Scale(3.0, 0.7, 0.7)
    assert figures([], scale, {}) == Figures(0, None, None, None, None)
    single, thrice = figures([(1, 5.0)], scale, {}), figures([(n, 4.8) for n in range(3)], scale, {})
    assert (single.mean, single.adjusted, single.spread) == (5.0, 4.0, None)
    assert thrice.adjusted == pytest.approx(4.35)
    assert single.error == pytest.approx(0.7 / 2**0.5)
    assert thrice.error == pytest.approx(0.35)
    # Before anything is fitted, nothing is adjusted.
    assert figures([(1, 5.0), (2, 3.0)], None, {1: 1.0}) == Figures(2, 4.0, 4.0, None, pytest.approx(0.707, abs=1e-3))


def test_offsets_are_taken_off() -> None:
    told = figures([(1, 4.0), (2, 2.0)], Scale(3.0, 1e-9, 1.0), {1: 1.0, 2: -1.0})
    assert (told.mean, told.adjusted, told.spread) == (3.0, pytest.approx(3.0), 0.0)


def test_nobody_is_adjusted_by_a_few_reviews() -> None:
    known = [Said(n, who, float(2 + (n + n // 3 * who) % 3)) for n in range(40) for who in (1, 2)]
    few = fit([*known, Said(1, 3, 5.0)])
    assert few
    assert 0 < few.offsets[3] < 1.0
    assert fit([]) is None
    assert [is_calibrated(n) for n in (9, 10)] == [False, True]


@pytest.mark.parametrize(
    ("marks", "weights", "score"),
    [({1: 4, 2: 2}, {1: 3, 2: 1}, 3.5), ({1: 4, 9: 0}, {1: 3}, 4.0), ({9: 1}, {1: 1}, None), ({}, {1: 1}, None)],
)
def test_marks_weigh_what_their_criteria_weigh(
    marks: dict[int, int], weights: dict[int, int], score: float | None
) -> None:
    assert weighted(marks, weights) == score


def test_ranks_are_intervals() -> None:
    sure = [Ranked(n, 5.0 - n, 0.01) for n in range(5)]
    assert rank_ranges(sure) == {n: (n + 1, n + 1) for n in range(5)}
    unsure = rank_ranges([Ranked(n, 5.0 - n, 1.0) for n in range(5)])
    assert unsure == {0: (1, 2), 1: (1, 3), 2: (2, 4), 3: (3, 5), 4: (4, 5)}
    assert rank_ranges([]) == {}


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 2)), max_size=30))
def test_a_rank_range_holds_the_rank(told: list[tuple[float, float]]) -> None:
    ranked = [Ranked(n, adjusted, error) for n, (adjusted, error) in enumerate(told)]
    for one in ranked:
        best, worst = rank_ranges(ranked)[one.application]
        rank = 1 + sum(other.adjusted > one.adjusted for other in ranked)
        assert 1 <= best <= rank <= worst <= len(ranked)


# What is stored


@pytest.fixture
def panel(session: Session) -> list[Account]:
    found = [make_account(session, f"reviewer {n}") for n in range(5)]
    session.commit()
    return found


def write(session: Session, application: Application, who: Account, marks: dict[int, int], minute: int = 0) -> None:
    write_review(session, application, who.id, Opinion(marks), at=NOON + timedelta(minutes=minute))


Step = tuple[str, int, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["review"] * 6 + ["fit", "weights", "retire", "leave"]), st.integers(0, 4), st.integers(0, 4),
        st.integers(0, 5),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_after_any_sequence_what_is_stored_is_what_reviews_say(
    session: Session, bench: Bench, cast: Cast, panel: list[Account], steps: list[Step]
) -> None:
    session.rollback()
    with undone(session):
        asked = bench_rubric(session, cast)
        crowd = bench_crowd(session, cast)
        for what, first, second, value in steps:
            if what == "review":
                marks = dict.fromkeys((row.id for row in actions.plans.rubric(session, cast.challenge.id)), value)
                write(session, crowd[first], panel[second], marks)
            elif what == "fit":
                actions.fit(session, cast.challenge, at=NOON)
            elif what == "leave":
                crowd[first].state = ApplicationState.SUBMITTED
                session.execute(sa.delete(Review).where(Review.application_id == crowd[first].id))
                actions.recompute(session, cast.challenge.id)
            else:
                lines = [
                    Line(asked[0], "Plan", weight=1 + first), Line(asked[1], "Skill", retired=what == "retire"),
                ]  # fmt: skip
                set_rubric(session, cast.challenge, lines, by=cast.lead.id, at=NOON)
            assert queries.differences(session, cast.challenge.id) == []


@contextmanager
def undone(session: Session):  # type: ignore[no-untyped-def]
    """Whatever is written within is not kept: the examples of a property start alike."""
    nested = session.begin_nested()
    try:
        yield
    finally:
        if nested.is_active:
            nested.rollback()
        session.expire_all()


def bench_rubric(session: Session, cast: Cast) -> list[int]:
    set_rubric(session, cast.challenge, [Line(None, "Plan", weight=2), Line(None, "Skill")], by=cast.lead.id, at=NOON)
    return [row.id for row in actions.plans.criteria(session, cast.challenge.id)]


def bench_crowd(session: Session, cast: Cast) -> list[Application]:
    rows = [
        Application(
            challenge_id=cast.challenge.id, account_id=make_account(session, f"applicant {n}").id,
            canonical_email=f"applicant-{n}@example.org", name=f"a{n}", state=ApplicationState.SUBMITTED,
            state_since=NOON, created_at=NOON, saved_at=NOON, submitted_at=NOON, rnd=n, country="DE",
        )
        for n in range(5)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def some_reviews(session: Session, bench: Bench, panel: list[Account], number: int = 12) -> list[Application]:
    """Reviews by people of whom each scores half a point above the one before."""
    crowd = bench.crowd([f"a{n}" for n in range(number)])
    for place, row in enumerate(crowd):
        for n, who in enumerate(panel[: 3 + place % 3]):
            bench.review(row, who, min(5, (place * 2 + n) % 6))
    return crowd


def test_fitting_writes_offsets_figures_and_ranks(
    session: Session, bench: Bench, cast: Cast, panel: list[Account]
) -> None:
    crowd = some_reviews(session, bench, panel)
    crowd[0].state = ApplicationState.WITHDRAWN
    session.commit()
    plan = session.get_one(Plan, cast.challenge.id)
    assert (plan.fitted_at, plan.changed_at) == (None, NOON)

    assert actions.fit(session, cast.challenge, at=NOON, by=cast.lead.id) == 12
    session.commit()

    assert (plan.fitted_at, plan.changed_at) == (NOON, None)
    counts = {row.account_id: row.review_count for row in session.scalars(sa.select(Reviewer))}
    assert counts == {who.id: n for who, n in zip(panel, (12, 12, 12, 8, 4), strict=True)}
    session.expire_all()
    assert (crowd[0].rank_best, crowd[0].rank_worst) == (None, None)
    for row in crowd[1:]:
        assert 1 <= (row.rank_best or 0) <= (row.rank_worst or 0) <= 11
        assert row.score_error
    told = [
        review.score
        for review in session.scalars(sa.select(Review).where(Review.application_id == crowd[3].id).order_by(Review.id))
    ]
    assert crowd[3].score_mean == pytest.approx(mean(told))
    assert stdev(told) != crowd[3].score_spread
    assert queries.differences(session, cast.challenge.id) == []
    assert bench.tags()[-1] == "selection:fit"


def test_scores_are_fitted_a_minute_after_reviews_changed(
    session: Session, bench: Bench, cast: Cast, panel: list[Account]
) -> None:
    (row,) = bench.crowd(["one"])
    assert jobs.fit_scores(session, NOON) == 0
    bench.review(row, panel[0], 4)
    bench.review(row, panel[1], 2, at=NOON + timedelta(seconds=50))
    assert jobs.fit_scores(session, NOON + timedelta(seconds=59)) == 0
    assert jobs.fit_scores(session, NOON + timedelta(seconds=60)) == 1
    assert jobs.fit_scores(session, NOON + timedelta(seconds=90)) == 0
    bench.rubric(Plan=1)
    assert jobs.fit_scores(session, NOON + timedelta(minutes=3)) == 1


def test_the_commands_recompute_and_compare(
    app: Flask, session: Session, bench: Bench, cast: Cast, panel: list[Account]
) -> None:
    crowd = some_reviews(session, bench, panel)
    runner, number = app.test_cli_runner(), crowd[2].id

    def run(command: str, *args: str) -> tuple[int, str]:
        session.commit()
        result = runner.invoke(args=["selection", command, *args])
        session.expire_all()
        return result.exit_code, result.output

    assert run("fit") == (0, "test-challenge: 12 applications\n")
    assert run("compare") == (0, "no differences\n")
    good = crowd[2].score_mean
    session.execute(sa.update(Application).where(Application.id == number).values(score_mean=0.5, score_error=None))
    status, told = run("compare", "test-challenge")
    assert status == 1
    assert (
        told
        == (
            f"test-challenge: application {number}: mean is 0.5, should be {good}\n"
            f"test-challenge: application {number}: error is None, should be {crowd[3].score_error}\n2 differences\n"
        )
        or "2 differences" in told
    )
    assert run("recompute") == (0, "test-challenge: 12 applications\n")
    assert crowd[2].score_mean == good
    assert run("compare") == (0, "no differences\n")
    assert run("fit", "nowhere")[0] == 1


def test_a_changed_mark_is_told(app: Flask, session: Session, bench: Bench, cast: Cast, panel: list[Account]) -> None:
    asked = bench.rubric(Plan=1)
    (row,) = bench.crowd(["one"])
    review = bench.review(row, panel[0], {asked["Plan"]: 4})
    session.execute(sa.update(Review).values(score=1.0))
    found = queries.differences(session, cast.challenge.id)
    assert (found[0].what, found[0].number, found[0].stored, found[0].found) == ("review", review.id, 1.0, 4.0)


def test_a_new_review_is_measured_by_the_known_offsets(
    session: Session, bench: Bench, cast: Cast, panel: list[Account]
) -> None:
    some_reviews(session, bench, panel)
    actions.fit(session, cast.challenge, at=NOON)
    (late,) = bench.crowd(["late"])
    bench.review(late, panel[0], 3)
    plan = session.get_one(Plan, cast.challenge.id)
    offset = session.get_one(Reviewer, (cast.challenge.id, panel[0].id)).offset

    assert late.score_adjusted == pytest.approx(
        figures([(panel[0].id, 3.0)], Scale(plan.overall or 0, plan.noise or 0, plan.between_applications or 0),
                {panel[0].id: offset}).adjusted
    )  # fmt: skip
    assert late.rank_best is None
    assert plan.changed_at == NOON


def test_two_reviewers_who_save_at_once_are_both_counted(
    app: Flask, session: Session, bench: Bench, cast: Cast, panel: list[Account]
) -> None:
    (row,) = bench.crowd(["one"])
    number, ids, start = row.id, [who.id for who in panel], threading.Barrier(len(panel) + 1)
    challenge_id = cast.challenge.id
    session.commit()
    problems: list[BaseException] = []

    def save(who: int, score: int) -> None:
        try:
            with app.app_context():
                start.wait()
                application = db.session.get_one(Application, number)
                write_review(db.session, application, who, Opinion({OVERALL: score}), at=NOON)
                db.session.commit()
        except BaseException as problem:
            problems.append(problem)

    def refit() -> None:
        try:
            with app.app_context():
                start.wait()
                actions.fit(db.session, db.session.get_one(Challenge, challenge_id), at=NOON)
                db.session.commit()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=save, args=(who, n)) for n, who in enumerate(ids)]
    threads.append(threading.Thread(target=refit))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    session.expire_all()
    assert (row.review_count, row.score_mean) == (5, 2.0)
    assert queries.differences(session, cast.challenge.id) == []


def test_the_page_tells_the_figures(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, panel: list[Account]
) -> None:
    crowd = some_reviews(session, bench, panel)
    actions.fit(session, cast.challenge, at=NOON)
    session.commit()
    sign_in(client, cast.lead)

    shown = client.get(f"{STAFF}/applications/{crowd[2].id}").text

    for value in (crowd[2].score_adjusted, crowd[2].score_mean, crowd[2].score_error, crowd[2].score_spread):
        assert f"{value:.2f}" in shown
    assert f"{crowd[2].rank_best}–{crowd[2].rank_worst}" in shown
    # Two of the five who reviewed it have fewer than ten reviews.
    assert shown.count(">uncalibrated<") == 3
    assert "In part it rests on 2 reviewers with fewer than ten reviews" in shown
    assert "uncalibrated" in client.get(f"{STAFF}/review/reviewers").text
