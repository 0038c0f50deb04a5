"""Pure answers: how much may be sent, when a clock runs out, what a move brings with it, whose recipients count."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from portal.core.errors import Invalid, Refused
from portal.core.moves import Move
from portal.reports import demonstration_keys, states
from portal.reports.models import KeySet, Report, Upload
from portal.reports.states import KeyRole, ReportState, Severity, UploadState
from portal.reports.walker import Recipients

PART = 8 * 1024 * 1024
GRACE = timedelta(days=14)
KEEP_OPEN = timedelta(days=1)
TOKEN_LIFE = timedelta(days=90)
WARN_BEFORE = timedelta(days=30)
MOST_CHUNKS = 4096

FIRST_ANSWER, TRIAGE, DECISION, FIX = timedelta(days=1), timedelta(days=3), timedelta(days=14), timedelta(days=30)
# Which clock runs in which state. All run from the arrival of the report; needs_info stops them.
CLOCKS: dict[ReportState, tuple[str, timedelta]] = {
    ReportState.RECEIVED: ("first answer", FIRST_ANSWER),
    ReportState.ACKNOWLEDGED: ("triage", TRIAGE),
    ReportState.REPRODUCING: ("decision", DECISION),
    ReportState.CONFIRMED: ("fix", FIX),
    ReportState.FIXING: ("fix", FIX),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be sent, in bytes: a file, the files of a report, everything of a participant."""

    file: int = 1 << 30
    files: int = 20
    participant: int = 20 << 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a triager says with a move; each move needs some of it."""

    message: str | None = None
    severity: Severity | None = None
    duplicate_of_id: int | None = None
    mitigating_layer: str | None = None
    fixed_release: str | None = None
    fixed_on: date | None = None


class Clock(NamedTuple):
    """The clock that runs over a report."""

    label: str
    due_at: datetime
    late: bool


def prefix(slug: str) -> str:
    """The letters of a challenge's references: azure-sphere-2020 → ASR (R for report)."""
    return "".join(word[0] for word in re.findall(r"[a-z]+", slug.lower())).upper()[:6] + "R"


def reference(slug: str, number: int) -> str:
    """ASR-0001."""
    return f"{prefix(slug)}-{number:04}"


def clock_of(report: Report, at: datetime) -> Clock | None:
    """Which clock runs, when it runs out, and whether it has."""
    named = CLOCKS.get(report.state)
    if named is None or report.due_at is None:
        return None
    return Clock(named[0], report.due_at, report.due_at < at)


def due(state: ReportState, received_at: datetime, paused_seconds: int) -> datetime | None:
    """When the clock of a state runs out."""
    named = CLOCKS.get(state)
    return received_at + named[1] + timedelta(seconds=paused_seconds) if named else None


def paused(report: Report, at: datetime) -> int:
    """For how many seconds a report has waited for the researcher, the present wait included."""
    waiting = report.state is ReportState.NEEDS_INFO
    return report.paused_seconds + (int((at - report.state_since).total_seconds()) if waiting else 0)


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


def check_room(limits: Limits, live: Sequence[Upload], held: int, length: int | None) -> None:
    """Whether one more file may be sent; `held` is what the participant's files take already."""
    if len(live) >= limits.files:
        raise Refused(f"A report has at most {limits.files} files. Put several into one archive before you seal it.")
    if held + (length or 0) > limits.participant:
        raise Refused(
            "All your files together would be too large. Withdraw a report that is not needed, or ask the team."
        )


def check_complete(uploads: Sequence[Upload]) -> Upload:
    """The body of a report all of whose files have arrived. Raises Refused."""
    waiting = [each for each in uploads if each.state is UploadState.OPEN]
    body = next((each for each in uploads if each.number == 0 and each.state is UploadState.COMPLETE), None)
    if waiting:
        raise Refused("A file has not wholly arrived yet. Let the upload finish, or remove that file.")
    if body is None:
        raise Refused("The sealed body of the report is missing.")
    return body


def recipients(key_set: KeySet) -> Recipients:
    """What the walker looks for."""
    return Recipients(key_set.number, tuple((member.name, frozenset(member.key_ids)) for member in key_set.members))


def accepted(newest: Sequence[KeySet], at: datetime) -> list[KeySet]:
    """Of the newest key sets, newest first, those that count: the current one, and for a fortnight the one before."""
    return [each for index, each in enumerate(newest[:2]) if index == 0 or newest[0].published_at + GRACE > at]


def check_secret(fingerprints: Sequence[str]) -> None:
    """Whether anything sealed to these keys would be secret. Raises Refused."""
    if demonstration_keys.FINGERPRINTS.intersection(fingerprints):
        raise Refused("This key belongs to the demonstration: everybody has its secret half. Use keys of your own.")


def statement(number: int, members: Sequence[tuple[KeyRole, str]]) -> str:
    """What the recovery key of the set before signs: one line a certificate, in order of role and fingerprint."""
    lines = [f"{role.value} {fingerprint}" for role, fingerprint in sorted(members)]
    return "\n".join([f"key set {number}", *lines, ""])
