"""Releases of the product: planned, published with all their fixes at once, and what builds turned out to be."""

from collections.abc import Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.db import insert
from portal.core.errors import Refused
from portal.reports import rules, states
from portal.reports.actions import triage
from portal.reports.actions.timeline import changed
from portal.reports.models import BuildFinding, Release, Report
from portal.reports.queries import builds, releases
from portal.reports.states import Finding

# A fix can be planned once a report is confirmed.
PLANNABLE = states.FIX.sources


def plan(
    session: Session, challenge: Challenge, name: str, planned_on: date, notes: str, *, by: int, at: datetime
) -> Release:
    """Announce a release to which fixes can be tied. Raises Conflict where there is one of this name."""
    made = Release(challenge_id=challenge.id, name=name, planned_on=planned_on, notes=notes, made_at=at)
    session.add(made)
    with conflicts():
        session.flush()
    _record(session, challenge, "plan-release", made, by=by, at=at)
    return made


def change(
    session: Session, challenge: Challenge, release: Release, planned_on: date, notes: str, *, by: int, at: datetime
) -> None:
    """Change the day or the notes of a release. Raises Refused once it is out."""
    if release.released_on is not None and planned_on != release.planned_on:
        raise Refused("It is out. Its day is a fact now.")
    release.planned_on, release.notes = planned_on, notes
    _record(session, challenge, "change-release", release, by=by, at=at)


def _record(session: Session, challenge: Challenge, verb: str, release: Release, *, by: int, at: datetime) -> None:
    session.flush()
    told = {"name": release.name, "planned_on": release.planned_on, "released_on": release.released_on}
    subject = f"release:{release.id}"
    audit.record(session, f"reports:{verb}", subject, by=by, at=at, scope=challenge.slug, after=told)


def tie(session: Session, report: Report, release: Release | None, *, by: int, at: datetime) -> None:
    """Plan a report's fix for a release, or for none. Raises Refused."""
    if report.state not in PLANNABLE:
        raise Refused("A fix is planned once the report is confirmed, and before it is out.")
    if release is not None and release.released_on is not None:
        raise Refused(f"{release.name} is out already. Mark the report as fixed instead.")
    before, after = report.release_id, release.id if release else None
    if before == after:
        return
    report.release_id = after
    changed(session, report, "plan-fix", {"release": before}, {"release": after}, by=by, at=at)


def publish(
    session: Session, challenge: Challenge, release: Release, released_on: date, *, by: int, at: datetime
) -> tuple[list[str], list[str]]:
    """Say that a release is out: all reports that were planned for it are fixed, each with its line and its mail.

    The references of those that are, and sentences about those that cannot be. Raises Refused where it is out already,
    Invalid for a day on which it cannot have come out.
    """
    rules.check_fix_day(released_on, challenge, at, "released_on")
    told = session.execute(
        sa.update(Release)
        .where(Release.id == release.id, Release.released_on.is_(None))
        .values(released_on=released_on)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(told, sa.CursorResult)
    if told.rowcount != 1:
        raise Refused(f"{release.name} is out already.")
    session.refresh(release)
    _record(session, challenge, "publish-release", release, by=by, at=at)
    done, left = [], []
    outcome = rules.Outcome(fixed_release=release.name, fixed_on=released_on)
    for report in releases.planned(session, release):
        if report.state in states.FIX.sources:
            triage.move(session, report, states.FIX, outcome, by=by, at=at)
            done.append(report.ref)
        else:
            left.append(f"{report.ref} is {report.state.replace('_', ' ')}: it was left as it is.")
    return done, left


def say_builds(
    session: Session, report: Report, reproduced_on_id: int | None, found: Mapping[int, Finding | None], *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    """Say on which build it was reproduced, and which are affected, not affected, or fixed."""
    before = {"reproduced_on": report.reproduced_on_id, "builds": _named(builds.findings(session, report))}
    report.reproduced_on_id = reproduced_on_id
    for number, finding in found.items():
        if finding is None:
            session.execute(
                sa.delete(BuildFinding).where(BuildFinding.report_id == report.id, BuildFinding.build_id == number)
            )
        else:
            values = {"finding": finding, "at": at, "by_id": by}
            made = insert(session, BuildFinding).values(report_id=report.id, build_id=number, **values)
            session.execute(made.on_conflict_do_update(index_elements=["report_id", "build_id"], set_=values))
    session.flush()
    after = {"reproduced_on": reproduced_on_id, "builds": _named(builds.findings(session, report))}
    if before != after:
        changed(session, report, "say-builds", before, after, by=by, at=at)


def _named(found: Mapping[int, Finding]) -> dict[str, str]:
    return {str(number): finding.value for number, finding in sorted(found.items())}
