"""What leads set about clocks, and what happens when one runs out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.models import Challenge
from portal.core import audit, outbox
from portal.core.moves import take
from portal.reports import rules, states
from portal.reports.actions.timeline import note, tell_researcher
from portal.reports.models import Holiday, Report, ReportClock, ReportDesk
from portal.reports.queries import clocks
from portal.reports.queries.apart import judges
from portal.reports.states import Told


def set_clocks(session: Session, challenge: Challenge, wanted: rules.Settings, *, by: int, at: datetime) -> int:
    """Set clocks, hours and holidays; every clock that runs is counted anew. How many have another end now."""
    before = clocks.settings(session, challenge)
    if before == wanted:
        return 0
    _write(session, challenge.id, wanted)
    audit.record(
        session, "reports:set-clocks", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        before=_plain(before), after=_plain(wanted),
    )  # fmt: skip
    return _count_anew(session, challenge.id, wanted.calendar, at)


def _write(session: Session, challenge_id: int, wanted: rules.Settings) -> None:
    calendar = wanted.calendar
    session.merge(
        ReportDesk(
            challenge_id=challenge_id, opens_at=calendar.opens_at, closes_at=calendar.closes_at,
            workdays=calendar.workdays, assigns=wanted.assigns, closes_after_days=wanted.closes_after_days,
        )
    )  # fmt: skip
    for name, term in calendar.terms.items():
        session.merge(
            ReportClock(
                challenge_id=challenge_id, name=name, days=term.days, business=term.business,
                warn_percent=term.warn_percent,
            )
        )  # fmt: skip
    session.execute(sa.delete(Holiday).where(Holiday.challenge_id == challenge_id))
    session.add_all(Holiday(challenge_id=challenge_id, day=day, name=name) for day, name in wanted.holidays.items())
    session.flush()


def _plain(settings: rules.Settings) -> dict[str, Any]:
    """The settings as the audit keeps them."""
    calendar = settings.calendar
    return {
        "clocks": {
            name.value: f"{term.days} {'business' if term.business else 'calendar'} days, reminder at "
            f"{term.warn_percent} %"
            for name, term in sorted(calendar.terms.items())
        },
        "hours": [calendar.opens_at, calendar.closes_at],
        "workdays": calendar.workdays,
        "holidays": {day.isoformat(): name for day, name in sorted(settings.holidays.items())},
        "assigns": settings.assigns,
        "closes_after_days": settings.closes_after_days,
    }


def _count_anew(session: Session, challenge_id: int, calendar: rules.Calendar, at: datetime) -> int:
    """Let every clock that runs end by this calendar, in one statement. A new end is reminded of anew."""
    found = clocks.retimed(session, challenge_id, calendar, at, lock=True)
    moved = [
        {
            "id": report.id, "due_at": timing.due_at, "warn_at": timing.warn_at,
            "told": report.told if report.due_at == timing.due_at else Told.NOTHING,
        }
        for report, timing in found
        if (report.due_at, report.warn_at) != timing
    ]  # fmt: skip
    if moved:
        session.execute(sa.update(Report), moved)
        session.expire_all()
    return len(moved)


def remind(session: Session, report: Report, *, at: datetime) -> bool:
    """Remind whoever is responsible (all triagers where nobody is) of a clock, and the leads when it is long over.

    Whether this call was the one that did. Each stage of a clock is told once.
    """
    assert report.due_at is not None
    stage = _stage(report.due_at, at)
    told = session.execute(
        sa.update(Report)
        .where(Report.id == report.id, Report.told == report.told, Report.due_at == report.due_at, Report.told != stage)
        .values(told=stage)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(told, sa.CursorResult)
    if told.rowcount != 1:
        return False
    slug, key = report.challenge.slug, f"report:{report.id}:clock:{report.due_at.isoformat()}:{stage.value}"
    for account, template in _people(session, report, stage):
        context = {"slug": slug, "ref": report.ref, "late": stage is not Told.SOON}
        unique = f"{key}:{account.id}:{template}"
        outbox.post(session, f"reports/{template}", to=account.email, key=unique, at=at, context=context)
    return True


def _stage(due_at: datetime, at: datetime) -> Told:
    if at < due_at:
        return Told.SOON
    return Told.LATE if at < due_at + rules.DAY else Told.LEADS


def _people(session: Session, report: Report, stage: Told) -> Sequence[tuple[Account, str]]:
    """Who is reminded, and by which mail."""
    near = [report.assignee] if report.assignee else judges(session, Role.TRIAGER, report)
    leads = judges(session, Role.LEAD, report) if stage is Told.LEADS else ()
    # Whoever slept through the first hours of being late has been told of it by then.
    reminded = () if report.told is Told.LATE else near
    return [*((each, "clock") for each in reminded), *((each, "clock_leads") for each in leads)]


def close_quietly(session: Session, report: Report, *, at: datetime) -> None:
    """Close a report whose fix nobody has disputed. Raises Conflict."""
    take(session, report, states.CLOSE, at=at)
    event = note(session, report, states.CLOSE.name, by=None, at=at)
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)
