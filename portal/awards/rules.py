"""How much an award is, with its working; and who may decide on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from portal.awards import states
from portal.awards.states import AwardState, Quality
from portal.challenges.states import ScenarioKind
from portal.core.errors import Refused
from portal.core.moves import Move
from portal.reports.states import ReportState, Severity

CENT = Decimal("0.01")
# Only what triage has found to be real is awarded.
AWARDED = frozenset({ReportState.CONFIRMED, ReportState.FIXING, ReportState.FIXED, ReportState.CLOSED})


class Achieved(NamedTuple):
    """The scenario that a report achieves."""

    id: int
    code: str
    kind: ScenarioKind


@dataclass(frozen=True, slots=True)
class Table:
    """One version of the rules: amounts by severity and quality, per cent by kind of scenario and severity, fixed
    amounts by scenario, and the most that is ever awarded."""

    base: Mapping[tuple[Severity, Quality], Decimal]
    uplift: Mapping[tuple[ScenarioKind, Severity], int] = field(default_factory=dict)
    fixed: Mapping[int, Decimal] = field(default_factory=dict)
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """An amount and how it came about, line by line."""

    base: Decimal
    percent: int
    amount: Decimal
    lines: tuple[str, ...]


def written(amount: Decimal) -> str:
    """An amount as the working writes it: 48,000 or 3,300.50."""
    whole = amount == amount.to_integral_value()
    return f"{amount:,.0f}" if whole else f"{amount:,.2f}"


def _factor(percent: int) -> Decimal:
    """1.2 for twenty per cent."""
    return (Decimal(100 + percent) / 100).normalize()


def work_out(table: Table, severity: Severity, quality: Quality, achieved: Achieved | None) -> Working:
    """The amount for a report. Raises Refused where the rules have none."""
    if achieved is not None and achieved.id in table.fixed:
        fixed = table.fixed[achieved.id]
        return _capped(table, Working(fixed, 0, fixed, (f"Scenario {achieved.code}, fixed: {written(fixed)}",)))
    base = table.base.get((severity, quality))
    if base is None:
        raise Refused(f"The rules have no amount for {severity} severity and {quality} quality.")
    lines = [f"{severity.capitalize()} severity, {quality} quality: {written(base)}"]
    percent = table.uplift.get((achieved.kind, severity), 0) if achieved else 0
    amount = (base * _factor(percent)).quantize(CENT, ROUND_HALF_UP)
    if achieved and percent:
        lines.append(f"Scenario {achieved.code} achieved, {severity}: + {percent} %")
        lines.append(f"{written(base)} × {_factor(percent)} = {written(amount)}")
    return _capped(table, Working(base, percent, amount, tuple(lines)))


def _capped(table: Table, found: Working) -> Working:
    if table.cap is None or found.amount <= table.cap:
        return found
    lines = (*found.lines, f"No award is more than {written(table.cap)}")
    return Working(found.base, found.percent, table.cap, lines)


def check_report(state: ReportState, severity: Severity | None) -> Severity:
    """The severity by which a report is awarded. Raises Refused where it cannot be, yet or ever."""
    if state not in AWARDED:
        raise Refused(f"Only a confirmed report is awarded. This one is {state.replace('_', ' ')}.")
    if severity is None:
        raise Refused("The report has no severity yet. Triage sets it.")
    return severity


def offered(moves: Iterable[Move[AwardState]], proposed_by: int, by: int) -> list[Move[AwardState]]:
    """Those of `moves` that this person may take: the proposer only withdraws, the others decide."""
    barred = (states.APPROVE, states.REJECT) if proposed_by == by else (states.WITHDRAW,)
    return [move for move in moves if move not in barred]


def check_person(move: Move[AwardState], proposed_by: int, by: int) -> None:
    """Raises Refused where the step is for somebody else than the proposer, or for nobody else."""
    if not move.by:
        raise Refused(f"“{move.label}” happens when a correction is approved.")
    if move in (states.APPROVE, states.REJECT) and by == proposed_by:
        raise Refused("You proposed this award. Somebody else decides on it: another triager, or the lead.")
    if move is states.WITHDRAW and by != proposed_by:
        raise Refused("Only the person who proposed an award withdraws the proposal.")
