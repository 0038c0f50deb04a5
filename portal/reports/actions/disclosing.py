"""Agreeing on the hour from which a report may be spoken of. Both sides speak; either may ask to move it."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.core import outbox
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import take
from portal.core.outbox import OutgoingMail
from portal.reports import states
from portal.reports.actions.timeline import note
from portal.reports.models import Disclosure, DisclosureProposal, Report
from portal.reports.queries import disclosing as queries
from portal.reports.queries.apart import judges
from portal.reports.rules import disclosing as rules
from portal.reports.states import Answer, DisclosureState, Side

_OUT = "The hour has come: everybody may read it by now."
REMINDER, AHEAD = "reports/date_unanswered", "reports/date_ahead"


class Date(NamedTuple):
    """A proposed hour: the instant, the zone in which it was typed, and whether it may come before the fix."""

    instant: datetime
    zone: str
    message: str | None = None
    without_fix: bool = False


def propose(session: Session, report: Report, date: Date, side: Side, *, by: int, at: datetime) -> DisclosureProposal:
    """Propose an hour: the first one, another one than the other side's, or a move of the agreed one.

    Raises Invalid and Refused as `rules.check_date`, Conflict where somebody was first.
    """
    theirs = queries.theirs_on(session, report)
    rules.check_date(report, date.instant, date.zone, without_fix=date.without_fix, theirs=theirs, at=at)
    found = queries.live(session, report.id)
    if found is None:
        found = Disclosure(
            report_id=report.id, state=DisclosureState.REQUESTED, state_since=at, created_at=at, zone=date.zone
        )
        session.add(found)
        with conflicts():
            session.flush()
    elif rules.open_to_all(found, theirs, at):
        raise Refused(_OUT)
    else:
        _counter(session, found, side, by=by, at=at)
    made = _add(session, found, date, side, by=by, at=at)
    note(session, report, "propose-date" if made.number == 1 else "propose-another-date", by=by, at=at)
    _tell(session, report, side.other, "date_proposed", f"date:{made.id}", at=at)
    _remind(session, report, side.other, made, at=at)
    return made


def _counter(session: Session, found: Disclosure, side: Side, *, by: int, at: datetime) -> None:
    """The date that waited is answered by another one."""
    waiting = queries.pending(session, found.id)
    if waiting is None:
        return
    if waiting.side is side:
        raise Refused("Your side's date still waits for an answer. Withdraw it first.")
    _answer(session, waiting, Answer.COUNTERED, by=by, at=at)


def _add(session: Session, found: Disclosure, date: Date, side: Side, *, by: int, at: datetime) -> DisclosureProposal:
    made = DisclosureProposal(
        disclosure_id=found.id, number=queries.next_number(session, found.id), side=side, by_id=by, at=at,
        instant=date.instant, zone=date.zone, without_fix=date.without_fix, message=date.message or None,
        answer=Answer.OPEN,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    session.expire(found, ["proposals"])
    return made


def accept(
    session: Session, report: Report, proposal: DisclosureProposal, side: Side, *, without_fix: bool, by: int,
    at: datetime,
) -> None:  # fmt: skip
    """Agree on the hour. `without_fix` is the second yes that an hour before the fix needs."""
    rules.check_answer(proposal, side)
    early = not rules.fixed_by(report, proposal.instant, report.challenge.zone)
    if early and not (proposal.without_fix and without_fix):
        raise Invalid({"without_fix": "No fix is out by then. Both sides have to say that it may be before the fix."})
    theirs, found = queries.theirs_on(session, report), session.get_one(Disclosure, proposal.disclosure_id)
    if rules.open_to_all(found, theirs, at):
        raise Refused(_OUT)
    rules.check_date(report, proposal.instant, proposal.zone, without_fix=early, theirs=theirs, at=at)
    _settle(session, found, proposal, early=early, by=by, at=at)
    note(session, report, "agree-on-date", by=by, at=at)
    _tell(session, report, side.other, "date_agreed", f"date:{proposal.id}:agreed", at=at)
    _tell_ahead(session, report, proposal, at=at)


def let_stand(session: Session, report: Report, proposal: DisclosureProposal, *, by: int, at: datetime) -> None:
    """A date of the team stands, because the researcher has said nothing for long. They are told, and may ask to move
    it as any other. Raises Refused as `rules.check_stands`, Conflict where they have just answered.
    """
    found = session.get_one(Disclosure, proposal.disclosure_id)
    rules.check_stands(report, found, proposal, by, at)
    theirs = queries.theirs_on(session, report)
    rules.check_date(report, proposal.instant, proposal.zone, without_fix=False, theirs=theirs, at=at)
    _settle(session, found, proposal, early=False, by=by, at=at, reason="Nobody answered.")
    note(session, report, "date-stands", by=by, at=at)
    _tell(session, report, Side.RESEARCHER, "date_stands", f"date:{proposal.id}:stands", at=at)
    _tell_ahead(session, report, proposal, at=at)


def _settle(
    session: Session, found: Disclosure, proposal: DisclosureProposal, *, early: bool, by: int, at: datetime,
    reason: str | None = None,
) -> None:  # fmt: skip
    _answer(session, proposal, Answer.ACCEPTED, by=by, at=at, reason=reason)
    take(
        session, found, states.AGREE, at=at, embargo_until=proposal.instant, zone=proposal.zone, agreed_at=at,
        without_fix=early,
    )  # fmt: skip


def decline(
    session: Session, report: Report, proposal: DisclosureProposal, side: Side, reason: str, *, by: int, at: datetime
) -> None:
    """Say no, and why. An hour that was agreed before stays."""
    rules.check_answer(proposal, side)
    if not reason:
        raise Invalid({"reason": "Say why, in neutral words."})
    found = session.get_one(Disclosure, proposal.disclosure_id)
    _answer(session, proposal, Answer.DECLINED, by=by, at=at, reason=reason)
    if found.state is DisclosureState.REQUESTED:
        take(session, found, states.DECLINE_DATE, at=at)
    note(session, report, "decline-date", by=by, at=at)
    _tell(session, report, side.other, "date_declined", f"date:{proposal.id}:declined", at=at)


def withdraw(
    session: Session, report: Report, proposal: DisclosureProposal, side: Side, *, by: int, at: datetime
) -> None:
    """Take one's own side's date back before it is answered. An hour that was agreed before stays."""
    if proposal.answer is not Answer.OPEN or proposal.side is not side:
        raise Refused("Only a date of your own side that waits for an answer can be withdrawn.")
    found = session.get_one(Disclosure, proposal.disclosure_id)
    _answer(session, proposal, Answer.WITHDRAWN, by=by, at=at)
    if found.state is DisclosureState.REQUESTED:
        take(session, found, states.TAKE_BACK, at=at)
    note(session, report, "withdraw-date", by=by, at=at)


def void(session: Session, report: Report, *, by: int, at: datetime) -> None:
    """Let an agreed hour go that rested on a fix, once that no longer holds. Both sides are told, and agree anew."""
    found = queries.live(session, report.id)
    if found is None or not rules.falls_with_fix(report, found, at):
        return
    waiting = queries.pending(session, found.id)
    if waiting:
        _answer(session, waiting, Answer.WITHDRAWN, by=by, at=at)
    take(session, found, states.LET_GO, at=at, embargo_until=None, agreed_at=None)
    event = note(session, report, "date-void", by=by, at=at)
    for side in Side:
        _tell(session, report, side, "date_void", f"event:{event.id}", at=at)


def publish(session: Session, found: Disclosure, *, at: datetime) -> None:
    """Note that the hour has come. What is public does not wait for this."""
    report = found.report
    take(session, found, states.DISCLOSE, at=at)
    note(session, report, "disclose", by=None, at=at)


def _answer(
    session: Session, proposal: DisclosureProposal, answer: Answer, *, by: int, at: datetime, reason: str | None = None
) -> None:
    done = session.execute(
        sa.update(DisclosureProposal)
        .where(DisclosureProposal.id == proposal.id, DisclosureProposal.answer == Answer.OPEN)
        .values(answer=answer, answered_at=at, answered_by_id=by, reason=reason)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise Conflict("Somebody has just answered. Look at it again.")
    session.expire(proposal)


# What is told


def _mails(session: Session, report: Report, side: Side) -> list[tuple[Account, str]]:
    """Whom a side's mails reach, and the page on which they act."""
    if side is Side.RESEARCHER:
        return [(report.submitted_by, "reports.disclosure")]
    return [(each, "reports.staff_disclosure") for each in queries.team(session, report)]


def _tell(
    session: Session, report: Report, side: Side, template: str, key: str, *, at: datetime,
    not_before: datetime | None = None, **more: object,
) -> None:  # fmt: skip
    for to, page in _mails(session, report, side):
        context = {"slug": report.challenge.slug, "ref": report.ref, "page": page, **more}
        outbox.post(
            session, f"reports/{template}", to=to.email, key=f"{key}:{template}:{to.id}", at=at, not_before=not_before,
            context=context, subject=f"report:{report.id}", scope=report.challenge.slug,
        )  # fmt: skip


def _remind(session: Session, report: Report, side: Side, made: DisclosureProposal, *, at: datetime) -> None:
    """Whoever has not answered is reminded three times; with the second one the leads hear of it as well."""
    for after in rules.REMINDERS:
        _tell(
            session, report, side, "date_unanswered", f"date:{made.id}:{after.days}", at=at, not_before=at + after,
            proposal=made.id, days=after.days,
        )  # fmt: skip
    context = {"slug": report.challenge.slug, "ref": report.ref, "page": "reports.staff_disclosure",
               "proposal": made.id, "days": rules.LEAD_AFTER.days}  # fmt: skip
    for lead in judges(session, Role.LEAD, report):
        outbox.post(
            session, REMINDER, to=lead.email, key=f"date:{made.id}:lead:{lead.id}", at=at,
            not_before=at + rules.LEAD_AFTER, context=context, subject=f"report:{report.id}",
            scope=report.challenge.slug,
        )  # fmt: skip


def _tell_ahead(session: Session, report: Report, agreed: DisclosureProposal, *, at: datetime) -> None:
    """Both sides hear of it a week and a day before, and at the hour."""
    for before in rules.AHEAD:
        due = agreed.instant - before
        if due <= at:
            continue
        for side in Side:
            _tell(
                session, report, side, "date_ahead", f"date:{agreed.id}:{before.days}", at=at, not_before=due,
                proposal=agreed.id, days=before.days,
            )  # fmt: skip


def still_open(session: Session, mail: OutgoingMail) -> bool:
    """Whether the date still waits for an answer."""
    found = session.get(DisclosureProposal, mail.context.get("proposal", 0))
    return found is not None and found.answer is Answer.OPEN


def still_agreed(session: Session, mail: OutgoingMail) -> bool:
    """Whether this is still the hour on which both agreed."""
    found = session.get(DisclosureProposal, mail.context.get("proposal", 0))
    if found is None:
        return False
    standing = session.get(Disclosure, found.disclosure_id)
    return standing is not None and standing.state in states.HELD and standing.embargo_until == found.instant


outbox.guard(REMINDER, still_open)
outbox.guard(AHEAD, still_agreed)
