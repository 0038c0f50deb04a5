"""What there is to do about reports, for the home pages."""

from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.reports.queries import keys, links, reports, upstream
from portal.reports.rules import KEEP_OPEN, WARN_BEFORE
from portal.reports.states import ReportState


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a researcher should do: finish what was begun, answer what the team asks."""
    slug, found = member.participant.challenge.slug, []
    for report in reports.of_participant(session, member.participant_id):
        url = url_for("reports.show", slug=slug, ref=report.ref)
        if report.state is ReportState.UPLOADING:
            found.append(Task(f"Finish sending {report.ref}", url, report.created_at + 2 * KEEP_OPEN, report.title))
        elif report.state is ReportState.NEEDS_INFO:
            found.append(Task(f"Answer the team about {report.ref}", url, None, report.title))
    return found


def queues(session: Session, challenge: Challenge, at: datetime) -> list[Queue]:
    """What waits for the triagers of a challenge."""
    count, oldest = reports.waiting(session, challenge.id)
    first = url_for("reports.queue", slug=challenge.slug, state=ReportState.RECEIVED.value)
    late = reports.late(session, challenge.id, at)
    return [
        Queue("Reports to acknowledge", first, count, oldest),
        Queue("Reports past a deadline", url_for("reports.queue", slug=challenge.slug), late),
        *_links(session, challenge),
        *_upstream(session, challenge, at),
    ]


def _links(session: Session, challenge: Challenge) -> list[Queue]:
    """What waits about chains and duplicates, where anything does."""
    adrift = links.adrift(session, challenge.id)
    undecided = links.undecided(session, challenge.id)
    since = min((report.state_since for report in adrift), default=None)
    again = Queue("Duplicates to look at again", url_for("reports.duplicates", slug=challenge.slug), len(adrift), since)
    queue = url_for("reports.queue", slug=challenge.slug, state=ReportState.CONFIRMED.value)
    return [each for each in (again, Queue("Confirmed reports with undecided links", queue, undecided)) if each.count]


def _upstream(session: Session, challenge: Challenge, at: datetime) -> list[Queue]:
    """Cases at other parties that somebody should look at, where there are any."""
    quiet, ending = upstream.quiet(session, challenge.id, at), upstream.ending(session, challenge.id, at)
    url = url_for("reports.cases", slug=challenge.slug)
    found = [
        Queue("Cases at other parties without an answer", url, len(quiet), quiet[0].heard_at or quiet[0].reported_at)
        if quiet else None,
        Queue("Embargoes that end within a week", url, len(ending)) if ending else None,
    ]  # fmt: skip
    return [each for each in found if each]


def expiring_keys(session: Session, at: datetime) -> list[Task]:
    """A warning for admins, thirty days before the first key of the current set expires."""
    current = keys.current_set(session)
    if current is None or current.expires_at is None or current.expires_at - WARN_BEFORE > at:
        return []
    label = f"Publish a new key set: a key of set {current.number} expires"
    return [Task(label, url_for("reports.publish_keys"), current.expires_at)]
