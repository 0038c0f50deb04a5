"""How triage works in the demonstration: its clocks, the releases with their fixes, an appeal, builds, severities."""

from collections.abc import Iterable
from datetime import date, timedelta

import sqlalchemy as sa

from portal.challenges.models import Build
from portal.demo import facts, kernel
from portal.demo.submissions import Fixing, step
from portal.demo.world import Stage, World, noon
from portal.reports import rules, states
from portal.reports.actions import clocks, own, releases, triage
from portal.reports.actions.assigning import assign
from portal.reports.models import Release, Report
from portal.reports.queries.clocks import settings
from portal.reports.states import ClockName, Finding, ReportState

VECTORS = (
    "CVSS:4.0/AV:L/AC:L/AT:N/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
    "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N",
)
APPEAL = "The layer that you name was off in the sample that we sent. Its log is in the second attachment."


def plan_releases(world: World, stage: Stage) -> dict[str, Release]:
    """The three releases of 2020, planned before the first report came."""
    at = noon(facts.STARTS, facts.ZONE)
    return {
        name: releases.plan(
            world.session, stage.challenge, name, day, "Monthly release", by=world.staff["triager1"], at=at
        )
        for name, day in facts.RELEASES.items()
    }


def publish_releases(world: World, stage: Stage, planned: dict[str, Release], fixes: Iterable[Fixing]) -> None:
    """Each release comes out with all its fixes; their reports are closed in the days after."""
    by, waiting = world.staff["triager1"], list(fixes)
    for name, release in planned.items():
        tied = [fixing for fixing in waiting if fixing.release == name]
        day = facts.RELEASES[name]
        out = noon(day, stage.challenge.zone)
        for fixing in tied:
            releases.tie(world.session, fixing.report, release, by=by, at=fixing.at)
        releases.publish(world.session, stage.challenge, release, day, by=by, at=out)
        for fixing in tied:
            kernel.fix_links(world, fixing.report, name, by=fixing.by, at=out)
            step(world, fixing.report, states.CLOSE, out + fixing.wait, fixing.by)


def set_clocks(world: World, stage: Stage) -> None:
    """The running challenge counts business days for triage, and knows two holidays of its own."""
    now = settings(world.session, stage.challenge)
    at = world.now - timedelta(days=44)
    holidays = {
        date(world.now.year, 12, 25): "Christmas Day",
        (world.now - timedelta(days=20)).date(): "Day of the whole team",
    }
    terms = {**now.calendar.terms, ClockName.TRIAGE: rules.Term(3, business=True, warn_percent=70)}
    calendar = rules.Calendar(stage.challenge.zone, 9, 18, holidays=frozenset(holidays), terms=terms)
    wanted = rules.Settings(calendar, holidays, assigns=False, closes_after_days=21)
    clocks.set_clocks(world.session, stage.challenge, wanted, by=world.staff["lead"], at=at)


def go_on(world: World, stage: Stage, reports: Iterable[tuple[Report, str]]) -> None:
    """What triagers of the running challenge say besides: who is responsible, builds, severities, releases."""
    session, by, at = world.session, world.staff["triager1"], world.now - timedelta(hours=2)
    soon = releases.plan(
        session, stage.challenge, "25.2", (world.now + timedelta(days=12)).date(), "Two fixes wait for it.", by=by,
        at=world.now - timedelta(days=20),
    )  # fmt: skip
    builds = session.scalars(sa.select(Build).where(Build.challenge_id == stage.challenge.id).order_by(Build.id)).all()
    triagers = [world.staff[name] for name in ("triager1", "triager2")]
    for number, (report, _) in enumerate(reports):
        if report.state is not ReportState.RECEIVED:
            assign(session, report, triagers[number % len(triagers)], by=by, at=at)
        if report.state in releases.PLANNABLE:
            releases.tie(session, report, soon, by=by, at=at)
            triage.assess(
                session, report, severity=report.severity, achieved_scenario_id=report.achieved_scenario_id,
                led_to_improvement=report.led_to_improvement, cvss=VECTORS[number % 2], by=by, at=at,
            )  # fmt: skip
            found = {build.id: Finding.AFFECTED for build in builds[:2]}
            releases.say_builds(session, report, builds[0].id if builds else None, found, by=by, at=at)


def appeal(world: World, report: Report) -> None:
    """The researcher objects to what was called by design."""
    at = world.now - timedelta(hours=9)
    own.move(world.session, report, states.APPEAL, APPEAL, by=report.submitted_by_id, at=at)


def publish_small(world: World, stage: Stage, report: Report) -> None:
    """A release of the running challenge comes out with one fix."""
    by, made = world.staff["triager1"], world.now - timedelta(days=12)
    day = world.now.date()
    release = releases.plan(world.session, stage.challenge, "25.1", day, "Monthly release", by=by, at=made)
    releases.tie(world.session, report, release, by=by, at=report.state_since)
    releases.publish(world.session, stage.challenge, release, day, by=by, at=world.now - timedelta(hours=1))
