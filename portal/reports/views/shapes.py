"""Reports as JSON, and ciphertext as answers with ranges."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response, url_for

from portal.accounts.states import Role
from portal.core.blobs import Blobs
from portal.core.moves import Move, open_moves
from portal.core.pieces import Piece
from portal.core.web import files
from portal.reports import rules, states
from portal.reports.models import Chunk, Report, ReportEvent, ReportLink, Upload
from portal.reports.states import ReportState

# What a line of the timeline says.
SAID = {
    "submit": "Received, whole and sealed",
    "expire": "Given up: its files never came",
    "withdraw": "Withdrawn by the researcher",
    "acknowledge": "Acknowledged by a person",
    "reproduce": "Being reproduced",
    "ask": "The team needs information",
    "confirm": "Confirmed",
    "start-fix": "A fix is under way",
    "fix": "Fixed",
    "close": "Closed",
    "by-design": "By design",
    "duplicate": "Duplicate",
    "not-reproducible": "Could not be reproduced",
    "out-of-scope": "Out of scope",
    "unreadable": "Could not be decrypted",
    "answer": "Answered: the clock goes on",
    "message-researcher": "Sealed message from the researcher",
    "message-team": "Sealed message from the team",
    "certificate": "Certificate for the team’s replies changed",
    "ask-certificate": "The team wants to write: a certificate is needed",
    "readers": "Other readers of the team’s messages were chosen",
    "reopen": "Opened again",
    "appeal": "Appealed by the researcher",
    "verify": "Verified as fixed by the researcher",
    "dispute": "Still works, says the researcher",
}


# What is told besides moves.
MORE = {"replace": "The same as one that could not be decrypted, sealed again"}


class Entry(NamedTuple):
    """One line of a timeline as pages show it."""

    at: datetime
    title: str
    detail: str | None
    actor: str | None


def entries(events: Sequence[ReportEvent], *, names: bool, firsts: bool = False) -> list[Entry]:
    """The timeline for a page, the newest first; who of the team did it is told to the team only.

    `firsts` says whether it is told which report was first.
    """
    return [
        Entry(each.at, _title(each), _detail(each, firsts), each.actor.name if each.actor and names else None)
        for each in reversed(events)
    ]


def _title(event: ReportEvent) -> str:
    said = (SAID | MORE).get(event.what, event.what)
    return f"{said}: {event.reason_code.replace('_', ' ')}" if event.reason_code else said


def _detail(event: ReportEvent, firsts: bool) -> str | None:
    """What was named and said."""
    named = event.detail if firsts or event.what != states.DUPLICATE.name else None
    return " – ".join(part for part in (named, event.message) if part) or None


def waited(seconds: int) -> str:
    """A time of waiting, to the second: 2 days 3:04:05."""
    if not seconds:
        return ""
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} day{'' if days == 1 else 's'} {clock}" if days else clock


def instant(value: datetime | None) -> str | None:
    """An instant as programs read it."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else None


def clock_told(report: Report, at: datetime) -> dict[str, Any] | None:
    """The clock of a report: its name, when it runs out, whether it has, since when it stands still."""
    runs = rules.clock_of(report, at)
    if runs is None:
        return None
    return {
        "name": runs.name, "due_at": instant(runs.due_at), "late": runs.late,
        "paused_since": instant(runs.paused_since),
    }  # fmt: skip


def link_told(link: ReportLink, *, firsts: bool) -> dict[str, Any]:
    """One link of a chain with what was decided on it: open while nobody has."""
    first = link.duplicate_of.ref if link.duplicate_of and firsts else None
    return {
        "number": link.number,
        "title": link.title,
        "kind": link.kind,
        "assumes": link.assumes,
        "gives": link.gives,
        "state": link.state,
        "state_since": instant(link.state_since),
        "severity": link.severity,
        "achieved": link.achieved_scenario.code if link.achieved_scenario else None,
        "duplicate_of": f"{first}/{link.duplicate_link.number}" if first and link.duplicate_link else first,
        "known_issue": link.known_issue.reference if link.known_issue else None,
        "mitigating_layer": link.mitigating_layer,
        "fixed_release": link.fixed_release,
        "fixed_on": link.fixed_on.isoformat() if link.fixed_on else None,
    }


def summary(
    slug: str, report: Report, uploads: Sequence[Upload], links: Sequence[ReportLink], at: datetime | None = None, *,
    firsts: bool,
) -> dict[str, Any]:  # fmt: skip
    """A report as a list shows it, with its links in the order of its chain; `firsts` if it is told who was first."""
    return {
        "ref": report.ref,
        "title": report.title,
        "kind": report.kind,
        "capability": report.capability,
        "scenario": report.scenario.code if report.scenario else None,
        "participant": report.participant.name,
        "build": report.build,
        "claimed": report.claimed,
        "severity": report.severity,
        "state": report.state,
        "state_since": instant(report.state_since),
        "received_at": instant(report.received_at),
        "acknowledged_at": instant(report.acknowledged_at),
        "due_at": instant(report.due_at),
        "clock": clock_told(report, at) if at else None,
        "assignee": report.assignee.email if report.assignee else None,
        "key_set": report.key_set.number if report.key_set else None,
        "url": url_for("reports.staff_show", slug=slug, ref=report.ref),
        "files": [_file(slug, report, upload) for upload in uploads],
        "links": [link_told(link, firsts=firsts) for link in links],
    }


def _file(slug: str, report: Report, upload: Upload) -> dict[str, Any]:
    return {
        "n": upload.number,
        "upload": upload.id,
        "kind": "attachment" if upload.number else "body",
        "size": upload.position,
        "sha256": upload.sha256,
        "recipients": (upload.walker or {}).get("recipients", []),
        "url": url_for("reports.staff_file", slug=slug, ref=report.ref, number=upload.number),
    }


def whole(
    slug: str, report: Report, uploads: Sequence[Upload], links: Sequence[ReportLink], events: Sequence[ReportEvent],
    at: datetime | None = None, *, firsts: bool,
) -> dict[str, Any]:  # fmt: skip
    """A report with its timeline and the moves that are open, those left out with which its links do not agree."""
    moves = open_moves(states.MOVES, report.state, {Role.TRIAGER})
    return {
        **summary(slug, report, uploads, links, at, firsts=firsts),
        "mitigating_layer": report.mitigating_layer,
        "duplicate_of": report.duplicate_of.ref if report.duplicate_of and firsts else None,
        "fixed_release": report.fixed_release,
        "fixed_on": report.fixed_on.isoformat() if report.fixed_on else None,
        "led_to_improvement": report.led_to_improvement,
        "planned_release": report.release.name if report.release else None,
        "replaces": report.replaces.ref if report.replaces else None,
        "reproduced_on": report.reproduced_on.name if report.reproduced_on else None,
        "build_known": report.build_id is not None,
        "cvss": report.cvss,
        "paused_seconds": report.paused_seconds,
        "appealed_at": instant(report.appealed_at),
        "timeline": [_line(each) for each in events],
        "moves": [_open(each) for each in moves if not rules.against_whole(each, links)],
    }


def _open(move: Move[ReportState]) -> dict[str, Any]:
    reasons = list(states.REASONS.get(move.name, ()))
    return {"name": move.name, "label": move.label, "needs": list(move.needs), "reasons": reasons}


def _line(event: ReportEvent) -> dict[str, Any]:
    by = event.actor.email if event.actor else None
    return {"at": instant(event.at), "what": event.what, "by": by, "note": event.message, "reason": event.reason_code}


def download(upload: Upload, chunks: Sequence[Chunk], store: Blobs, name: str) -> Response:
    """The ciphertext, whole or a range of it, each piece checked against its hash before it leaves."""
    pieces = [Piece(each.key, each.tag, each.offset, each.size) for each in chunks]
    return files.download(store, pieces, size=upload.position, sha256=upload.sha256 or "", name=name)
