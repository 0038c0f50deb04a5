"""Reports of the demonstration: really sealed bodies, taken in by the same code as everybody's."""

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from portal.challenges.models import Member
from portal.core.moves import Move
from portal.demo import kernel
from portal.demo.facts import LAYERS, SubmissionFact
from portal.demo.world import Stage, World, noon
from portal.reports import intake, rules, states
from portal.reports.actions import drafts, triage
from portal.reports.actions.keys import publish_key_set
from portal.reports.models import KeySet, Report
from portal.reports.queries import keys
from portal.reports.states import ReportKind, ReportState, Severity

HERE = Path(__file__).parent
KEYS, SEALED = HERE / "keys", HERE / "sealed"


def publish_keys(world: World, at: datetime) -> KeySet:
    """The demonstration's key set: its private halves lie beside it for everybody to see."""
    recovery = (KEYS / "demo-recovery.asc").read_text()
    by = world.staff["admin"]
    return publish_key_set(world.session, triagers(world, 3), recovery, by=by, at=at, demonstration=True)


def triagers(world: World, count: int) -> list[tuple[int | None, str]]:
    """The accounts and certificates of so many triagers."""
    names = [f"triager{number}" for number in range(1, count + 1)]
    return [(world.staff.get(name), (KEYS / f"demo-{name}.asc").read_text()) for name in names]


def sealed_bodies() -> list[dict[str, Any]]:
    """What is said in clear of each sealed body, in their order."""
    index: list[dict[str, Any]] = json.loads((SEALED / "index.json").read_text())
    return index


def submit(
    world: World,
    stage: Stage,
    member: Member,
    body: dict[str, Any],
    severity: Severity,
    at: datetime,
    assumes: str = "",
) -> Report:
    """A report as it arrives: begun, its sealed body uploaded and walked over, handed in."""
    given = drafts.Particulars(
        title=body["title"], severity=severity, build=body["build"], scenario_id=stage.scenarios[body["scenario"]].id,
        kind=ReportKind.ASSUMING if assumes else ReportKind.FULL, capability=assumes or None,
    )  # fmt: skip
    session, limits = world.session, rules.Limits()
    data = (SEALED / body["file"]).read_bytes()
    report = drafts.begin_report(session, stage.challenge, member, given, at=at)
    upload = drafts.begin_upload(session, report, limits, body=True, length=len(data), by=member.account_id, at=at)
    session.commit()  # bytes come in transactions of their own
    course = intake.course(session, upload, keys.accepted_sets(session, at), limits)
    intake.receive(session, world.store, course, io.BytesIO(data), at=at)
    intake.complete(session, world.store, upload.id, at=at)
    report = session.get_one(Report, report.id)
    drafts.submit(session, report, world.signer, by=member.account_id, at=at + timedelta(minutes=1))
    return report


def step(world: World, report: Report, move: Move[ReportState], at: datetime, by: int, **outcome: Any) -> None:
    """One step of triage."""
    triage.move(world.session, report, move, rules.Outcome(**outcome), by=by, at=at)


class Fixing(NamedTuple):
    """A report whose fix waits for a release: by whom, since when, and how long after the release it is closed."""

    report: Report
    release: str
    by: int
    at: datetime
    wait: timedelta


def replay(world: World, stage: Stage, fact: SubmissionFact, body: dict[str, Any]) -> tuple[Report, Fixing | None]:
    """One submission of 2020 from its arrival to its end, or until its fix waits for a release."""
    member = world.random.choice(stage.participants[fact.participant - 1])
    received = noon(fact.received, stage.challenge.zone) + world.minutes(-360, 600)
    claimed = Severity(fact.severity or world.random.choice(("important", "moderate")))
    report = submit(world, stage, member, body, claimed, received)
    kernel.draw_up(world, fact, report, received + timedelta(minutes=3))
    triager = world.someone("triager")
    triage.assign(world.session, report, triager, by=triager, at=received + world.minutes(5, 40))
    acknowledged = received + world.minutes(45, 600)
    step(world, report, states.ACKNOWLEDGE, acknowledged, triager)
    reproducing = acknowledged + world.minutes(60, 2000)
    step(world, report, states.REPRODUCE, reproducing, triager)
    decided = reproducing + world.minutes(600, 8000)
    if fact.release is None:
        layer = world.random.choice(LAYERS)
        step(world, report, states.BY_DESIGN, decided, triager, mitigating_layer=layer)
        return report, None
    step(world, report, states.CONFIRM, decided, triager, severity=Severity(fact.severity or "low"))
    triage.assess(
        world.session, report, severity=report.severity,
        achieved_scenario_id=stage.scenarios[fact.scenario].id if fact.achieved else None,
        led_to_improvement=True, by=triager, at=decided,
    )  # fmt: skip
    kernel.decide(world, stage, fact, report, by=triager, at=decided)
    begun = decided + timedelta(hours=2)
    step(world, report, states.START_FIX, begun, triager)
    return report, Fixing(report, fact.release, triager, begun, world.minutes(60, 3000))
