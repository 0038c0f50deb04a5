"""What there is to do about reports, for the home pages."""

from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.reports.queries import advisories, disclosing, keys, publications, reports
from portal.reports.rules import KEEP_OPEN, WARN_BEFORE
from portal.reports.rules.disclosing import LEAD_AFTER, REMIND_AFTER
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
    for proposal, ref in disclosing.waiting_for(session, member.participant_id):
        url = url_for("reports.disclosure", slug=slug, ref=ref)
        found.append(Task(f"Answer the date proposed for {ref}", url, proposal.at + REMIND_AFTER))
    return found


def queues(session: Session, challenge: Challenge, at: datetime) -> list[Queue]:
    """What waits for the triagers of a challenge."""
    count, oldest = reports.waiting(session, challenge.id)
    first = url_for("reports.queue", slug=challenge.slug, state=ReportState.RECEIVED.value)
    late = reports.late(session, challenge.id, at)
    return [
        Queue("Reports to acknowledge", first, count, oldest),
        Queue("Reports past a deadline", url_for("reports.queue", slug=challenge.slug), late),
    ]


def publishing(session: Session, challenge: Challenge, roles: frozenset[Role], at: datetime) -> list[Queue]:
    """What waits on the way to the public: dates, publications, advisories; for leads what nobody answers."""
    if not roles & {Role.TRIAGER, Role.LEAD}:
        return []
    calendar = url_for("reports.disclosures", slug=challenge.slug)
    found = [
        Queue("Publications to look at", url_for("reports.staff_publications", slug=challenge.slug),
              *publications.waiting(session, challenge.id)),
        Queue("Advisories to publish", url_for("reports.advisories", slug=challenge.slug),
              *advisories.waiting(session, challenge.id)),
    ]  # fmt: skip
    if Role.TRIAGER in roles:
        found.insert(0, Queue("Dates to answer", calendar, *disclosing.waiting_for_team(session, challenge.id)))
    if Role.LEAD in roles:
        late = disclosing.unanswered(session, challenge.id, at - LEAD_AFTER)
        found.append(Queue("Dates that nobody answers", calendar, *late))
    return found


def expiring_keys(session: Session, at: datetime) -> list[Task]:
    """A warning for admins, thirty days before the first key of the current set expires."""
    current = keys.current_set(session)
    if current is None or current.expires_at is None or current.expires_at - WARN_BEFORE > at:
        return []
    label = f"Publish a new key set: a key of set {current.number} expires"
    return [Task(label, url_for("reports.publish_keys"), current.expires_at)]
