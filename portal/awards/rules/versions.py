"""Which version of the rules holds when, and what a new one would change."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from portal.awards.models import BountyRules
from portal.awards.rules.amounts import EXAMPLES, Achieved, Table, work_out, written
from portal.awards.states import Quality
from portal.challenges.states import ScenarioKind
from portal.core.errors import Refused
from portal.reports.states import Severity

_KINDS = {ScenarioKind.GENERAL: "general scenario", ScenarioKind.HIGH_PRIORITY: "high-priority scenario"}


class Change(NamedTuple):
    """One amount under two versions, as it is written; a dash where there is none."""

    what: str
    before: str
    after: str


def in_force(versions: Iterable[BountyRules], when: datetime, at: datetime) -> BountyRules | None:
    """The version by which what arrived at `when` is awarded, seen at `at`: the newest whose time had come.

    Where none had, it is the first that holds by now: whoever was early does not go without.
    """
    begun = [version for version in versions if version.holds_from <= at]
    then = [version for version in begun if version.holds_from <= when]
    if then:
        return max(then, key=lambda version: version.version)
    return min(begun, key=lambda version: (version.holds_from, version.version), default=None)


def _money(amount: Decimal | None) -> str:
    return "–" if amount is None else written(amount)


def _per_cent(percent: int | None) -> str:
    return f"+ {percent} %" if percent else "–"


def changes(before: Table, after: Table, scenarios: Mapping[int, str]) -> list[Change]:
    """Every line of the rules that differs; `scenarios` are codes by id."""
    lines = [
        Change(f"{severity.capitalize()}, {quality} quality", _money(before.base.get((severity, quality))),
               _money(after.base.get((severity, quality))))
        for severity in Severity
        for quality in Quality
    ]  # fmt: skip
    lines += [
        Change(f"{severity.capitalize()}, {_KINDS[kind]}", _per_cent(before.uplift.get((kind, severity))),
               _per_cent(after.uplift.get((kind, severity))))
        for kind in ScenarioKind
        for severity in Severity
    ]  # fmt: skip
    lines += [
        Change(f"Scenario {code}, fixed", _money(before.fixed.get(number)), _money(after.fixed.get(number)))
        for number, code in scenarios.items()
    ]
    lines.append(Change("Most for one report", _money(before.cap), _money(after.cap)))
    return [line for line in lines if line.before != line.after]


def _amount(table: Table, severity: Severity, quality: Quality, achieved: Achieved) -> str:
    try:
        return written(work_out(table, severity, quality, achieved).amount)
    except Refused:
        return "–"


def tried(before: Table, after: Table, fixed: Sequence[Achieved]) -> list[Change]:
    """What known examples give under both: those of 2020, and each scenario with an amount of its own."""
    found = [
        Change(f"{example.severity.capitalize()}, {example.quality} quality, {_KINDS[example.kind]}",
               *(_amount(table, example.severity, example.quality, Achieved(0, "", example.kind))
                 for table in (before, after)))
        for example in EXAMPLES
    ]  # fmt: skip
    found += [
        Change(f"Scenario {achieved.code}",
               *(_amount(table, Severity.CRITICAL, Quality.HIGH, achieved) for table in (before, after)))
        for achieved in fixed
    ]  # fmt: skip
    return found


def oddities(table: Table) -> list[str]:
    """Where something worse is given more: a lower severity, or a lower quality. Nobody forbids it; one should know."""
    found: list[str] = []
    for better, worse in zip(Quality, list(Quality)[1:], strict=False):
        for severity in Severity:
            high, low = table.base.get((severity, better)), table.base.get((severity, worse))
            if low is not None and (high is None or low > high):
                found.append(f"{severity.capitalize()}: {worse} quality is given more than {better} quality.")
    for graver, milder in zip(Severity, list(Severity)[1:], strict=False):
        for quality in Quality:
            high, low = table.base.get((graver, quality)), table.base.get((milder, quality))
            if low is not None and (high is None or low > high):
                found.append(f"{quality.capitalize()} quality: {milder} is given more than {graver}.")
    return found
