"""Drawing up a chain, deciding on each link, and looking again at duplicates whose first fell away."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move, hold, take
from portal.reports import rules, states
from portal.reports.actions.timeline import note, tell_researcher
from portal.reports.models import DuplicateException, Report, ReportLink
from portal.reports.queries import clocks, known
from portal.reports.queries import links as chains
from portal.reports.states import LinkState, ReportState


def add_links(
    session: Session, report: Report, given: Sequence[rules.LinkText], *, by: int, at: datetime
) -> list[ReportLink]:
    """Add links at the end of the chain. Raises Refused, Conflict."""
    hold(session, report)
    there = chains.of_report(session, report.id)
    rules.check_drawn_up(report, len(there) + len(given))
    number, position = max((link.number for link in there), default=0), len(there)
    made = [
        ReportLink(
            report_id=report.id, number=number + place, position=position + place, title=text.title, kind=text.kind,
            assumes=text.assumes, gives=text.gives, state=LinkState.OPEN, state_since=at, added_by_id=by, added_at=at,
        )
        for place, text in enumerate(given, start=1)
    ]  # fmt: skip
    session.add_all(made)
    with conflicts():
        session.flush()
    if made and report.state is not ReportState.UPLOADING:
        note(session, report, "link-add", by=by, at=at, message=f"{rules.named(made)}".capitalize())
    return made


def edit_link(
    session: Session, report: Report, link: ReportLink, text: rules.LinkText, *, by: int, at: datetime
) -> None:
    """Write a link's words anew, until it is decided. Raises Refused, Conflict."""
    hold(session, report)
    rules.check_drawn_up(report)
    rules.check_editable(link)
    before = rules.LinkText(link.title, link.kind, link.assumes, link.gives)
    if before != text:
        _still_open(session, link, sa.update(ReportLink).values(**asdict(text)))
        _record(session, report, "link-edit", asdict(before), asdict(text), by=by, at=at)


def _still_open(session: Session, link: ReportLink, change: sa.Update | sa.Delete) -> None:
    """Change a link unless somebody has decided on it in the meantime. Raises Conflict."""
    mine = change.where(ReportLink.id == link.id, ReportLink.state == LinkState.OPEN)
    with conflicts():
        done = session.execute(mine.execution_options(synchronize_session=False))
    assert isinstance(done, sa.CursorResult)
    if done.rowcount != 1:
        raise Conflict("Somebody has just decided on it. Look at it again.")
    session.expire(link)


def _record(
    session: Session, report: Report, verb: str, before: dict[str, object], after: dict[str, object], *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    subject, scope = f"report:{report.id}", report.challenge.slug
    audit.record(session, f"reports:{verb}", subject, by=by, at=at, scope=scope, before=before, after=after)


def split_link(
    session: Session, report: Report, link: ReportLink, second: rules.LinkText, middle: str | None, *, by: int,
    at: datetime,
) -> ReportLink:  # fmt: skip
    """Make two links of one: it keeps its words and leads to `middle`, where the second one begins. Raises Refused."""
    rules.check_editable(link)
    text = rules.LinkText(second.title, second.kind, middle, link.gives)
    [made] = add_links(session, report, [text], by=by, at=at)
    link.gives = middle
    order = [each for each in chains.of_report(session, report.id) if each.id != made.id]
    order.insert(order.index(link) + 1, made)
    _place(session, order)
    return made


def order_links(session: Session, report: Report, numbers: Sequence[int], *, by: int, at: datetime) -> None:
    """Put the links in another order, given by their numbers. Raises Refused, Invalid where one is missing."""
    hold(session, report)
    rules.check_drawn_up(report)
    there = {link.number: link for link in chains.of_report(session, report.id)}
    if sorted(numbers) != sorted(there):
        raise Invalid({"order": f"Name each link once: {', '.join(str(number) for number in there)}."})
    before = list(there)
    _place(session, [there[number] for number in numbers])
    if before != list(numbers):
        _record(session, report, "link-order", {"order": before}, {"order": list(numbers)}, by=by, at=at)


def _place(session: Session, order: Sequence[ReportLink]) -> None:
    for position, link in enumerate(order, start=1):
        link.position = position
    session.flush()


def remove_link(session: Session, report: Report, link: ReportLink, *, by: int, at: datetime) -> None:
    """Take away a link on which nobody has decided. Raises Refused, Conflict."""
    hold(session, report)
    rules.check_drawn_up(report)
    rules.check_editable(link)
    label = link.label
    _still_open(session, link, sa.delete(ReportLink))
    session.expunge(link)
    if report.state is not ReportState.UPLOADING:
        note(session, report, "link-remove", by=by, at=at, message=label.capitalize())


def decide_link(
    session: Session, report: Report, link: ReportLink, step: Move[LinkState], verdict: rules.Verdict, *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    """Decide on one link by itself. The researcher learns that there is news.

    Raises Refused, Invalid where something that the step needs is missing, Conflict if somebody was first.
    """
    hold(session, report)
    rules.check_link_step(report, step, link, chains.of_report(session, report.id))
    rules.check_fix_day(verdict.fixed_on, report.challenge, at)
    values = rules.values_of(step, verdict)
    if step is states.DUPLICATE_LINK and verdict.duplicate_of:
        values |= _first(session, report, verdict.duplicate_of)
    if step is states.KNOWN_LINK and verdict.known_issue:
        rules.check_known(report, verdict.known_issue, known.listed_for(session, report))
    decided = None if step is states.REOPEN_LINK else link.decided_at or at
    take(session, link, step, at=at, decided_at=decided, **values)
    message = f"{link.label.capitalize()}. {verdict.message}" if verdict.message else link.label.capitalize()
    event = note(session, report, f"link-{step.name}", by=by, at=at, message=message)
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)


def _first(session: Session, report: Report, named: tuple[Report, ReportLink | None]) -> dict[str, object]:
    first, link = chains.first_of(session, *named)
    rules.check_first(report, first, excepted=chains.excepted(session, report.id, first.id))
    return {"duplicate_of_id": first.id, "duplicate_link_id": link.id if link else None}


def whole_step(session: Session, report: Report, step: Move[ReportState], outcome: rules.Outcome) -> dict[str, object]:
    """What the links say to a step of the whole report, and the first of its duplicates. Raises Refused, Conflict."""
    hold(session, report)
    rules.check_whole(step, chains.of_report(session, report.id, anew=True))
    if step is not states.DUPLICATE or outcome.duplicate_of_id is None:
        return {}
    first, _ = chains.first_of(session, session.get_one(Report, outcome.duplicate_of_id))
    rules.check_first(report, first, excepted=chains.excepted(session, report.id, first.id))
    return {"duplicate_of_id": first.id}


def allow_later(session: Session, report: Report, first: Report, reason: str, *, by: int, at: datetime) -> None:
    """A lead allows that a report be called a duplicate of one that arrived later. Raises Refused."""
    if first.id == report.id or rules.arrival(first) < rules.arrival(report):
        raise Refused(f"{first.ref} arrived first: nothing need be allowed.")
    if chains.excepted(session, report.id, first.id):
        return
    session.add(DuplicateException(report_id=report.id, first_id=first.id, by_id=by, at=at, reason=reason))
    session.flush()
    note(session, report, "allow-later", by=by, at=at, message=f"{first.ref}: {reason}", told=False)


def reconsider(session: Session, report: Report, *, by: int, at: datetime) -> None:
    """Look again at a duplicate whose first was withdrawn or cannot be decrypted. Raises Refused, Conflict."""
    first = session.get(Report, report.duplicate_of_id) if report.duplicate_of_id else None
    if first is None or first.state not in states.FALLEN:
        raise Refused("What it is a duplicate of still stands.")
    step = states.RECONSIDER
    calendar, pauses = clocks.calendar(session, report.challenge), clocks.pauses(session, report.id, at)
    values = rules.changes(report, step, rules.Outcome(), at, calendar, pauses, by)
    take(session, report, step, at=at, **(values | {"decided_at": None}))
    event = note(session, report, step.name, by=by, at=at)
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)
