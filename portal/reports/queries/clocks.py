"""What a challenge has promised, and when its clocks stood still."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.challenges.models import Challenge
from portal.reports import rules, states
from portal.reports.models import Holiday, Pause, Report, ReportClock, ReportDesk
from portal.reports.states import Told

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


def running(session: Session, challenge_id: int) -> Sequence[Report]:
    """Reports over which a clock runs."""
    return session.scalars(
        sa.select(Report).where(Report.challenge_id == challenge_id, Report.state.in_(list(states.RUNS)))
    ).all()


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
