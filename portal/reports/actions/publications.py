"""What is linked about reports, and who is thanked for them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, NotFound, Refused
from portal.core.moves import Move, take
from portal.reports.actions import editions
from portal.reports.actions.timeline import note
from portal.reports.models import Publication, PublicationReport, Report, ReportCredit
from portal.reports.rules import disclosing as rules
from portal.reports.states import Credit, PublicationKind, PublicationState


class Link(NamedTuple):
    """What is told of a publication."""

    title: str
    url: str
    kind: PublicationKind
    published_on: date
    report_ids: tuple[int, ...] = ()


class Thanks(NamedTuple):
    """How somebody wants to be thanked."""

    kind: Credit
    name: str | None = None
    url: str | None = None


def submit(
    session: Session, challenge: Challenge, link: Link, *, participant_id: int | None, by: int, at: datetime
) -> Publication:
    """Hand in something for the list. The team looks at it first.

    Raises Invalid for an address that cannot be linked, NotFound for somebody else's report, Conflict for one that is
    there already.
    """
    rules.check_publication(link.url, link.published_on, at.astimezone(ZoneInfo(challenge.zone)).date())
    _check_reports(session, challenge, link.report_ids, participant_id)
    made = Publication(
        challenge_id=challenge.id, participant_id=participant_id, submitted_by_id=by, kind=link.kind, title=link.title,
        url=link.url, published_on=link.published_on, created_at=at, state=PublicationState.PENDING, state_since=at,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    session.add_all(PublicationReport(publication_id=made.id, report_id=each) for each in link.report_ids)
    session.flush()
    _record(session, challenge, made, "submit-publication", by=by, at=at)
    return made


def _check_reports(
    session: Session, challenge: Challenge, report_ids: Sequence[int], participant_id: int | None
) -> None:
    rows = sa.select(Report.id).where(
        Report.challenge_id == challenge.id, Report.received_at.is_not(None), Report.id.in_(report_ids)
    )
    if participant_id is not None:
        rows = rows.where(Report.participant_id == participant_id)
    if set(session.scalars(rows)) != set(report_ids):
        raise NotFound("report")


def decide(
    session: Session, challenge: Challenge, found: Publication, step: Move[PublicationState], reason: str, *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    """List it or not. Who handed it in does not decide."""
    if found.submitted_by_id == by:
        raise Refused("You handed it in yourself. Somebody else of the team decides.")
    if "reason" in step.needs and not reason:
        raise Invalid({"reason": "Say why."})
    given = reason if "reason" in step.needs else None
    to = session.scalars(sa.select(Account.email).where(Account.id == found.submitted_by_id)).one()
    with editions.noted(session, [challenge.id], at=at):
        take(session, found, step, at=at, decided_at=at, decided_by_id=by, reason=given)
    _record(session, challenge, found, f"{step.name}-publication", by=by, at=at)
    if found.participant_id is not None:
        outbox.post(
            session, "reports/publication_decided", to=to, key=f"publication:{found.id}:{at.isoformat()}", at=at,
            context={"slug": challenge.slug}, subject=f"publication:{found.id}", scope=challenge.slug,
        )  # fmt: skip


def take_off(session: Session, challenge: Challenge, found: Publication, *, by: int, at: datetime) -> None:
    """Off every list at once, whatever the team said of it: what a participant has handed in is theirs."""
    _record(session, challenge, found, "take-publication-off", by=by, at=at)
    with editions.noted(session, [challenge.id], at=at):
        session.execute(sa.delete(PublicationReport).where(PublicationReport.publication_id == found.id))
        session.execute(sa.delete(Publication).where(Publication.id == found.id))
        session.expunge(found)


def _record(session: Session, challenge: Challenge, found: Publication, verb: str, *, by: int, at: datetime) -> None:
    audit.record(
        session, f"reports:{verb}", f"publication:{found.id}", by=by, at=at, scope=challenge.slug,
        after={"state": found.state.value, "url": found.url},
    )  # fmt: skip


def thank(session: Session, report: Report, member: Member, thanks: Thanks, *, at: datetime) -> None:
    """Let a report's advisory thank a member; said again, in the new way."""
    if report.participant_id != member.participant_id:
        raise NotFound("report")
    with editions.noted(session, [report.challenge_id], at=at):
        given = session.get(ReportCredit, (report.id, member.id))
        if given is None:
            given = ReportCredit(report_id=report.id, member_id=member.id)
            session.add(given)
        given.kind, given.name, given.url, given.given_at = thanks.kind, thanks.name, thanks.url, at
        with conflicts():
            session.flush()
    # The timeline tells that it was done, not the name.
    note(session, report, "give-credit", by=member.account_id, at=at)


def thank_no_more(session: Session, report: Report, member: Member, *, at: datetime) -> None:
    """Take the name off again, from every page and file at once. Said twice, it changes nothing."""
    given = session.get(ReportCredit, (report.id, member.id))
    if given is None:
        return
    with editions.noted(session, [report.challenge_id], at=at):
        session.delete(given)
    note(session, report, "take-credit-back", by=member.account_id, at=at)
