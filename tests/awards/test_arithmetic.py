"""What must hold of every award, whatever the rules: exact decimals, tried on many."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from portal.awards import rules, states
from portal.awards.rules import Achieved, Owed, Table
from portal.awards.states import Entry, PaymentState, Quality
from portal.challenges.states import ScenarioKind
from portal.core.errors import Refused
from portal.reports.states import Severity

CENTS = st.integers(1, 999_999_999).map(lambda cents: Decimal(cents) / 100)
GENERAL = Achieved(3, "G1", ScenarioKind.GENERAL)
# From the worst to the best.
LADDER = [(severity, quality) for severity in reversed(Severity) for quality in reversed(Quality)]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Rules in which nothing better is given less, as a programme means them; capped or not."""
    amounts = sorted(draw(st.lists(CENTS, min_size=len(LADDER), max_size=len(LADDER))))
    percents = sorted(draw(st.lists(st.integers(0, 100), min_size=len(Severity), max_size=len(Severity))))
    uplift = {(ScenarioKind.GENERAL, severity): percent
              for severity, percent in zip(reversed(Severity), percents, strict=True) if percent}  # fmt: skip
    return Table(dict(zip(LADDER, amounts, strict=True)), uplift, {}, draw(st.none() | CENTS))


@given(table=tables(), achieved=st.sampled_from([None, GENERAL]))
def test_what_is_worse_or_reported_worse_is_never_given_more(table: Table, achieved: Achieved | None) -> None:
    for severity in Severity:
        amounts = [rules.work_out(table, severity, quality, achieved).amount for quality in Quality]
        assert amounts == sorted(amounts, reverse=True)
    for quality in Quality:
        amounts = [rules.work_out(table, severity, quality, achieved).amount for severity in Severity]
        assert amounts == sorted(amounts, reverse=True)


@given(table=tables())
def test_rules_that_are_in_order_have_no_oddities(table: Table) -> None:
    assert rules.oddities(table) == []


@given(table=tables(), parts=st.lists(st.sampled_from(LADDER), max_size=6))
def test_the_parts_of_a_report_never_have_more_than_the_cap(
    table: Table, parts: list[tuple[Severity, Quality]]
) -> None:
    taken = Decimal(0)
    for severity, quality in parts:
        try:
            found = rules.work_out(table, severity, quality, GENERAL, taken)
        except Refused:
            assert table.cap is not None
            assert taken >= table.cap
            return
        assert found.amount > 0
        taken += found.amount
        assert table.cap is None or taken <= table.cap


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


@given(table=tables(), part=st.sampled_from(LADDER), taken=st.just(Decimal(0)) | CENTS)
def test_every_line_of_the_working_is_true(table: Table, part: tuple[Severity, Quality], taken: Decimal) -> None:
    try:
        found = rules.work_out(table, *part, GENERAL, taken)
    except Refused:
        return
    last = found.base
    for line in found.lines:
        product, _, rounded = line.partition(", rounded to ")
        if " × " in product:
            left, right = product.split(" = ")
            one, other = left.split(" × ")
            assert _number(one) * _number(other) == _number(right)
            last = Decimal(str((rounded or right).replace(",", "")))
            assert abs(Fraction(last) - _number(right)) <= Fraction(1, 200)
        elif " − " in line:
            left, right = line.rpartition(": ")[2].split(" = ")
            one, other = left.split(" − ")
            assert _number(one) - _number(other) == _number(right)
            last = Decimal(right.replace(",", ""))
        elif line.startswith("No award is more than"):
            last = Decimal(line.rpartition(" ")[2].replace(",", ""))
    assert last == found.amount


@given(
    amount=st.integers(0, 999_999_999).map(lambda cents: Decimal(cents) / 100),
    weights=st.dictionaries(st.integers(1, 99), st.integers(0, 10_000), min_size=1, max_size=9).filter(
        lambda found: any(found.values())
    ),
)
def test_shares_are_exact_and_together_the_award(amount: Decimal, weights: dict[int, int]) -> None:
    parts = rules.split(amount, weights)

    assert sum(parts.values()) == amount
    assert set(parts) == {who for who, weight in weights.items() if weight}
    whole = sum(weights.values())
    for who, part in parts.items():
        exact = Fraction(amount) * weights[who] / whole
        assert abs(Fraction(part) - exact) < Fraction(1, 100)
        assert all(part >= parts[other] for other in parts if weights[other] < weights[who])


@given(amounts=st.lists(st.just(Decimal(0)) | CENTS, min_size=1, max_size=9))
def test_the_changes_of_corrections_add_up_to_what_stands(amounts: list[Decimal]) -> None:
    stands: Decimal | None = None
    changes: list[Decimal] = []
    for amount in amounts:
        try:
            kind = rules.kind_of(amount, stands, {1: 1}, {1: 1})
        except Refused:
            assert amount == stands
            continue
        change = amount - (stands or Decimal(0))
        assert (kind in (Entry.AWARD, Entry.RAISE)) == (change > 0 or stands is None)
        assert (kind is Entry.VOID) == (amount == 0 and stands is not None)
        changes.append(change)
        stands = amount
    assert sum(changes) == stands


STEPS = st.lists(
    st.tuples(st.sampled_from(["correct", "send", "pay", "fail", "again", "refuse", "donate"]), CENTS | st.just(0)),
    max_size=25,
)
FROM_TO = {
    "send": (PaymentState.DUE, PaymentState.SENT), "pay": (PaymentState.SENT, PaymentState.PAID),
    "fail": (PaymentState.PAID, PaymentState.FAILED), "again": (PaymentState.FAILED, PaymentState.DUE),
    "refuse": (PaymentState.DUE, PaymentState.REFUSED), "donate": (PaymentState.DUE, PaymentState.DONATED),
}  # fmt: skip


@given(steps=STEPS)
def test_the_money_of_a_member_is_always_the_award_and_what_is_too_much(
    steps: list[tuple[str, Decimal]],
) -> None:
    """Corrections and payments in any order; what `settle` does is done here on sums."""
    target, had = Decimal(0), defaultdict[PaymentState, Decimal](Decimal)
    for name, amount in steps:
        if name == "correct":
            target = Decimal(amount)
        else:
            source, goal = FROM_TO[name]
            had[goal] += had.pop(source, Decimal(0))
        found = rules.wanted(Owed(target, had))
        if had[PaymentState.DUE] + had[PaymentState.FAILED] != found.due:
            had[PaymentState.FAILED], had[PaymentState.DUE] = Decimal(0), found.due
        had[PaymentState.REFUSED] = found.refused

        owed = Owed(target, had)
        assert owed.of(states.COUNTED) == target + rules.overpaid(owed)
        assert min(found) >= 0
        assert not (found.due and found.overpaid)
