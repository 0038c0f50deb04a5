"""What a challenge has promised, and when its clocks stood still."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.challenges.models import Challenge
from portal.reports import rules, states
from portal.reports.models import Holiday, Pause, Report, ReportClock, ReportDesk, ReportEvent, ReportLink
from portal.reports.queries.apart import not_own
from portal.reports.states import ClockName, LinkState, ReportState, Told

CLOSES_AFTER = 14


def desk(session: Session, challenge_id: int) -> ReportDesk:
    """How the triagers of a challenge work; the usual way, in no session, where nobody has said."""
    usual = rules.Calendar("UTC")
    return session.get(ReportDesk, challenge_id) or ReportDesk(
        challenge_id=challenge_id, opens_at=usual.opens_at, closes_at=usual.closes_at, workdays=usual.workdays,
        assigns=False, closes_after_days=CLOSES_AFTER,
    )  # fmt: skip


def holidays(session: Session, challenge_id: int) -> Sequence[Holiday]:
    """The days on which nobody works, in their order."""
    return session.scalars(sa.select(Holiday).where(Holiday.challenge_id == challenge_id).order_by(Holiday.day)).all()


def calendar(session: Session, challenge: Challenge) -> rules.Calendar:
    """The calendar of a challenge, with what its clocks are set to."""
    found, terms = desk(session, challenge.id), dict(rules.TERMS)
    for row in session.scalars(sa.select(ReportClock).where(ReportClock.challenge_id == challenge.id)):
        terms[row.name] = rules.Term(row.days, row.business, row.warn_percent)
    days = frozenset(each.day for each in holidays(session, challenge.id))
    return rules.Calendar(challenge.zone, found.opens_at, found.closes_at, found.workdays, days, terms)


def pauses(session: Session, report_id: int, at: datetime) -> list[tuple[datetime, datetime]]:
    """When a report waited for its researcher; the present wait counts until `at`."""
    return pauses_of(session, Pause.report_id == report_id, at)[report_id]


def pauses_of(
    session: Session, which: sa.ColumnElement[bool], at: datetime
) -> defaultdict[int, list[tuple[datetime, datetime]]]:
    """The same of several reports, by their ids."""
    found: defaultdict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for number, since, until in session.execute(
        sa.select(Pause.report_id, Pause.since, Pause.until).where(which).order_by(Pause.since)
    ):
        found[number].append((since, until or max(at, since)))
    return found


def of_reports(reports: Iterable[Report]) -> sa.ColumnElement[bool]:
    """The pauses of these reports, for `pauses_of`."""
    return Pause.report_id.in_([report.id for report in reports])


def to_remind(session: Session, at: datetime, limit: int = 100) -> Sequence[Report]:
    """Reports whose clock is mostly gone or has run out, and whose people have not been reminded of it yet."""
    day = rules.DAY
    return session.scalars(
        sa.select(Report)
        .options(joinedload(Report.challenge), joinedload(Report.assignee))
        .where(
            Report.warn_at <= at,
            Report.state.in_(list(states.RUNS)),
            sa.or_(
                Report.told == Told.NOTHING,
                sa.and_(Report.told == Told.SOON, Report.due_at <= at),
                sa.and_(Report.told == Told.LATE, Report.due_at <= at - day),
            ),
        )
        .order_by(Report.warn_at, Report.id)
        .limit(limit)
    ).all()


def settings(session: Session, challenge: Challenge) -> rules.Settings:
    """How the triagers of a challenge work, whole."""
    found = desk(session, challenge.id)
    named = {each.day: each.name for each in holidays(session, challenge.id)}
    return rules.Settings(calendar(session, challenge), named, found.assigns, found.closes_after_days)


def retimed(
    session: Session, challenge_id: int, calendar: rules.Calendar, at: datetime, *, reader: int | None = None,
    lock: bool = False,
) -> list[tuple[Report, rules.Timing]]:  # fmt: skip
    """Reports over which a clock runs, each with when it would run out by a calendar; for a reader, only of others."""
    others = [not_own(reader)] if reader else []
    rows = sa.select(Report).where(Report.challenge_id == challenge_id, Report.state.in_(list(states.RUNS)), *others)
    found = session.scalars(rows.order_by(Report.number).with_for_update() if lock else rows.order_by(Report.number))
    reports = [report for report in found if report.received_at is not None]
    stood = pauses_of(session, of_reports(reports), at)
    timed = []
    for report in reports:
        since = report.clock_since or report.received_at
        timing = rules.timing(calendar, report.state, since, stood[report.id]) if since else None
        if timing:
            timed.append((report, timing))
    return timed


def to_close(session: Session, at: datetime, limit: int = 100) -> Sequence[Report]:
    """Reports that have been fixed for so long that their researchers have nothing more to say.

    Those with a link that is not decided yet wait for that.
    """
    undecided = sa.select(ReportLink.id).where(ReportLink.report_id == Report.id, ReportLink.state == LinkState.OPEN)
    days = sa.func.coalesce(ReportDesk.closes_after_days, CLOSES_AFTER)
    found = session.execute(
        sa.select(Report, days)
        .outerjoin(ReportDesk, ReportDesk.challenge_id == Report.challenge_id)
        .options(joinedload(Report.challenge), joinedload(Report.submitted_by))
        .where(Report.state == ReportState.FIXED, Report.state_since <= at - rules.DAY, ~undecided.exists())
        .order_by(Report.state_since, Report.id)
    )
    due = [report for report, wait in found if report.state_since <= at - wait * rules.DAY]
    return due[:limit]


def courses(session: Session, challenge_id: int, at: datetime, *, reader: int) -> list[rules.Course]:
    """When what happened to each report of others that has arrived and was not withdrawn, in three statements."""
    fixed = sa.select(ReportEvent.report_id, sa.func.min(ReportEvent.at)).where(ReportEvent.what == states.FIX.name)
    ends = dict(session.execute(fixed.join(Report).where(Report.challenge_id == challenge_id)
                                .group_by(ReportEvent.report_id)).all())  # fmt: skip
    reports = session.scalars(
        sa.select(Report)
        .where(
            Report.challenge_id == challenge_id, Report.received_at.is_not(None),
            Report.state != ReportState.WITHDRAWN, not_own(reader),
        )
        .order_by(Report.number)
    ).all()  # fmt: skip
    stood = pauses_of(session, of_reports(reports), at)
    return [_course(report, ends.get(report.id), stood[report.id]) for report in reports if report.received_at]


def _course(report: Report, fixed_at: datetime | None, stood: list[tuple[datetime, datetime]]) -> rules.Course:
    assert report.received_at
    done = {
        ClockName.FIRST_ANSWER: report.acknowledged_at, ClockName.TRIAGE: report.triaged_at,
        ClockName.DECISION: report.decided_at, ClockName.FIX: fixed_at,
    }  # fmt: skip
    ended = {name: at for name, at in done.items() if at is not None}
    return rules.Course(report.received_at, report.severity, ended, stood)
