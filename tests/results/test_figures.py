"""Every figure of a small challenge, counted by hand."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from portal.challenges.states import ParticipantState
from portal.reports.states import ReportState, Severity
from portal.results import queries, rules
from portal.results.rules import Release, Submission
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant
from tests.results.conftest import AFTER


def test_exactly_these_figures(session: Session, cast: Cast, jury: Jury) -> None:
    assert asdict(queries.figures(session, cast.challenge, AFTER)) == {
        "challenge": "test-challenge",
        "applications": 1,
        "participants": 3,
        "countries": 2,
        "submissions": 8,
        "improvements": 4,
        "critical_or_important": 4,
        "eligible": 3,
        "awarded": {
            "amount": Decimal(62_300), "currency": "USD", "largest": Decimal(48_000), "smallest": Decimal(3_300),
        },
        "by_design": 1,
        "scenarios_achieved": ("G1", "G2"),
        "by_outcome": {
            "fixed": 2, "confirmed": 2, "by_design": 1, "duplicate": 1, "not_reproducible": 0, "out_of_scope": 0,
            "unreadable": 0, "open": 2,
        },
        "by_severity": {"critical": 2, "important": 2, "moderate": 0, "low": 1, "unrated": 3},
        "median_days_to_fix": 53.5,  # 36 and 71
        "median_days_to_fix_critical": 36.0,
        "days_to_fix_most_serious_chain": None,
        "teams": 1,
        "single_researchers": 1,
        "as_of": AFTER,
    }  # fmt: skip


def test_the_parts_are_the_whole(session: Session, cast: Cast, jury: Jury) -> None:
    found = queries.figures(session, cast.challenge, AFTER)
    picture = queries.picture(session, cast.challenge)

    assert sum(found.by_outcome.values()) == sum(found.by_severity.values()) == found.submissions
    assert sum(count for _, count in picture.by_week) == found.submissions
    assert sum(amount for _, amount in picture.money_by_scenario) == found.awarded.amount
    assert sum(amount * count for amount, count in picture.awards_by_amount) == found.awarded.amount


def test_the_pictures(session: Session, cast: Cast, jury: Jury) -> None:
    picture = queries.picture(session, cast.challenge)

    assert (picture.by_week[0], picture.by_week[-1]) == ((date(2020, 6, 1), 0), (date(2020, 8, 31), 0))
    assert [week for week in picture.by_week if week[1]] == [(date(2020, 6, 15), 7), (date(2020, 6, 22), 1)]
    assert picture.money_by_scenario == [("G1", Decimal(3_300)), ("G2", Decimal(59_000))]
    assert picture.awards_by_amount == [(Decimal(48_000), 1), (Decimal(11_000), 1), (Decimal(3_300), 1)]
    assert picture.releases == [Release("20.07", date(2020, 7, 21), 1), Release("20.08", date(2020, 8, 26), 1)]


def test_an_empty_challenge_has_figures_too(session: Session, cast: Cast) -> None:
    other = make_challenge(session, "other", "Other")

    found = queries.figures(session, other, AFTER)

    assert (found.submissions, found.participants, found.applications, found.median_days_to_fix) == (0, 0, 0, None)
    assert asdict(found.awarded) == {"amount": 0, "currency": "USD", "largest": None, "smallest": None}
    assert queries.picture(session, other).releases == []


def test_other_challenges_do_not_count(session: Session, cast: Cast, jury: Jury) -> None:
    before = queries.figures(session, cast.challenge, AFTER)
    other = make_challenge(session, "other", "Other")
    make_participant(session, other, make_account(session, "Olga Other"), country="BR")

    assert queries.figures(session, cast.challenge, AFTER) == before
    assert queries.figures(session, other, AFTER).participants == 1


def test_who_was_removed_does_not_count(session: Session, cast: Cast, jury: Jury) -> None:
    cast.team.state, cast.team.removed_at = ParticipantState.REMOVED, NOON
    session.flush()

    assert queries.people(session, cast.challenge.id) == (1, 1)


def test_a_report_on_the_evening_counts_by_the_day_of_the_challenges_zone() -> None:
    late = rules.Submission(
        1, ReportState.FIXED, None, False, frozenset(), NOON.replace(hour=3), "20.07", date(2020, 6, 20)
    )

    assert rules.median_days([late], "America/Los_Angeles") == 6.0
    assert rules.median_days([late], "UTC") == 5.0


def test_counting_costs_the_same_for_few_and_for_many(
    session: Session, cast: Cast, jury: Jury, statements: list[str]
) -> None:
    def cost() -> int:
        session.expire_all()
        cast.challenge.slug  # noqa: B018 - loads it
        statements.clear()
        queries.figures(session, cast.challenge, AFTER)
        queries.picture(session, cast.challenge)
        return len(statements)

    few = cost()
    for _ in range(15):
        jury.award(jury.report(participant=cast.team))

    assert cost() == few


def test_the_course_of_the_programme(session: Session, cast: Cast, jury: Jury) -> None:
    shipped = queries.picture(session, cast.challenge).releases

    course = rules.programme(cast.challenge, shipped, date(2020, 10, 6))

    assert [(span.label, span.first, span.last) for span in course] == [
        ("Announced", date(2020, 5, 5), date(2020, 5, 5)), ("Applications", date(2020, 5, 5), date(2020, 6, 22)),
        ("Research", date(2020, 6, 1), date(2020, 8, 31)), ("Release 20.07", date(2020, 7, 21), date(2020, 7, 21)),
        ("Release 20.08", date(2020, 8, 26), date(2020, 8, 26)), ("Results", date(2020, 10, 6), date(2020, 10, 6)),
    ]  # fmt: skip
    assert course[0].start == 0
    assert max(span.start + span.width for span in course) == pytest.approx(100)
    assert "Results" not in {span.label for span in rules.programme(cast.challenge, shipped, None)}


def sent(
    number: int, severity: Severity | None, links: int, day: int, fixed: int | None = 20, **more: object
) -> Submission:
    """A submission of June 2020, fixed in July or not."""
    given = {
        "id": number, "state": ReportState.FIXED if fixed else ReportState.FIXING, "severity": severity,
        "improved": True, "achieved": None, "received_at": datetime(2020, 6, day, 12, tzinfo=UTC),
        "release": "20.07" if fixed else None, "fixed_on": date(2020, 7, fixed) if fixed else None, "links": links,
    }  # fmt: skip
    return Submission(**given | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("submissions", "awarded", "number"),
    [
        ([], {}, None),
        # One link, or none, is no chain; what came to nothing is none of the real ones.
        ([sent(1, Severity.CRITICAL, 1, 1), sent(2, Severity.CRITICAL, 0, 1)], {}, None),
        ([sent(1, Severity.CRITICAL, 2, 1, state=ReportState.DUPLICATE), sent(2, Severity.LOW, 2, 1)], {}, 2),
        ([sent(1, None, 3, 1, state=ReportState.BY_DESIGN)], {}, None),
        # The most severe; then the one that was awarded most; then the longest; then the first.
        ([sent(1, Severity.IMPORTANT, 5, 1), sent(2, Severity.CRITICAL, 2, 9)], {1: Decimal(9)}, 2),
        ([sent(1, Severity.CRITICAL, 5, 1), sent(2, Severity.CRITICAL, 2, 9)], {2: Decimal(1)}, 2),
        ([sent(1, Severity.CRITICAL, 2, 1), sent(2, Severity.CRITICAL, 3, 9)], {}, 2),
        ([sent(1, Severity.CRITICAL, 2, 9), sent(2, Severity.CRITICAL, 2, 1)], {}, 2),
    ],
)  # fmt: skip
def test_the_most_serious_chain(submissions: list[Submission], awarded: dict[int, Decimal], number: int | None) -> None:
    found = rules.most_serious_chain(submissions, awarded)

    assert (found.id if found else None) == number


def test_days_to_fix_are_days_of_the_zone() -> None:
    late = sent(1, Severity.CRITICAL, 2, 1, received_at=datetime(2020, 6, 2, 5, tzinfo=UTC))

    assert (rules.days_to_fix(late, "UTC"), rules.days_to_fix(late, "America/Los_Angeles")) == (48, 49)
    # The most serious one is told of even while it is open: then there are no days yet.
    assert rules.days_to_fix(sent(1, Severity.CRITICAL, 2, 1, None), "UTC") is None
