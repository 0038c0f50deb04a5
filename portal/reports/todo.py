"""What there is to do about reports, for the home pages."""

from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.reports.queries import keys, reports, rewraps, signed
from portal.reports.rules import KEEP_OPEN, WARN_BEFORE, fault_of_text, lacking
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
    current = keys.current_set(session)
    members = current.members if current else []
    shut = [each for each in rewraps.everything(session, challenge.id) if lacking(members, each.key_ids)]
    return [
        Queue("Reports to acknowledge", first, count, oldest),
        Queue("Reports past a deadline", url_for("reports.queue", slug=challenge.slug), late),
        Queue("Sealed files to wrap for new keys", url_for("reports.rewrap_progress", slug=challenge.slug), len(shut)),
    ]


def expiring_keys(session: Session, at: datetime) -> list[Task]:
    """A warning for admins, thirty days before the first key of the current set expires."""
    current = keys.current_set(session)
    if current is None or current.expires_at is None or current.expires_at - WARN_BEFORE > at:
        return []
    label = f"Publish a new key set: a key of set {current.number} expires"
    return [Task(label, url_for("reports.publish_keys"), current.expires_at)]


def security_text(session: Session, at: datetime) -> list[Task]:
    """What is to be done about security.txt, for admins."""
    fault = fault_of_text(signed.newest_text(session), keys.current_set(session), at)
    return [Task(f"Sign security.txt: {fault}", url_for("reports.sign_security_txt"), None)] if fault else []
