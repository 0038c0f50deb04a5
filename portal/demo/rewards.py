"""Money of the demonstration: the bounty rules of 2020, and what they gave."""

from datetime import datetime, timedelta
from decimal import Decimal

from portal.awards import actions, queries, states
from portal.awards.models import Award, BountyRules
from portal.awards.rules import Table
from portal.awards.states import Quality, Reason
from portal.challenges.states import ScenarioKind
from portal.demo.facts import BASES, FIXED_AMOUNT, UPLIFTS, SubmissionFact
from portal.demo.world import Stage, World, noon
from portal.reports.actions import triage
from portal.reports.models import Report
from portal.reports.queries import reports
from portal.reports.states import Severity


def publish_rules(world: World, stage: Stage, at: datetime) -> BountyRules:
    """The bounty table with its uplifts, and the amount of the high-priority scenarios."""
    bases = {
        (Severity(severity), Quality(quality)): Decimal(amount)
        for severity, row in BASES.items()
        for quality, amount in row.items()
    }
    uplifts = {(ScenarioKind.GENERAL, Severity(severity)): percent for severity, percent in UPLIFTS.items()}
    high = [each for each in stage.scenarios.values() if each.kind is ScenarioKind.HIGH_PRIORITY]
    table = Table(bases, uplifts, fixed={scenario.id: Decimal(FIXED_AMOUNT) for scenario in high})
    return actions.publish_rules(world.session, stage.challenge, table, by=world.staff["lead"], at=at)


def award(world: World, stage: Stage, rules: BountyRules, report: Report, fact: SubmissionFact) -> Award:
    """Proposed some days after the report was confirmed, approved two days later, paid once the fix was out."""
    assert report.decided_at is not None
    assert report.fixed_on is not None
    proposer, approver = world.random.sample(("triager1", "triager2"), 2)
    proposed = report.decided_at + world.minutes(2 * 24 * 60, 4 * 24 * 60)
    made = _propose(world, report, Quality(fact.quality or "medium"), proposer, proposed)
    assert made.rules_id == rules.id
    approved = proposed + timedelta(days=2) + world.minutes(0, 300)
    actions.decide(world.session, made, states.APPROVE, by=world.staff[approver], at=approved)
    # Two weeks after the fix, but all was paid when the results came out.
    fixed = noon(report.fixed_on, stage.challenge.zone)
    paid = max(approved + timedelta(days=2), min(fixed + timedelta(days=14), _last_payday(stage)))
    _pay(world, made, paid)
    return made


def _pay(world: World, made: Award, at: datetime) -> None:
    """Finance sends the share of each member, and the bank confirms it a day later."""
    finance = world.staff["finance"]
    for payment in queries.of_thread(world.session, made.report_id, made.part):
        actions.step(world.session, payment, states.SEND, by=finance, at=at - timedelta(days=1))
        reference = f"PAY-2020-{payment.id:04}"
        actions.step(world.session, payment, states.PAY, reference=reference, by=finance, at=at)


def _last_payday(stage: Stage) -> datetime:
    """Five weeks after the last day of the challenge, the day before its results are released."""
    return noon(stage.challenge.ends_on + timedelta(days=35), stage.challenge.zone)


def propose_only(world: World, stage: Stage, rules: BountyRules, report: Report, *, approve: bool) -> Award:
    """An award that waits for a second person, or, approved, for finance."""
    at = _assess(world, report)
    made = _propose(world, report, Quality.MEDIUM, "triager1", at)
    assert made.rules_id == rules.id
    assert made.challenge_id == stage.challenge.id
    if approve:
        later = min(at + timedelta(hours=3), world.now)
        actions.decide(world.session, made, states.APPROVE, by=world.staff["triager2"], at=later)
    return made


def chain(world: World, stage: Stage, report: Report) -> None:
    """A team's chain: one link is at the bank, with a share that failed and a raise that waits; one was sent back."""
    session, (first, second) = world.session, (world.staff["triager1"], world.staff["triager2"])
    at = _assess(world, report)
    hours = iter(min(at + timedelta(hours=hour), world.now) for hour in range(1, 9))
    one = _propose(world, report, Quality.MEDIUM, "triager1", next(hours), part="link 1", reason=Reason.CHAIN)
    actions.decide(session, one, states.APPROVE, by=second, at=next(hours))
    finance = world.staff["finance"]
    actions.export(session, stage.challenge, by=finance, at=next(hours))
    known = next(hours)
    for number, payment in enumerate(queries.of_thread(session, report.id, one.part)):
        if number % 2:
            actions.step(session, payment, states.FAIL, reason="The bank knows no such account.", by=finance, at=known)
        else:
            actions.step(session, payment, states.PAY, reference=f"SEPA-{payment.id:05}", by=finance, at=known)
    two = _propose(world, report, Quality.LOW, "triager1", next(hours), part="link 4", reason=Reason.CHAIN)
    actions.decide(session, two, states.RETURN, reason="It is of medium quality, I think.", by=second, at=next(hours))
    wish = actions.Proposal(
        Quality.HIGH, part=one.part, because="It can be reached from outside as well.",
    )  # fmt: skip
    actions.propose(session, _whole(world, report), wish, by=first, at=next(hours))


def _assess(world: World, report: Report) -> datetime:
    """Say what the report achieves; when that was."""
    assert report.decided_at is not None
    at = min(report.decided_at + timedelta(minutes=30), world.now)
    triage.assess(
        world.session, report, severity=report.severity, achieved_scenario_id=report.scenario_id,
        led_to_improvement=True, by=world.staff["triager1"], at=at,
    )  # fmt: skip
    return at


def _whole(world: World, report: Report) -> Report:
    return reports.of_challenge(world.session, report.challenge_id, report.ref)


def _propose(
    world: World, report: Report, quality: Quality, proposer: str, at: datetime, part: str = "",
    reason: Reason = Reason.STANDARD,
) -> Award:  # fmt: skip
    wish = actions.Proposal(quality, reason, note="Reproduced from the report alone.", part=part)
    return actions.propose(world.session, _whole(world, report), wish, by=world.staff[proposer], at=at)
