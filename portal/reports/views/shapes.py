"""Reports as JSON, and ciphertext as answers with ranges."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response, url_for

from portal.accounts.states import Role
from portal.core.blobs import Blobs
from portal.core.moves import open_moves
from portal.core.pieces import Piece
from portal.core.web import files
from portal.reports import states
from portal.reports.models import Chunk, Report, ReportEvent, Upload

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
    "by-design": "By design: mitigated elsewhere",
    "duplicate": "Duplicate",
    "not-reproducible": "Could not be reproduced",
    "out-of-scope": "Out of scope",
    "unreadable": "Could not be decrypted",
    "answer": "Answered: the clock goes on",
}
# The same for what is no move.
HAPPENED = {
    "message-researcher": "Sealed message from the researcher",
    "message-team": "Sealed message from the team",
    "certificate": "Certificate for the team’s replies changed",
    "ask-certificate": "The team wants to write: a certificate is needed",
    "sent-again": "Sealed and sent again",
    "stands-for": "Stands for a report that nobody could open",
    "readers": "Other readers of the team’s messages were chosen",
}


class Entry(NamedTuple):
    """One line of a timeline as pages show it."""

    at: datetime
    title: str
    detail: str | None
    actor: str | None


def entries(events: Sequence[ReportEvent], *, names: bool) -> list[Entry]:
    """The timeline for a page, the newest first; who of the team did it is told to the team only."""
    return [
        Entry(
            each.at,
            (SAID | HAPPENED).get(each.what, each.what),
            each.message,
            (each.actor.name if each.actor and names else None),
        )
        for each in reversed(events)
    ]


def instant(value: datetime | None) -> str | None:
    """An instant as programs read it."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else None


def summary(slug: str, report: Report, uploads: Sequence[Upload]) -> dict[str, Any]:
    """A report as a list shows it."""
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
        "assignee": report.assignee.email if report.assignee else None,
        "key_set": report.key_set.number if report.key_set else None,
        "url": url_for("reports.staff_show", slug=slug, ref=report.ref),
        "files": [_file(slug, report, upload) for upload in uploads],
    }


def _file(slug: str, report: Report, upload: Upload) -> dict[str, Any]:
    return {
        "n": upload.number,
        "kind": "attachment" if upload.number else "body",
        "size": upload.position,
        "sha256": upload.sha256,
        "recipients": (upload.walker or {}).get("recipients", []),
        "url": url_for("reports.staff_file", slug=slug, ref=report.ref, number=upload.number),
    }


def whole(slug: str, report: Report, uploads: Sequence[Upload], events: Sequence[ReportEvent]) -> dict[str, Any]:
    """A report with its timeline and the moves that are open."""
    moves = open_moves(states.MOVES, report.state, {Role.TRIAGER})
    return {
        **summary(slug, report, uploads),
        "mitigating_layer": report.mitigating_layer,
        "duplicate_of": report.duplicate_of.ref if report.duplicate_of else None,
        "fixed_release": report.fixed_release,
        "fixed_on": report.fixed_on.isoformat() if report.fixed_on else None,
        "led_to_improvement": report.led_to_improvement,
        "timeline": [_line(each) for each in events],
        "moves": [{"name": each.name, "label": each.label, "needs": list(each.needs)} for each in moves],
    }


def _line(event: ReportEvent) -> dict[str, Any]:
    by = event.actor.email if event.actor else None
    return {"at": instant(event.at), "what": event.what, "by": by, "note": event.message}


def download(upload: Upload, chunks: Sequence[Chunk], store: Blobs, name: str) -> Response:
    """The ciphertext, whole or a range of it, each piece checked against its hash before it leaves."""
    pieces = [Piece(each.key, each.sha256, each.offset, each.size) for each in chunks]
    return files.download(store, pieces, size=upload.position, sha256=upload.sha256 or "", name=name)
