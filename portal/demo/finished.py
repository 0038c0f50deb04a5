"""The challenge of 2020, from the first application to the published results."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from portal.applications.states import Decision
from portal.demo import (
    aftermath,
    applying,
    bench,
    choosing,
    disclosing,
    facts,
    office,
    reviewing,
    rewards,
    shipping,
    stages,
    stocking,
    submissions,
    triaging,
)
from portal.demo.applying import Entry
from portal.demo.people import Person, add_accounts, applicants, researchers
from portal.demo.world import Stage, World, noon
from portal.kits.vault import Vault
from portal.results import actions as results

Pair = tuple[int, Entry]
# The evenings on which decisions went out: applications were reviewed weekly.
WAVES = (
    datetime(2020, 5, 13, 23, tzinfo=UTC),
    datetime(2020, 5, 20, 23, tzinfo=UTC),
    datetime(2020, 5, 27, 23, tzinfo=UTC),
)
# The best are reviewed; one in so many is waitlisted or withdraws; a few of the invited say no.
REVIEWED, WAITLISTED, WITHDRAWN, TURNED_DOWN = 400, 90, 60, 6
SPARE_KITS = 17
# The number of the parcel that never arrives, and how long logistics wait before they give it up.
LOST, PATIENCE = 7, timedelta(days=21)
# How large a part of the participants wants to be named.
THANKED = 0.6


def replay(world: World, count: int, vault: Vault) -> Stage:
    """Build the finished challenge; the number is that of the applications that were not accepted."""
    stage = stages.set_stage(
        world, facts.FINISHED, "Azure Sphere Security Research Challenge", places=facts.PLANNED_PLACES,
        announced=facts.ANNOUNCED, apply=(facts.APPLY_FROM, facts.APPLY_UNTIL), course=(facts.STARTS, facts.ENDS),
    )  # fmt: skip
    groups = list(researchers(world.names))
    chosen, others = _apply(world, stage, groups, applicants(world.names, count))
    stocking.fill_shelves(world, stage, WAVES[0] - timedelta(days=2), len(groups) + SPARE_KITS)
    _select(world, stage, groups, chosen, others)
    world.session.commit()
    _equip(world, stage, vault)
    _research(world, stage)
    disclosing.prepare(world, stage)
    _publish(world, stage)
    aftermath.wind_up(world, stage, vault)
    world.session.commit()
    return stage


def _apply(
    world: World, stage: Stage, groups: Sequence[Sequence[Person]], people: Sequence[Person]
) -> tuple[list[Pair], list[Pair]]:
    """All applications: those that will be chosen, in the order of their groups, and the others."""
    everyone = [person for group in groups for person in group] + list(people)
    ids = add_accounts(world.session, everyone, world.random, facts.APPLY_FROM, world.password_hash)
    good = applying.entries(world, stage, groups, ids, (0.78, 1.0), facts.APPLY_UNTIL)
    rest = applying.entries(world, stage, [[person] for person in people], ids, (0.05, 0.85), facts.APPLY_UNTIL)
    made = sorted([*good, *rest], key=lambda entry: entry.submitted)
    numbers = applying.submit_all(world, stage.challenge, made)
    choosing.triage_all(world, stage.challenge, numbers, made)
    pairs = list(zip(numbers, made, strict=True))
    best = sorted(pairs, key=lambda pair: -pair[1].merit)[:REVIEWED]
    reviewing.review_all(
        world, stage.challenge, best, 3, timedelta(hours=30), until=facts.APPLY_UNTIL + timedelta(days=2)
    )  # fmt: skip
    of_handle = {entry.person.handle: (number, entry) for number, entry in pairs}
    chosen = [of_handle.pop(group[0].handle) for group in groups]
    return chosen, list(of_handle.values())


def _select(
    world: World, stage: Stage, groups: Sequence[Sequence[Person]], chosen: Sequence[Pair], others: Sequence[Pair]
) -> None:
    """Three weekly waves; the invited answer within days, and some of them with a no."""
    by_merit = sorted(others, key=lambda pair: -pair[1].merit)
    turned_down, rest = by_merit[:TURNED_DOWN], by_merit[TURNED_DOWN:]
    cut, end = max(2, len(rest) // WAITLISTED), len(rest) - max(2, len(rest) // WITHDRAWN)
    waiting, declined = rest[:cut], rest[cut:end]
    choosing.withdraw_some(world, stage.challenge, rest[end:])
    answers = {Decision.INVITE: [*chosen, *turned_down], Decision.DECLINE: declined, Decision.WAITLIST: waiting}
    stages.raise_places(world, stage.challenge, len(chosen), WAVES[1] - timedelta(days=1))
    for number, at in enumerate(WAVES):
        due = {kind: [pair[0] for pair in pairs if _wave_of(pair[1]) == number] for kind, pairs in answers.items()}
        due = {kind: numbers for kind, numbers in due.items() if numbers}
        if due:
            choosing.release(world, stage.challenge, due, at + timedelta(days=9), at)
    # The waiting list is not needed any more.
    last = WAVES[-1] + timedelta(days=8)
    choosing.release(world, stage.challenge, {Decision.DECLINE: [number for number, _ in waiting]}, None, last)
    _answer(world, stage, groups, chosen, turned_down)


def _wave_of(entry: Entry) -> int:
    """The wave that answers an application: the first one that begins a day after it was handed in."""
    in_time = [number for number, at in enumerate(WAVES) if entry.submitted < at - timedelta(days=1)]
    return in_time[0] if in_time else len(WAVES) - 1


def _answer(
    world: World, stage: Stage, groups: Sequence[Sequence[Person]], chosen: Sequence[Pair], turned_down: Sequence[Pair]
) -> None:
    for group, (number, entry) in zip(groups, chosen, strict=True):
        told = WAVES[_wave_of(entry)]
        stages.accept(world, stage, number, group, told + world.minutes(120, 4 * 24 * 60))
    for count, (number, _entry) in enumerate(turned_down):
        stages.turn_down(world, number, WAVES[-1] + timedelta(days=2 + count))


def _publish(world: World, stage: Stage) -> None:
    """The results, and the names of those who want to be thanked."""
    stages.whole(world, stage)
    for members in stage.participants:
        for member in members:
            if world.random.random() < THANKED:
                at = noon(facts.ENDS, facts.ZONE) + world.minutes(60, 20000)
                results.consent(world.session, member, member.account.name, at=at)
    disclosing.release(world, stage)


def _equip(world: World, stage: Stage, vault: Vault) -> None:
    """A parcel to every participant, and to one of them a second one: the first was lost on its way."""
    stages.whole(world, stage)
    start = noon(date(2020, 5, 29), facts.ZONE)
    bench.name_sender(world, stage, start - timedelta(days=14))
    end = noon(date(2020, 7, 10), facts.ZONE)
    shipping.ship(world, stage, stage.participants, start, lambda _number: end, vault, vanishes=LOST)
    shipping.replace_lost(world, stage, PATIENCE)
    world.session.commit()


def _research(world: World, stage: Stage) -> None:
    """Twelve weeks of office hours, forty submissions, sixteen awards."""
    stages.whole(world, stage)
    office.add_office_hours(
        world, stage, noon(facts.STARTS, facts.ZONE) - timedelta(hours=11), noon(facts.ENDS, facts.ZONE), eagerness=0.6
    )
    world.session.commit()
    stages.whole(world, stage)
    bodies = submissions.sealed_bodies()
    arrivals = sorted(zip(facts.SUBMISSIONS, bodies, strict=True), key=lambda pair: pair[0].received)
    planned = triaging.plan_releases(world, stage)
    replayed = [(fact, *submissions.replay(world, stage, fact, body)) for fact, body in arrivals]
    triaging.publish_releases(world, stage, planned, [fixing for _, _, fixing in replayed if fixing])
    rules = rewards.publish_rules(world, stage, noon(facts.STARTS, facts.ZONE))
    for fact, report, _ in replayed:
        if fact.quality is not None and fact.release is not None:
            rewards.award(world, stage, rules, report, fact)
    world.session.commit()
