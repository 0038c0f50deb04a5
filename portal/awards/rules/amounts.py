"""How much an award is, with its working."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from portal.awards.states import Quality
from portal.challenges.states import ScenarioKind
from portal.core.errors import Refused
from portal.reports.states import ReportState, Severity

CENT, NOTHING = Decimal("0.01"), Decimal(0)
ROUNDING = "Rounded once, at the end, to the cent; half a cent counts up."
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
    amounts by scenario, and the most that a report is ever given."""

    base: Mapping[tuple[Severity, Quality], Decimal]
    uplift: Mapping[tuple[ScenarioKind, Severity], int] = field(default_factory=dict)
    fixed: Mapping[int, Decimal] = field(default_factory=dict)
    cap: Decimal | None = None


class Working(NamedTuple):
    """An amount and how it came about, line by line."""

    base: Decimal
    percent: int
    amount: Decimal
    lines: tuple[str, ...]


class Example(NamedTuple):
    """What a preview of rules is tried on."""

    severity: Severity
    quality: Quality
    kind: ScenarioKind


# What was paid in 2020 for these is public: 48,000, 11,000 and 3,300 (challenge-facts).
EXAMPLES = (
    Example(Severity.CRITICAL, Quality.HIGH, ScenarioKind.GENERAL),
    Example(Severity.IMPORTANT, Quality.MEDIUM, ScenarioKind.GENERAL),
    Example(Severity.IMPORTANT, Quality.LOW, ScenarioKind.GENERAL),
)


def written(amount: Decimal) -> str:
    """An amount as the working writes it: 48,000, 3,300.50, or 0.055 where it is not rounded yet."""
    if amount == amount.to_integral_value():
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if amount == amount.quantize(CENT) else f"{amount.normalize():,f}"


def _factor(percent: int) -> Decimal:
    """1.2 for twenty per cent."""
    return (Decimal(100 + percent) / 100).normalize()


def work_out(
    table: Table, severity: Severity, quality: Quality, achieved: Achieved | None, taken: Decimal = NOTHING
) -> Working:
    """The amount for a report, or for a part beside others that have `taken`. Raises Refused where there is none."""
    if achieved is not None and achieved.id in table.fixed:
        fixed = table.fixed[achieved.id]
        return _capped(table, Working(fixed, 0, fixed, (f"Scenario {achieved.code}, fixed: {written(fixed)}",)), taken)
    base = table.base.get((severity, quality))
    if base is None:
        raise Refused(f"The rules have no amount for {severity} severity and {quality} quality.")
    lines = [f"{severity.capitalize()} severity, {quality} quality: {written(base)}"]
    percent = table.uplift.get((achieved.kind, severity), 0) if achieved else 0
    exact = base * _factor(percent)
    amount = exact.quantize(CENT, ROUND_HALF_UP)
    if achieved and percent:
        lines.append(f"Scenario {achieved.code} achieved, {severity}: + {percent} %")
        rounded = "" if amount == exact else f", rounded to {written(amount)}"
        lines.append(f"{written(base)} × {_factor(percent)} = {written(exact)}{rounded}")
    return _capped(table, Working(base, percent, amount, tuple(lines)), taken)


def room_left(cap: Decimal | None, taken: Decimal) -> Decimal | None:
    """What a part may have beside the others; None where there is no cap. Raises Refused where it is nothing."""
    if cap is None:
        return None
    if taken >= cap:
        raise Refused(f"No report is given more than {written(cap)}, and the other parts of this one have it already.")
    return cap - taken


def _capped(table: Table, found: Working, taken: Decimal) -> Working:
    room = room_left(table.cap, taken)
    if table.cap is None or room is None or found.amount <= room:
        return found
    lines = (*found.lines, f"No award is more than {written(table.cap)}")
    if taken:
        lines = (
            *lines,
            f"Its other parts have {written(taken)}: {written(table.cap)} − {written(taken)} = {written(room)}",
        )
    return Working(found.base, found.percent, room, lines)


def by_hand(table: Table, found: Working, amount: Decimal, taken: Decimal = NOTHING) -> Working:
    """The same with another amount, which people decided on. Raises Refused where it is above the cap."""
    room = room_left(table.cap, taken)
    if room is not None and amount > room:
        raise Refused(f"The rules allow at most {written(room)} here.")
    lines = (*found.lines, f"Set to {written(amount)} by decision, not by the table")
    return Working(found.base, found.percent, amount, lines)


def check_report(state: ReportState, severity: Severity | None) -> Severity:
    """The severity by which a report is awarded. Raises Refused where it cannot be, yet or ever."""
    if state not in AWARDED:
        raise Refused(f"Only a confirmed report is awarded. This one is {state.replace('_', ' ')}.")
    if severity is None:
        raise Refused("The report has no severity yet. Triage sets it.")
    return severity
