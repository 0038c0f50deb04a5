"""A challenge whose middle is today: something to do for every role."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from portal.accounts.models import Account
from portal.applications.long import compare_challenge
from portal.applications.models import Application
from portal.applications.states import Decision
from portal.core.outbox import TRIES, MailState, OutgoingMail
from portal.demo import (
    aftermath,
    applying,
    asking,
    bench,
    carriers,
    chains,
    choosing,
    disclosing,
    drafting,
    draws,
    facts,
    joining,
    keeping,
    library,
    office,
    policing,
    reviewing,
    rewards,
    shipping,
    stages,
    stocking,
    submissions,
    talking,
    tracking,
    triaging,
    writing,
)
from portal.demo.applying import Entry
from portal.demo.people import DOMAIN, Person, researchers
from portal.demo.world import Stage, World
from portal.kits.vault import Vault
from portal.reports import states
from portal.reports.models import Report
from portal.reports.states import Severity

Pair = tuple[int, Entry]
HALF = timedelta(days=45)
# How many of 2020's participants take part again, and how many of them got their kits already.
PARTICIPANTS, EQUIPPED = 26, 15
INVITED, WAITLISTED, PENDING, DRAFTS, TODAY = 5, 6, 24, 12, 9
# However few there are, so many have been reviewed and have no answer yet.
UNANSWERED = 4
# Kits beyond those of the participants: for open invitations, for those that are meant, and some to replace others.
SPARE_KITS = 20
# What the what-ifs of the lead give away: about as many as are free.
PLACES_TO_TRY = 9
STAGES_OF_TRIAGE = (
    "received", "received", "received", "acknowledged", "acknowledged", "reproducing", "reproducing", "needs_info",
    "confirmed", "fixing", "fixed", "by_design", "by_design",
)  # fmt: skip


def run(world: World, count: int, vault: Vault) -> Stage:
    """Build the running challenge with about so many applications."""
    today = world.now.date()
    apply = (world.now - HALF - timedelta(days=21), world.now + timedelta(days=10))
    stage = stages.set_stage(
        world, facts.RUNNING, "Device Security Research Challenge", places=40,
        announced=(world.now - HALF - timedelta(days=21)).date(), apply=apply,
        course=(today - HALF, today + HALF),
    )  # fmt: skip
    applying.ask(world, stage.challenge)
    groups = list(researchers(world.names))[:PARTICIPANTS]
    _choose(world, stage, _people(world, groups), count)
    drafting.try_out(world, stage.challenge, PLACES_TO_TRY)
    world.session.commit()
    compare_challenge(world.session, stage.challenge.id, world.now)
    applying.bring_file(world, stage.challenge)
    _equip(world, stage, vault)
    asking.give_certificates(world)
    _meet(world, stage)
    stages.whole(world, stage)
    library.furnish(world, stage)
    world.session.commit()
    _report(world, stage)
    writing.converse(world, stage)
    disclosing.go_on(world, stage)
    asking.prepare(world, stage, vault)
    stages.whole(world, stage)
    talking.talk(world, stage)
    joining.spoil_one(world, stage, joining.publish_second(world))
    world.session.commit()
    return stage


def _people(world: World, groups: Sequence[Sequence[Person]]) -> list[list[Person]]:
    """The same persons as in 2020, under the names that they have by now."""
    rows = world.session.execute(sa.select(Account.email, Account.name).where(Account.email.endswith(f"@{DOMAIN}")))
    names = dict(rows.all())
    return [[Person(each.handle, names[each.email], each.country) for each in group] for group in groups]


def _choose(world: World, stage: Stage, groups: list[list[Person]], count: int) -> None:
    """A first wave long ago, a second whose invitations wait for answers, and new applications every day."""
    others = [group for group in _applicants(world) if group][:count]
    rows = world.session.execute(sa.select(Account.email, Account.id))
    ids = {email.partition("@")[0]: number for email, number in rows}
    first = world.now - HALF
    stocking.fill_shelves(world, stage, first - timedelta(days=2), PARTICIPANTS + SPARE_KITS)
    good = applying.entries(world, stage, groups, ids, (0.78, 1.0), first - timedelta(days=2))
    late, early = others[: count * 2 // 3], others[count * 2 // 3 :]
    rest = applying.entries(world, stage, early, ids, (0.05, 0.85), first - timedelta(days=2))
    numbers = applying.submit_all(world, stage.challenge, [*good, *rest])
    pairs = list(zip(numbers, [*good, *rest], strict=True))
    choosing.triage_all(world, stage.challenge, numbers, [*good, *rest])
    of_handle = {entry.person.handle: number for number, entry in pairs}
    chosen = [of_handle[group[0].handle] for group in groups]
    declined = [number for number, entry in pairs[len(good) :] if entry.merit < 0.6]
    choosing.release(
        world, stage.challenge, {Decision.INVITE: chosen, Decision.DECLINE: declined},
        first + timedelta(days=7), first,
    )  # fmt: skip
    for group, number in zip(groups, chosen, strict=True):
        stages.accept(world, stage, number, group, first + world.minutes(60, 5000))
    _go_on(world, stage, late, ids)


def _applicants(world: World) -> list[list[Person]]:
    rows = world.session.execute(
        sa.select(Account.email, Account.name, Application.country)
        .join(Application, Application.account_id == Account.id)
        .where(Account.email.startswith("applicant"))
        .order_by(Account.id)
    )
    return [[Person(email.partition("@")[0], name, country)] for email, name, country in rows]


def _go_on(world: World, stage: Stage, late: list[list[Person]], ids: dict[str, int]) -> None:
    """What lies on the team's desks today."""
    drafts, fresh, late = late[:DRAFTS], late[DRAFTS : DRAFTS + TODAY], late[DRAFTS + TODAY :]
    waiting = applying.entries(world, stage, late, ids, (0.1, 0.95), world.now - timedelta(days=1))
    waiting = applying.echoed(waiting)
    numbers = applying.submit_all(world, stage.challenge, waiting)
    pairs = sorted(zip(numbers, waiting, strict=True), key=lambda pair: -pair[1].merit)
    seen = pairs[: len(pairs) * 2 // 3]
    choosing.triage_all(world, stage.challenge, [number for number, _ in seen], [entry for _, entry in seen])
    last = INVITED + min(WAITLISTED, max(0, len(seen) - INVITED) // 4)
    read = seen[: max(len(seen) // 2, last + UNANSWERED)]
    reviewing.review_all(
        world, stage.challenge, read, 2, timedelta(hours=20), until=world.now + timedelta(days=2), unwritten=0.12
    )  # fmt: skip
    invited, waitlisted, undecided = seen[:INVITED], seen[INVITED:last], seen[last:]
    answers = {Decision.INVITE: invited, Decision.WAITLIST: waitlisted}
    choosing.release(
        world, stage.challenge, {decision: [number for number, _ in part] for decision, part in answers.items()},
        world.now + timedelta(days=4), world.now - timedelta(days=3),
    )  # fmt: skip
    _bounce(world, invited[-1][1])
    choosing.think(world, stage.challenge, undecided, PENDING)
    today = applying.entries(world, stage, fresh, ids, (0.2, 0.9), world.now)
    arrived = [applying.shifted(entry, world.now - world.minutes(5, 600)) for entry in today]
    applying.submit_all(world, stage.challenge, arrived)
    applying.begin_drafts(world, stage.challenge, applying.entries(world, stage, drafts, ids, (0.2, 0.9), world.now))
    keeping.keep(world, stage.challenge)


def _bounce(world: World, entry: Entry) -> None:
    """One invitation never arrived: an admin finds it among the dead letters."""
    gone = {"state": MailState.FAILED, "tries": TRIES, "sent_at": None, "error": "550 5.1.1 The mailbox is not there."}
    last = sa.select(sa.func.max(OutgoingMail.id)).where(OutgoingMail.to == entry.person.email).scalar_subquery()
    world.session.execute(sa.update(OutgoingMail).where(OutgoingMail.id == last).values(**gone))


def _equip(world: World, stage: Stage, vault: Vault) -> None:
    """Most have their kits; the others' parcels are somewhere between the form and the door."""
    stages.whole(world, stage)
    equipped, waiting = stage.participants[:EQUIPPED], stage.participants[EQUIPPED:]
    first = world.now - timedelta(days=33)
    shipping.ship(world, stage, equipped, first, lambda _number: world.now, vault)
    recent = world.now - timedelta(days=9)
    shipping.ship(world, stage, waiting, recent, lambda n: recent + timedelta(hours=8 + 17 * n), vault)
    bench.name_sender(world, stage, first)
    bench.lay_out(world, stage, world.now - timedelta(hours=4))
    carriers.wait_for_labels(world, stage, vault)
    aftermath.go_on(world, stage, vault)
    world.session.commit()
    tracking.follow_parcels(world)
    policing.watch(world, stage, vault)


def _meet(world: World, stage: Stage) -> None:
    """Office hours from three weeks ago to four weeks ahead."""
    stages.whole(world, stage)
    monday = world.now - timedelta(days=21 + world.now.weekday())
    office.add_office_hours(world, stage, monday, world.now + timedelta(days=28), eagerness=0.5)
    draws.draw_seats(world, stage)
    world.session.commit()


def _report(world: World, stage: Stage) -> None:
    """Reports in every state of triage, and awards that wait for somebody."""
    stages.whole(world, stage)
    bodies = submissions.sealed_bodies()
    rules = rewards.publish_rules(world, stage, world.now - HALF)
    awarded: list[tuple[Report, str]] = []
    triaging.set_clocks(world, stage)
    sent: list[tuple[Report, str]] = []
    chains.commit(world, stage)
    chains.list_capabilities(world, stage)
    first = chains.earlier(world, stage, bodies[5])
    for number, reached in enumerate(STAGES_OF_TRIAGE):
        member = world.random.choice(stage.participants)[0]
        if reached == "fixed":
            member = next(members[0] for members in stage.participants if len(members) > 1)
        age = timedelta(hours=3 + 20 * number) if number > 2 else timedelta(hours=5 + 11 * number)
        severity = Severity.IMPORTANT if number % 2 else Severity.CRITICAL
        report = submissions.submit(world, stage, member, bodies[number], severity, world.now - age)
        if reached == "fixed":
            chains.draw_up(world, report)
        _triage(world, report, reached, severity, world.now - age)
        sent.append((report, reached))
        if reached in ("confirmed", "fixing"):
            awarded.append((report, reached))
        elif reached == "fixed":
            chains.decide(world, report, first)
            chains.pass_on(world, stage, report)
            # First, so that what is approved after its file for the bank is due.
            triaging.publish_small(world, stage, report)
            rewards.chain(world, stage, report)
    triaging.appeal(world, sent[-1][0])
    triaging.go_on(world, stage, sent)
    for report, reached in awarded:
        rewards.propose_only(world, stage, rules, report, approve=reached == "fixing")
    chains.show_known(world, stage, bodies[35])


def _triage(world: World, report: Report, reached: str, severity: Severity, at: Any) -> None:
    """Step by step as far as it is to get."""
    triager = world.staff["triager1"]
    steps: list[tuple[str, Any, dict[str, Any]]] = [
        ("acknowledged", states.ACKNOWLEDGE, {}),
        ("reproducing", states.REPRODUCE, {}),
        ("needs_info", states.ASK, {"message": "Which build of the sample application did you use?"}),
        ("by_design", states.BY_DESIGN, {"mitigating_layer": facts.LAYERS[1]}),
        ("confirmed", states.CONFIRM, {"severity": severity}),
        ("fixing", states.START_FIX, {}),
    ]
    if reached == "received":
        return
    for name, move, outcome in steps:
        if name in ("needs_info", "by_design") and name != reached:
            continue
        at += timedelta(minutes=47)
        submissions.step(world, report, move, at, triager, **outcome)
        if name == reached:
            return
