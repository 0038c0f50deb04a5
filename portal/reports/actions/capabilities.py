"""The list of capabilities, what reports assume and give of it, and which of them go together."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.reports.actions.timeline import note
from portal.reports.models import Capability, JoinedReports, Report, ReportLink
from portal.reports.queries import capabilities
from portal.reports.states import ReportKind


def add(
    session: Session, challenge: Challenge, code: str, words: str, scenario_id: int | None, *, by: int, at: datetime
) -> Capability:
    """Put a capability on the list. Raises Conflict where the code is there."""
    made = Capability(
        challenge_id=challenge.id, code=code, words=words, scenario_id=scenario_id, added_at=at, added_by_id=by
    )
    session.add(made)
    with conflicts():
        session.flush()
    subject, after = f"capability:{made.id}", {"code": code, "words": words}
    audit.record(session, "reports:capability-add", subject, by=by, at=at, scope=challenge.slug, after=after)
    return made


def assume(session: Session, report: Report, capability: Capability, *, by: int, at: datetime) -> None:
    """Say which capability of the list a report assumes. Raises Refused for one that stands on its own."""
    if report.kind is not ReportKind.ASSUMING:
        raise Refused(f"{report.ref} stands on its own: it assumes nothing.")
    if report.capability_id != capability.id:
        report.capability_id = capability.id
        note(session, report, "assumes", by=by, at=at, message=capability.code, told=False)


def give(session: Session, report: Report, link: ReportLink, capability: Capability, *, by: int, at: datetime) -> None:
    """Say which capability of the list a link gives."""
    if link.gives_id != capability.id:
        link.gives_id = capability.id
        note(session, report, "gives", by=by, at=at, message=f"{link.label}: {capability.code}", told=False)


def join(
    session: Session, giving: Report, assuming: Report, capability: Capability, *, by: int, at: datetime
) -> JoinedReports:
    """Let a report that gives a capability go before one that assumes it.

    Raises Refused unless the one gives and the other assumes it, Conflict where they go together already.
    """
    if session.get(JoinedReports, (giving.id, assuming.id)):
        raise Conflict(f"{giving.ref} and {assuming.ref} go together already.")
    places = capabilities.places(session, capability.challenge_id)
    place = next(each for each in places if each.capability.id == capability.id)
    if assuming not in place.assumed or giving.id not in {link.report_id for link in place.given}:
        raise Refused(f"Say first that {giving.ref} gives {capability.code}, and that {assuming.ref} assumes it.")
    made = JoinedReports(giving_id=giving.id, assuming_id=assuming.id, capability_id=capability.id, at=at, by_id=by)
    session.add(made)
    with conflicts():
        session.flush()
    for report, other in ((giving, assuming), (assuming, giving)):
        # Across participants it is for the team's eyes.
        told = giving.participant_id == assuming.participant_id
        note(session, report, "join", by=by, at=at, message=f"With {other.ref}", told=told)
    return made
