"""What a move needs, who may take it, and what it brings with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.challenges.models import Challenge
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, open_moves
from portal.reports import states
from portal.reports.models import Report
from portal.reports.rules.clocks import Calendar, Span, paused, timing
from portal.reports.states import Reason, ReportState, Severity, Told

# A release may be announced before its day, by so much.
FIX_AHEAD = timedelta(days=90)
# From these moves on clocks run anew: what was promised before is over.
ANEW = (states.APPEAL, states.REOPEN, states.RECONSIDER, states.DISPUTE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What somebody says with a move; each move needs some of it."""

    message: str | None = None
    severity: Severity | None = None
    duplicate_of_id: int | None = None
    mitigating_layer: str | None = None
    fixed_release: str | None = None
    fixed_on: date | None = None
    reason: Reason | None = None


def changes(
    report: Report, move: Move[ReportState], outcome: Outcome, at: datetime, calendar: Calendar, pauses: Iterable[Span],
    by: int | None,
) -> dict[str, object]:  # fmt: skip
    """The columns that change with a move of triage. Raises Invalid where something that it needs is missing."""
    check_needs(move, outcome)
    if report.received_at is None:
        raise Refused("It has not arrived yet.")
    values = {**clock_changes(report, move, at, calendar, pauses), **_brought(move, outcome)}
    values["acknowledged_at"] = report.acknowledged_at or at
    if move.target is not ReportState.ACKNOWLEDGED:
        values["triaged_at"] = report.triaged_at or at
    if move.target in states.DECIDED:
        values["decided_at"] = report.decided_at or at
    if move.target in states.REFUSED | {ReportState.CONFIRMED, ReportState.UNREADABLE}:
        values["decided_by_id"] = by
    return values


def _brought(move: Move[ReportState], outcome: Outcome) -> dict[str, object]:
    """What the outcome itself sets, and what no longer holds."""
    values: dict[str, object] = {
        "mitigating_layer": outcome.mitigating_layer if move is states.BY_DESIGN else None,
        "duplicate_of_id": outcome.duplicate_of_id if move is states.DUPLICATE else None,
        "known_issue_id": None,
    }
    if "severity" in move.needs:
        values["severity"] = outcome.severity
    if move is states.FIX:
        values |= {
            "fixed_release": outcome.fixed_release, "fixed_on": outcome.fixed_on, "led_to_improvement": True,
        }  # fmt: skip
    return values


def check_fix_day(day: date | None, challenge: Challenge, at: datetime, field: str = "fixed_on") -> None:
    """Whether a fix can have come out on a day, or is about to. Raises Invalid at the field that brought it."""
    if day is None:
        return
    if day < challenge.announced_on:
        raise Invalid({field: "This is before the challenge was announced."})
    if day > at.astimezone(ZoneInfo(challenge.zone)).date() + FIX_AHEAD:
        raise Invalid({field: "This is far ahead. Plan the fix for a release, and mark it once that is out."})


def own_changes(
    report: Report, move: Move[ReportState], outcome: Outcome, at: datetime, calendar: Calendar, pauses: Iterable[Span]
) -> dict[str, object]:
    """The columns that change with a move of the researcher's. Raises Invalid, Refused."""
    check_needs(move, outcome)
    values = clock_changes(report, move, at, calendar, pauses)
    if move is states.APPEAL:
        check_first(report.appealed_at, "You have appealed once, and somebody else has decided. That decision stands.")
        values |= {"appealed_at": at, "mitigating_layer": None, "duplicate_of_id": None, "known_issue_id": None}
    if move is states.DISPUTE:
        check_first(report.disputed_at, "You have said once that it still works. Write a new report if it does again.")
        values |= {
            "disputed_at": at,
            "fixed_release": None,
            "fixed_on": None,
            "release_id": None,
            "led_to_improvement": False,
        }
    return values


def check_first(before: datetime | None, sentence: str) -> None:
    """Whether something that may be done once has not been done. Raises Refused."""
    if before is not None:
        raise Refused(sentence)


def clock_changes(
    report: Report, move: Move[ReportState], at: datetime, calendar: Calendar, pauses: Iterable[Span]
) -> dict[str, object]:
    """What a move does to the clocks of a report."""
    since = at if move in ANEW else report.clock_since or report.received_at or at
    found = timing(calendar, move.target, since, pauses)
    return {
        "clock_since": since,
        "paused_seconds": paused(report, at),
        "due_at": found.due_at if found else None,
        "warn_at": found.warn_at if found else None,
        "told": Told.NOTHING,
    }


WANTED = {
    "message": "Say what the other side should know. It is sent in clear: no details.",
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


def check_possible(report: Report, move: Move[ReportState]) -> None:
    """Whether a move leaves the state of a report. Raises Refused with what is possible instead."""
    if report.state in move.sources:
        return
    said = f"“{move.label}” is not possible: it is {report.state.replace('_', ' ')}."
    first = [each for each in open_moves(states.MOVES, report.state, set(move.by) or None) if each.by == move.by]
    then = [each.label for each in first if each.target in move.sources]
    raise Refused(f"{said} First “{then[0]}”." if then else said)


def judged_before(report: Report, move: Move[ReportState], by: int) -> bool:
    """Whether a move judges a report anew after an appeal, and this triager is the one who judged it before."""
    judges = report.state is ReportState.APPEALED or move.target in states.DECIDED
    waiting = report.state in states.BY_DESIGN.sources and report.state is not ReportState.CONFIRMED
    return bool(report.appealed_at) and waiting and judges and report.decided_by_id == by


def check_eyes(report: Report, move: Move[ReportState], by: int) -> None:
    """Whether this triager may take a move: an appeal is for other eyes. Raises Refused."""
    if judged_before(report, move, by):
        raise Refused("You decided on it before the appeal. Another triager decides now: assign it to one.")


def reason_of(move: Move[ReportState], outcome: Outcome) -> Reason | None:
    """The code that goes with a move: the one given, or the usual one. Raises Invalid for one of another move."""
    offered = states.REASONS.get(move.name, ())
    if outcome.reason is not None and outcome.reason not in offered:
        raise Invalid({"reason": "Choose a reason that goes with this step."})
    return outcome.reason or (offered[0] if offered else None)
