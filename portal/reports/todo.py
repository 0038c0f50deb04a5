"""What there is to do about reports, for the home pages."""

from collections.abc import Sequence
from datetime import datetime

from flask import current_app, url_for
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.core.todo import Queue, Task
from portal.reports import csaf
from portal.reports.models import Report
from portal.reports.queries import (
    advisories,
    disclosing,
    keys,
    links,
    publications,
    published,
    reports,
    rewraps,
    signed,
    threads,
    upstream,
)
from portal.reports.queries.apart import is_impartial
from portal.reports.rules import KEEP_OPEN, WARN_BEFORE, fault_of_text
from portal.reports.rules.disclosing import LEAD_AFTER, REMIND_AFTER
from portal.reports.rules.searching import ALL, LINKS, MESSAGE, NOBODY
from portal.reports.states import CertificateState, ReportState, Side


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a researcher should do: finish what was begun, answer what the team asks."""
    slug, found = member.participant.challenge.slug, []
    own = reports.of_participant(session, member.participant_id)
    for report in own:
        url = url_for("reports.show", slug=slug, ref=report.ref)
        if report.state is ReportState.UPLOADING:
            found.append(Task(f"Finish sending {report.ref}", url, report.created_at + 2 * KEEP_OPEN, report.title))
        elif report.state is ReportState.NEEDS_INFO:
            found.append(Task(f"Answer the team about {report.ref}", url, None, report.title))
        elif report.state is ReportState.FIXED:
            found.append(Task(f"Say whether {report.ref} is really fixed", url, None, report.title))
    for proposal, ref in disclosing.waiting_for(session, member.participant_id):
        url = url_for("reports.disclosure", slug=slug, ref=ref)
        found.append(Task(f"Answer the date proposed for {ref}", url, proposal.at + REMIND_AFTER))
    return found + (_messages(session, member, own) + _certificate(session, member, own, at) if own else [])


def _messages(session: Session, member: Member, own: Sequence[Report]) -> list[Task]:
    """What the team wrote and the person has not read."""
    slug = member.participant.challenge.slug
    unread = threads.unread(session, [each.id for each in own], member.account_id, Side.TEAM)
    return [
        Task(f"Read what the team wrote about {each.ref}", _thread(slug, each), None, each.title)
        for each in own
        if each.id in unread
    ]


def _thread(slug: str, report: Report) -> str:
    return url_for("reports.show", slug=slug, ref=report.ref) + "#messages"


def _certificate(session: Session, member: Member, own: Sequence[Report], at: datetime) -> list[Task]:
    """A certificate that the team waits for, or one that expires within thirty days."""
    live = threads.certificate_in(session, member.account_id, CertificateState.LIVE)
    place = url_for("reports.certificate")
    if live and live.expires_at and live.expires_at - WARN_BEFORE <= at:
        return [Task("Renew your certificate: the team cannot write to you without", place, live.expires_at)]
    asked = threads.asked_for_certificate(session, [each.id for each in own])
    waiting = [each for each in own if each.id in asked and each.submitted_by_id == member.account_id]
    return [] if live or not waiting else [Task("Give a certificate: the team wants to write to you", place)]


def queues(session: Session, challenge: Challenge, at: datetime, *, reader: int) -> list[Queue]:
    """What waits for a triager of a challenge, without what is about reports of their own."""
    count, oldest = reports.waiting(session, challenge.id, reader=reader)
    first = url_for("reports.queue", slug=challenge.slug, state=ReportState.RECEIVED.value)
    late = reports.late(session, challenge.id, at, reader=reader)
    current = keys.current_set(session)
    shut = rewraps.waiting(session, challenge.id, current.members, reader=reader) if current else 0
    words, since = threads.unanswered(session, challenge.id, reader=reader)
    impartial = is_impartial(session, challenge.id, reader)
    nobodys, appeals = (pile(session, challenge.id, reader=reader) for pile in (reports.nobodys, reports.appeals))
    return [
        Queue("Reports to acknowledge", first, count, oldest),
        Queue("Reports past a deadline", url_for("reports.queue", slug=challenge.slug, late=1), late),
        Queue("Reports without anybody responsible", _nobodys(challenge.slug), *nobodys),
        Queue("Appeals to decide", _appeals(challenge.slug), *appeals),
        Queue("Sealed files to wrap for new keys", url_for("reports.rewrap_progress", slug=challenge.slug), shut),
        Queue("Reports with an unanswered message", _waits(challenge.slug, MESSAGE), words, since),
        *(_adrift(session, challenge) if impartial else ()),
        *_links(session, challenge, reader),
        *(_upstream(session, challenge, at) if impartial else ()),
    ]


def _nobodys(slug: str) -> str:
    return url_for("reports.queue", slug=slug, who=NOBODY)


def _appeals(slug: str) -> str:
    return url_for("reports.queue", slug=slug, state=ReportState.APPEALED.value)


def _waits(slug: str, what: str) -> str:
    return url_for("reports.queue", slug=slug, state=ALL, waits=what)


def _adrift(session: Session, challenge: Challenge) -> list[Queue]:
    """Duplicates whose first fell away, where there are any."""
    found = links.adrift(session, challenge.id)
    since = min((report.state_since for report in found), default=None)
    url = url_for("reports.duplicates", slug=challenge.slug)
    return [Queue("Duplicates to look at again", url, len(found), since)] if found else []


def _links(session: Session, challenge: Challenge, reader: int) -> list[Queue]:
    """What waits about chains, where anything does."""
    undecided = links.undecided(session, challenge.id, reader=reader)
    label, url = "Confirmed reports with undecided links", _waits(challenge.slug, LINKS)
    return [Queue(label, url, undecided)] if undecided else []


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


def publishing(
    session: Session, challenge: Challenge, roles: frozenset[Role], at: datetime, *, reader: int
) -> list[Queue]:
    """What waits on the way to the public: dates, publications, advisories; for leads what nobody answers.

    Nothing of it is about reports of the reader's own.
    """
    if not roles & {Role.TRIAGER, Role.LEAD}:
        return []
    calendar = url_for("reports.disclosures", slug=challenge.slug)
    found = [
        Queue("Publications to look at", url_for("reports.staff_publications", slug=challenge.slug),
              *publications.waiting(session, challenge.id, reader=reader)),
        *(_advisories(session, challenge, at) if is_impartial(session, challenge.id, reader) else ()),
    ]  # fmt: skip
    if Role.TRIAGER in roles:
        found.insert(
            0, Queue("Dates to answer", calendar, *disclosing.waiting_for_team(session, challenge.id, reader=reader))
        )
    if Role.LEAD in roles:
        late = disclosing.unanswered(session, challenge.id, at - LEAD_AFTER, reader=reader)
        found.append(Queue("Dates that nobody answers", calendar, *late))
    return found


def _advisories(session: Session, challenge: Challenge, at: datetime) -> list[Queue]:
    url = url_for("reports.advisories", slug=challenge.slug)
    return [
        Queue("Advisories to publish", url, *advisories.waiting(session, challenge.id)),
        Queue("Advisories to sign", url, *_unsigned(session, challenge, at)),
    ]


def _unsigned(session: Session, challenge: Challenge, at: datetime) -> tuple[int, datetime | None]:
    """How many advisories' files have no signature, and since when the oldest of them is out without one."""
    publisher = csaf.Publisher.of(current_app.extensions["portal.config"])
    found = [each for each in published.to_sign(session, publisher, challenge, at) if each.signature is None]
    out = [each.advisory.changed_at for each in found if each.since <= at]
    return len(found), min(out, default=None)


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
