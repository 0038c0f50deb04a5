"""Cases at other parties: begun, reported with the researchers' consent, followed, told."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.challenges.models import Challenge
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.reports import rules, states
from portal.reports.actions import editions
from portal.reports.actions.timeline import note, tell_researcher, tell_triagers
from portal.reports.models import (
    PassingOn,
    Report,
    ReportLink,
    UpstreamCase,
    UpstreamEvent,
    UpstreamParty,
    UpstreamSubject,
)
from portal.reports.queries import upstream
from portal.reports.queries.apart import impartial
from portal.reports.states import ReportState, UpstreamState


class CaseText(NamedTuple):
    """What is written of a case, in clear. `embargo_until` is an instant, on the clocks of `embargo_zone`."""

    title: str
    their_reference: str = ""
    cves: tuple[str, ...] = ()
    embargo_until: datetime | None = None
    embargo_zone: str | None = None
    # Where everybody can read of it; nobody is shown that before it is public.
    public_page: str = ""


def add_party(session: Session, name: str, contact: str, page: str, *, by: int, at: datetime) -> UpstreamParty:
    """Note a party with its contact and its security page. Raises Conflict where it is there already."""
    made = UpstreamParty(name=name, contact=contact, page=page)
    session.add(made)
    with conflicts():
        session.flush()
    after = {"name": name, "contact": contact}
    audit.record(session, "reports:upstream-party", f"upstream-party:{made.id}", by=by, at=at, after=after)
    return made


def open_case(
    session: Session, challenge: Challenge, party: UpstreamParty, title: str, *, by: int, at: datetime
) -> UpstreamCase:
    """Begin a case; nothing is reported to anybody yet."""
    session.execute(sa.select(Challenge.id).where(Challenge.id == challenge.id).with_for_update())
    last = session.scalars(
        sa.select(sa.func.max(UpstreamCase.number)).where(UpstreamCase.challenge_id == challenge.id)
    ).one()
    made = UpstreamCase(
        challenge_id=challenge.id, number=(last or 0) + 1, party_id=party.id, title=title,
        state=UpstreamState.DRAFTED, state_since=at, created_at=at, created_by_id=by, cves=[],
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    _happened(session, upstream.case(session, challenge.id, made.number), "open", by=by, at=at)
    return upstream.case(session, challenge.id, made.number)


def _happened(session: Session, case: UpstreamCase, what: str, text: str = "", *, by: int | None, at: datetime) -> None:
    session.add(UpstreamEvent(case_id=case.id, at=at, what=what, actor_id=by, text=text))
    session.flush()
    session.expire(case, ["events"])
    audit.record(
        session, f"reports:upstream-{what}", f"upstream-case:{case.id}", by=by, at=at, scope=case.challenge.slug,
        after={"state": case.state.value},
    )  # fmt: skip


def add_subject(
    session: Session, case: UpstreamCase, report: Report, link: ReportLink | None, *, by: int, at: datetime
) -> None:
    """Say that a case is about a report, or one link of it.

    Raises Refused where it is there, or the case is reported already and the researcher does not agree.
    """
    if any(subject.report_id == report.id for subject in case.subjects):
        raise Refused(f"{case.reference} is about {report.ref} already.")
    if case.state is not UpstreamState.DRAFTED:
        rules.check_passed_on([report], upstream.consents(session, [report.id]))
    with editions.noted(session, [case.challenge_id], at=at):
        session.add(UpstreamSubject(case_id=case.id, report_id=report.id, link_id=link.id if link else None))
        with conflicts():
            session.flush()
        session.expire(case, ["subjects"])
    _happened(session, case, "subject", f"{report.ref}, {link.label}" if link else report.ref, by=by, at=at)


def write(session: Session, case: UpstreamCase, text: CaseText, *, by: int, at: datetime) -> None:
    """Write anew what is known of a case."""
    fresh = {
        "title": text.title, "their_reference": text.their_reference, "cves": list(text.cves),
        "embargo_until": text.embargo_until, "embargo_zone": text.embargo_zone, "public_page": text.public_page,
    }  # fmt: skip
    changed = [name for name, value in fresh.items() if getattr(case, name) != value]
    with editions.noted(session, [case.challenge_id], at=at):
        for name in changed:
            setattr(case, name, fresh[name])
    if changed:
        _happened(session, case, "write", ", ".join(name.replace("_", " ") for name in changed), by=by, at=at)


def step(
    session: Session, case: UpstreamCase, move: Move[UpstreamState], text: str = "", fixed_in: str = "", *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    """Take a step of a case. Raises Refused without the researchers' consent, Invalid, Conflict."""
    if "fixed_in" in move.needs and not fixed_in:
        raise Invalid({"fixed_in": "Name the version or the commit."})
    if "note" in move.needs and not text:
        raise Invalid({"note": "Say what they said."})
    values: dict[str, object] = {"heard_at": at}
    if move is states.REPORT_UPSTREAM:
        reports = [subject.report for subject in case.subjects]
        if not reports:
            raise Refused("Say first which report it is about.")
        rules.check_passed_on(reports, upstream.consents(session, [report.id for report in reports]))
        values = {"reported_at": at}
    if move.target is UpstreamState.FIXED:
        values["fixed_in"] = fixed_in
    with editions.noted(session, [case.challenge_id], at=at):
        take(session, case, move, at=at, **values)
    _happened(session, case, move.name, text, by=by, at=at)
    if case.told:
        _tell(session, case, f"{move.name}:{at.isoformat()}", at=at)


def remark(session: Session, case: UpstreamCase, text: str, *, heard: bool, by: int, at: datetime) -> None:
    """Write something about a case; `heard` where the party said it."""
    if heard and case.state in states.UPSTREAM_OPEN:
        case.heard_at = at
    _happened(session, case, "heard" if heard else "note", text, by=by, at=at)


def tell(session: Session, case: UpstreamCase, *, by: int, at: datetime) -> None:
    """Show the case to the researchers whose reports it is about. Raises Refused before it is reported."""
    if case.state is UpstreamState.DRAFTED:
        raise Refused("It is not reported to them yet.")
    if not case.told:
        case.told = True
        _happened(session, case, "tell", by=by, at=at)
        _tell(session, case, "told", at=at)


def _tell(session: Session, case: UpstreamCase, key: str, *, at: datetime) -> None:
    for subject in case.subjects:
        report = session.scalars(
            sa.select(Report)
            .options(sa.orm.joinedload(Report.challenge), sa.orm.joinedload(Report.submitted_by))
            .where(Report.id == subject.report_id)
        ).one()
        tell_researcher(session, report, "moved", f"upstream:{case.id}:{key}", at=at)


def say_passing_on(session: Session, report: Report, *, allowed: bool, credit: str, by: int, at: datetime) -> PassingOn:
    """The researcher says whether a report may be passed on to another party, and under which name.

    Raises Refused where it has been passed on already, or has not arrived.
    """
    if report.received_at is None or report.state is ReportState.WITHDRAWN:
        raise Refused("There is no report to pass on.")
    reported = [
        case for case in upstream.of_report(session, report, told_only=False)
        if case.state is not UpstreamState.DRAFTED
    ]  # fmt: skip
    if reported and not allowed:
        raise Refused("It has been passed on already. Write to the team.")
    said = upstream.consents(session, [report.id]).get(report.id) or PassingOn(report_id=report.id)
    said.account_id, said.at, said.allowed, said.credit = by, at, allowed, credit if allowed else ""
    session.add(said)
    session.flush()
    event = note(session, report, "passing-on" if allowed else "no-passing-on", by=by, at=at)
    tell_triagers(session, report, "moved_staff", f"event:{event.id}", at=at)
    return said


def remind(session: Session, case: UpstreamCase, since: datetime, *, at: datetime) -> None:
    """A mail to the triagers for whom the case is that a party has been silent, once for each silence."""
    context = {"slug": case.challenge.slug, "number": case.number, "ref": case.reference}
    for account in impartial(session, Role.TRIAGER, case.challenge):
        key = f"upstream:{case.id}:quiet:{since.isoformat()}:{account.id}"
        outbox.post(session, "reports/upstream_quiet", to=account.email, key=key, at=at, context=context)
