"""The arithmetic of 2020, and its working."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.awards import rules, states
from portal.awards.rules import Achieved, Table
from portal.awards.states import AwardState, Quality
from portal.challenges.states import ScenarioKind
from portal.core.errors import Refused
from portal.demo import facts
from portal.reports.states import ReportState, Severity
from tests.awards.conftest import AMOUNTS, UPLIFT

TABLE = Table({key: Decimal(amount) for key, amount in AMOUNTS.items()}, UPLIFT, {1: Decimal(100_000)})
GENERAL = Achieved(2, "G2", ScenarioKind.GENERAL)
HIGH = Achieved(1, "H1", ScenarioKind.HIGH_PRIORITY)


@pytest.mark.parametrize(("severity", "quality", "amount", "line"), [
    (Severity.CRITICAL, Quality.HIGH, "48000.00", "40,000 × 1.2 = 48,000"),
    (Severity.IMPORTANT, Quality.MEDIUM, "11000.00", "10,000 × 1.1 = 11,000"),
    (Severity.IMPORTANT, Quality.LOW, "3300.00", "3,000 × 1.1 = 3,300"),
])  # fmt: skip
def test_the_known_awards(severity: Severity, quality: Quality, amount: str, line: str) -> None:
    found = rules.work_out(TABLE, severity, quality, GENERAL)

    assert (str(found.amount), found.lines[-1]) == (amount, line)


def test_one_teams_six_awards() -> None:
    low, medium, high = Quality.LOW, Quality.MEDIUM, Quality.HIGH
    important, critical = Severity.IMPORTANT, Severity.CRITICAL
    six = [(important, low), (critical, high), (important, medium), (important, medium), (critical, high),
           (critical, high)]  # fmt: skip

    amounts = [rules.work_out(TABLE, severity, quality, GENERAL).amount for severity, quality in six]

    assert [int(amount) for amount in amounts] == [3300, 48000, 11000, 11000, 48000, 48000]
    assert sum(amounts) == Decimal("169300.00")


def test_the_awards_of_2020_add_up() -> None:
    """The published figures, by the rules alone from what the demonstration knows of each submission."""
    base = {(Severity(severity), Quality(quality)): Decimal(amount)
            for severity, row in facts.BASES.items() for quality, amount in row.items()}  # fmt: skip
    uplift = {(ScenarioKind.GENERAL, Severity(severity)): percent for severity, percent in facts.UPLIFTS.items()}
    amounts = [
        rules.work_out(Table(base, uplift), Severity(fact.severity), Quality(fact.quality), GENERAL).amount
        for fact in facts.SUBMISSIONS
        if fact.quality and fact.severity
    ]

    assert (len(amounts), sum(amounts), max(amounts), min(amounts)) == (16, 374_300, 48_000, 3_300)


def test_without_a_scenario_there_is_no_uplift() -> None:
    found = rules.work_out(TABLE, Severity.CRITICAL, Quality.HIGH, None)

    assert (found.amount, found.percent) == (Decimal(40_000), 0)
    assert found.lines == ("Critical severity, high quality: 40,000",)


def test_a_high_priority_scenario_has_its_own_amount() -> None:
    found = rules.work_out(TABLE, Severity.LOW, Quality.LOW, HIGH)

    assert (found.amount, found.lines) == (Decimal(100_000), ("Scenario H1, fixed: 100,000",))


def test_nothing_is_more_than_the_cap() -> None:
    capped = Table(TABLE.base, TABLE.uplift, TABLE.fixed, Decimal(45_000))

    found = rules.work_out(capped, Severity.CRITICAL, Quality.HIGH, GENERAL)

    assert (found.amount, found.lines[-1]) == (Decimal(45_000), "No award is more than 45,000")


def test_cents_are_exact() -> None:
    odd = Table({(Severity.LOW, Quality.LOW): Decimal("0.05")}, {(ScenarioKind.GENERAL, Severity.LOW): 10})

    assert str(rules.work_out(odd, Severity.LOW, Quality.LOW, GENERAL).amount) == "0.06"


def test_what_the_rules_do_not_know_is_refused() -> None:
    with pytest.raises(Refused, match="no amount for low severity and low quality"):
        rules.work_out(TABLE, Severity.LOW, Quality.LOW, GENERAL)


@pytest.mark.parametrize("state", sorted(set(ReportState) - rules.AWARDED))
def test_only_what_is_confirmed_is_awarded(state: ReportState) -> None:
    with pytest.raises(Refused, match="Only a confirmed report"):
        rules.check_report(state, Severity.CRITICAL)


def test_an_amount_between_cents_says_how_it_was_rounded() -> None:
    odd = Table({(Severity.LOW, Quality.LOW): Decimal("0.05")}, {(ScenarioKind.GENERAL, Severity.LOW): 10})

    found = rules.work_out(odd, Severity.LOW, Quality.LOW, GENERAL)

    assert found.lines[-1] == "0.05 × 1.1 = 0.055, rounded to 0.06"


def test_every_state_can_be_reached() -> None:
    assert {move.target for move in states.MOVES} == set(AwardState) - {AwardState.PROPOSED}
    assert len({move.name for move in states.MOVES}) == len(states.MOVES)


CENTS = st.decimals(min_value="0.01", max_value="9999999.99", places=2)


@given(base=CENTS, percent=st.integers(0, 100), cap=st.none() | CENTS, kind=st.sampled_from([None, *ScenarioKind]))
def test_an_amount_is_exact_never_below_its_base_and_never_above_the_cap(
    base: Decimal, percent: int, cap: Decimal | None, kind: ScenarioKind | None
) -> None:
    uplift = {(ScenarioKind.GENERAL, Severity.LOW): percent} if percent else {}
    table = Table({(Severity.LOW, Quality.LOW): base}, uplift, {}, cap)

    found = rules.work_out(table, Severity.LOW, Quality.LOW, Achieved(3, "G1", kind) if kind else None)

    applied = percent if kind is ScenarioKind.GENERAL else 0
    exact = Fraction(base) * (100 + applied) / 100
    assert (found.base, found.percent) == (base, applied)
    rounded = Decimal(floor(exact * 100 + Fraction(1, 2))) / 100
    assert found.amount == (rounded if cap is None else min(rounded, cap))
    assert rounded >= base
    assert (found.lines[-1] == f"No award is more than {rules.written(found.amount)}") == (found.amount < rounded)
