"""What a move of triage needs, and what it brings with it."""

from dataclasses import dataclass
from datetime import date, datetime

from portal.core.errors import Invalid, Refused
from portal.core.moves import Move
from portal.reports import states
from portal.reports.models import Report
from portal.reports.rules.clocks import due, paused
from portal.reports.states import ReportState, Severity


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a triager says with a move; each move needs some of it."""

    message: str | None = None
    severity: Severity | None = None
    duplicate_of_id: int | None = None
    mitigating_layer: str | None = None
    fixed_release: str | None = None
    fixed_on: date | None = None


def changes(report: Report, move: Move[ReportState], outcome: Outcome, at: datetime) -> dict[str, object]:
    """The columns that change with a move of triage. Raises Invalid where something that it needs is missing."""
    check_needs(move, outcome)
    if report.received_at is None:
        raise Refused("It has not arrived yet.")
    waited = paused(report, at)
    values: dict[str, object] = {
        "paused_seconds": waited,
        "due_at": due(move.target, report.received_at, waited),
        "acknowledged_at": report.acknowledged_at or at,
    }
    if move.target is not ReportState.ACKNOWLEDGED:
        values["triaged_at"] = report.triaged_at or at
    if move.target in states.DECIDED:
        values["decided_at"] = report.decided_at or at
    if "severity" in move.needs:
        values["severity"] = outcome.severity
    for name in ("duplicate_of_id", "mitigating_layer"):
        if name.removesuffix("_id") in move.needs:
            values[name] = getattr(outcome, name)
    if move is states.FIX:
        values |= {
            "fixed_release": outcome.fixed_release, "fixed_on": outcome.fixed_on, "led_to_improvement": True,
        }  # fmt: skip
    return values


WANTED = {
    "message": "Say what the researcher should know. It is sent in clear: no details.",
    "severity": "Choose the severity.",
    "duplicate_of": "Name the report that was first.",
    "mitigating_layer": "Name the layer that mitigates it.",
    "fixed_release": "Name the release.",
    "fixed_on": "Say on which day it was released.",
}


def check_needs(move: Move[ReportState], outcome: Outcome) -> None:
    """Whether everything is there that a move needs."""
    given = {name: getattr(outcome, "duplicate_of_id" if name == "duplicate_of" else name) for name in move.needs}
    missing = {name: WANTED[name] for name, value in given.items() if value in (None, "")}
    if missing:
        raise Invalid(missing)
