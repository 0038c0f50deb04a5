"""The fairness report: its arithmetic, and that it counts what happened."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import permutations

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications import actions as applications
from portal.applications.states import ApplicantKind, Decision, Triage
from portal.selection.actions.invitations import Signing, accept_invitation
from portal.selection.models import Review, Verdict
from portal.selection.queries import fairness as queries
from portal.selection.rules import fairness as rules
from portal.selection.rules.fairness import Group, Steps
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant, sign_in
from tests.selection.conftest import STAFF, Bench

scores = st.lists(st.lists(st.integers(0, 5), min_size=0, max_size=5), max_size=12)


def sums_of(units: Iterable[Sequence[float]]) -> rules.Sums:
    """The sums that the database makes, from the scores themselves, one sequence an application."""
    comparable = [scores for scores in units if len(scores) > 1]
    squares = [sum(score * score for score in scores) for scores in comparable]
    within = sum(
        2 * (len(scores) * square - sum(scores) ** 2) / (len(scores) - 1)
        for scores, square in zip(comparable, squares, strict=True)
    )
    return rules.Sums(sum(map(len, comparable)), float(sum(map(sum, comparable))), float(sum(squares)), within)


def test_alpha_of_the_published_example() -> None:
    # Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): 4 observers, 12 units; for interval data .849.
    units = [
        [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1],
        [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
    ]  # fmt: skip
    assert rules.alpha(sums_of(units)) == pytest.approx(0.849, abs=0.0005)


@given(scores)
def test_alpha_is_one_less_the_observed_over_the_expected_disagreement(units: list[list[int]]) -> None:
    # As the definition has it, pair by pair.
    comparable = [unit for unit in units if len(unit) > 1]
    values = [value for unit in comparable for value in unit]
    expected = [(one - other) ** 2 for one, other in permutations(values, 2)]
    if not any(expected):
        assert rules.alpha(sums_of(units)) is None
        return
    observed = sum(
        sum((one - other) ** 2 for one, other in permutations(unit, 2)) / (len(unit) - 1) for unit in comparable
    ) / len(values)
    by_definition = 1 - observed / (sum(expected) / len(expected))
    assert rules.alpha(sums_of(units)) == pytest.approx(by_definition, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(2, 4)), max_size=8))
def test_full_agreement_is_one(units: list[tuple[int, int]]) -> None:
    assert rules.alpha(sums_of([[score] * number for score, number in units])) in (None, pytest.approx(1.0))


def test_wilsons_interval() -> None:
    # Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I,
    # method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for part, whole, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        assert rules.wilson(part, whole) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_shares_against_all_and_of_few_none() -> None:
    whole = Steps(applied=1000, invited=50)
    assert rules.share(Steps(applied=rules.FEW - 1, invited=9), whole) == (None, None, None, None, "")
    even = rules.share(Steps(applied=100, invited=5), whole)
    assert (even.rate, even.lift, even.differs) == (0.05, 1.0, "")
    assert rules.share(Steps(applied=100, invited=20), whole).differs == "above"
    assert rules.share(Steps(applied=300, invited=1), whole).differs == "below"
    assert rules.share(Steps(applied=100), Steps(applied=200)).lift is None


counts = st.lists(st.integers(0, 50), min_size=6, max_size=6).map(lambda some: Steps(*sorted(some, reverse=True)))


@given(st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), counts), max_size=60))
def test_groups_lose_nobody(parts: list[tuple[str, Steps]]) -> None:
    whole = rules.together(steps for _, steps in parts)
    groups = rules.grouped(parts)
    assert rules.together(group.steps for group in groups) == whole
    short = rules.listed(groups)
    assert rules.together(group.steps for group in short) == whole
    assert len(short) <= rules.LISTED + 1
    assert [group.steps.applied for group in groups] == sorted((g.steps.applied for g in groups), reverse=True)


@given(st.dictionaries(st.integers(0, 2000), st.integers(1, 9), min_size=1), st.sampled_from([0.5, 0.9]))
def test_quantiles_and_days_of_waiting_times(hours: dict[int, int], part: float) -> None:
    told = sorted(hour for hour, number in hours.items() for _ in range(number))
    value = rules.quantile(hours, part)
    assert value is not None
    assert sum(one <= value for one in told) >= part * len(told)
    assert sum(one < value for one in told) < part * len(told)
    days = rules.by_day(hours)
    assert sum(number for _, number in days) == len(told)
    assert [name for name, _ in days] == [*map(str, range(len(days)))][: rules.LAST_DAY] + (
        [f"{rules.LAST_DAY}+"] if len(days) > rules.LAST_DAY else []
    )


def test_of_nothing_there_is_nothing() -> None:
    assert (rules.quantile({}, 0.5), rules.by_day({}), rules.grouped([])) == (None, [], [])
    assert rules.listed([Group("a", Steps(1))]) == [Group("a", Steps(1))]


# What the database counts


@pytest.fixture
def programme(session: Session, bench: Bench, cast: Cast) -> Bench:
    """Applicants who came to every step there is, from two countries."""
    accepted, withdrew, refused = (make_account(session, name) for name in ("Acc", "Wit", "Ref"))
    elsewhere = make_challenge(session, "elsewhere")
    make_participant(session, elsewhere, refused)
    taken = bench.submitted(accepted, bench.content("H1", "G1", country="FR"))
    gone = bench.submitted(withdrew, bench.content("G1", country="FR"))
    back = bench.submitted(refused, bench.content("G1", country="DE", kind=ApplicantKind.TEAM, team=("x@example.org",)))
    bench.draft(cast.stranger)
    bench.release(bench.wave(*((row, Decision.INVITE) for row in (taken, gone, back))), 3, NOON + timedelta(hours=30))
    session.refresh(gone)
    applications.withdraw_application(session, gone, at=NOON + timedelta(hours=31))
    session.refresh(taken)
    accept_invitation(session, taken, accepted, Signing("Acc"), at=NOON + timedelta(hours=32))
    waiting, spam = bench.crowd(["Waiting", "Spam"], country="DE")
    waiting.in_review = True
    for row, verdict in ((waiting, Triage.MAYBE), (spam, Triage.SPAM)):
        row.looks, row.triage = 1, verdict
        session.add(
            Verdict(
                challenge_id=cast.challenge.id, application_id=row.id, reviewer_id=cast.reviewer.id, verdict=verdict,
                at=NOON, seconds=9,
            )
        )  # fmt: skip
    for who, score in ((cast.reviewer, 4.0), (cast.second_reviewer, 1.0)):
        session.add(
            Review(application_id=waiting.id, reviewer_id=who.id, score=score, created_at=NOON, updated_at=NOON)
        )
    waiting.review_count, waiting.score_mean, waiting.score_adjusted = 2, 2.5, 2.5
    session.commit()
    return bench


def test_every_step_is_counted_once(session: Session, programme: Bench, cast: Cast) -> None:
    kinds = queries.kinds(session, cast.challenge.id)
    assert sorted(kinds) == [
        ("DE", ApplicantKind.SINGLE, True, Steps(2, 2, 1, 1, 0, 0)),
        ("DE", ApplicantKind.TEAM, False, Steps(1, 0, 0, 0, 1, 0)),
        ("FR", ApplicantKind.SINGLE, True, Steps(2, 0, 0, 0, 2, 1)),
    ]
    assert rules.together(kind.steps for kind in kinds) == Steps(5, 2, 1, 1, 3, 1)
    assert dict(queries.scenarios(session, cast.challenge.id)) == {
        "H1 Execute code on the root of trust": Steps(1, 0, 0, 0, 1, 1),
        "G1 Execute code in the network daemon": Steps(3, 0, 0, 0, 3, 1),
    }


def test_who_took_part_before_is_no_first_timer(session: Session, bench: Bench, cast: Cast) -> None:
    elsewhere = make_challenge(session, "elsewhere")
    for name, joined in (("Before", NOON - timedelta(days=300)), ("After", NOON + timedelta(days=300))):
        who = make_account(session, name)
        make_participant(session, elsewhere, who, signed=False).members[0].joined_at = joined
        bench.submitted(who, bench.content(name=name))
    first = {kind.first_time: kind.steps.applied for kind in queries.kinds(session, cast.challenge.id)}
    assert first == {True: 1, False: 1}


def test_loads_agreement_times_and_waves(session: Session, programme: Bench, cast: Cast) -> None:
    rita, ren = queries.loads(session, cast.challenge.id)
    assert rita == rules.Load("Rita Reviewer", 2, 1, 0, 1, 4.0, None, 3.0, False)
    assert ren == rules.Load("Ren Reviewer", 0, 0, 0, 1, 1.0, None, 3.0, False)
    assert queries.agreement(session, cast.challenge.id) == sums_of([[4.0, 1.0]])
    assert queries.waiting_hours(session, cast.challenge.id) == {30: 3}
    (wave,) = queries.waves(session, cast.challenge.id)
    assert wave == (1, NOON + timedelta(hours=30), 3, 0, 0, 0, 0)


@pytest.mark.parametrize("number", [3, 40])
def test_the_report_costs_as_many_statements_whatever_the_number(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str], number: int
) -> None:
    bench.crowd([f"n{n}" for n in range(number)])
    sign_in(client, cast.lead)
    statements.clear()
    page = client.get(f"{STAFF}/fairness")
    assert page.status_code == 200
    assert len([text for text in statements if not text.startswith("BEGIN")]) == 12


def test_the_page_and_its_tables(client: FlaskClient, programme: Bench, cast: Cast) -> None:
    sign_in(client, cast.lead)
    page = client.get(f"{STAFF}/fairness").text
    assert "Krippendorff" in page
    for name in ("regions", "countries", "scenarios", "experience", "kinds"):
        rows = list(csv.DictReader(io.StringIO(client.get(f"{STAFF}/fairness/{name}.csv").text)))
        assert rows[0]["group"] == "all"
        assert rows[0]["applied"] == "5"
        assert rows[0]["invited_share"] == ""
        assert f"{STAFF}/fairness/{name}.csv" in page
        if name != "scenarios":
            assert sum(int(row["applied"]) for row in rows[1:]) == 5
    for name in ("reviewers", "agreement", "times", "waves"):
        answer = client.get(f"{STAFF}/fairness/{name}.csv")
        assert answer.mimetype == "text/csv"
        assert answer.text.count("\n") >= 2
    assert client.get(f"{STAFF}/fairness/secrets.csv").status_code == 404


def test_an_empty_report_says_so(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.lead)
    assert "As soon as applications are handed in" in client.get(f"{STAFF}/fairness").text
    for name in ("countries", "reviewers", "agreement", "times", "waves"):
        assert client.get(f"{STAFF}/fairness/{name}.csv").status_code == 200


def test_it_is_for_the_lead_alone(client: FlaskClient, session: Session, programme: Bench, cast: Cast) -> None:
    for who in (cast.reviewer, cast.applicant, make_account(session, "Guest", Role.TRIAGER)):
        session.commit()
        sign_in(client, who)
        assert client.get(f"{STAFF}/fairness").status_code == 403
        assert client.get(f"{STAFF}/fairness/countries.csv").status_code == 403
