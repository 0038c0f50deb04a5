"""Chains of the demonstration, what the team had known, and a case at a kernel's security team."""

import hashlib
from datetime import timedelta

from portal.challenges.models import Member
from portal.demo import kernel, submissions
from portal.demo.world import Stage, World
from portal.reports import commitments, rules, states
from portal.reports.actions import capabilities, known, links, upstream
from portal.reports.models import KnownIssue, Report
from portal.reports.queries import capabilities as listed
from portal.reports.queries import known as issues
from portal.reports.queries import links as chains
from portal.reports.queries import reports
from portal.reports.states import LinkKind, Severity

CODE, RIGHTS, SETTINGS = "code in an application", "more rights than the manifest gives", "changed settings"
CHAIN = (
    rules.LinkText("Into the application", LinkKind.ENTRY, None, CODE),
    rules.LinkText("A check that is left out", LinkKind.BYPASS, CODE, "a foot in a service"),
    rules.LinkText("From the service onwards", LinkKind.ELEVATION, "a foot in a service", RIGHTS),
    rules.LinkText("The kernel's part", LinkKind.ELEVATION, RIGHTS, SETTINGS),
)
BEFORE = (
    rules.LinkText("A service that trusts too much", LinkKind.BYPASS, CODE, "a foot in a service"),
    rules.LinkText("Rights of the service", LinkKind.ELEVATION, "a foot in a service", RIGHTS),
)
KNOWN = (
    "The diagnostic log keeps more of a request than it should.\n",
    "A device that is claimed twice answers the first owner for a minute longer.\n\n"
    "Found in our own review; planned for the release after next.\n",
    "The clock can be set back by an hour while there is no network.\n",
)


def singles(stage: Stage) -> list[Member]:
    """Those who take part alone."""
    return [members[0] for members in stage.participants if len(members) == 1]


def commit(world: World, stage: Stage) -> list[KnownIssue]:
    """Three issues, before the challenge began."""
    hashes = [commitments.commitment(stage.slug, _salt(text), text) for text in KNOWN]
    at = world.now - timedelta(days=48)
    by = world.staff["triager1"]
    return known.commit(world.session, stage.challenge, hashes, world.signer, by=by, at=at)


def list_capabilities(world: World, stage: Stage) -> None:
    """What reports may assume, on the first day."""
    at, by = world.now - timedelta(days=45), world.staff["triager1"]
    for code, words, scenario in (("APP-CODE", CODE, "G2"), ("RIGHTS", RIGHTS, "G3"), ("SETTINGS", SETTINGS, "G4")):
        found = stage.scenarios[scenario].id
        capabilities.add(world.session, stage.challenge, code, words, found, by=by, at=at)


def _salt(text: str) -> str:
    # Everybody has the demonstration's texts anyway, and the same seed makes the same demonstration.
    return hashlib.sha256(f"demonstration: {text}".encode()).hexdigest()


def earlier(world: World, stage: Stage, body: dict[str, str]) -> Report:
    """A report of two links, twelve days ago: what another team has twice later."""
    at, triager = world.now - timedelta(days=12), world.staff["triager2"]
    report = submissions.submit(world, stage, singles(stage)[0], body, Severity.IMPORTANT, at)
    links.add_links(world.session, report, BEFORE, by=report.submitted_by_id, at=at + timedelta(minutes=5))
    for hours, step in ((3, states.ACKNOWLEDGE), (9, states.REPRODUCE)):
        submissions.step(world, report, step, at + timedelta(hours=hours), triager)
    for number in (1, 2):
        _decide(world, report, number, rules.Verdict(severity=Severity.IMPORTANT), hours=30)
    capability = listed.one(world.session, stage.challenge.id, "RIGHTS")
    link = chains.numbered(world.session, report.id, 2)
    capabilities.give(world.session, report, link, capability, by=triager, at=at + timedelta(hours=30))
    submissions.step(world, report, states.CONFIRM, at + timedelta(hours=31), triager, severity=Severity.IMPORTANT)
    return report


def join(world: World, stage: Stage, body: dict[str, str], first: Report) -> Report:
    """Somebody else's report that assumes what the second link of `first` gives: a chain of two teams."""
    at, triager = world.now - timedelta(days=6), world.staff["triager2"]
    report = submissions.submit(world, stage, singles(stage)[2], body, Severity.IMPORTANT, at, assumes=RIGHTS)
    for hours, step in ((2, states.ACKNOWLEDGE), (7, states.REPRODUCE)):
        submissions.step(world, report, step, at + timedelta(hours=hours), triager)
    submissions.step(world, report, states.CONFIRM, at + timedelta(hours=40), triager, severity=Severity.IMPORTANT)
    capability = listed.one(world.session, stage.challenge.id, "RIGHTS")
    later = at + timedelta(hours=41)
    capabilities.assume(world.session, _whole(world, report), capability, by=triager, at=later)
    capabilities.join(world.session, first, _whole(world, report), capability, by=triager, at=later)
    return report


def _decide(world: World, report: Report, number: int, verdict: rules.Verdict, *, hours: int) -> None:
    assert report.received_at is not None
    step = states.DUPLICATE_LINK if verdict.duplicate_of else states.CONFIRM_LINK
    at, by = min(report.received_at + timedelta(hours=hours), world.now), world.staff["triager2"]
    link = chains.numbered(world.session, report.id, number)
    links.decide_link(world.session, _whole(world, report), link, step, verdict, by=by, at=at)


def _whole(world: World, report: Report) -> Report:
    return reports.of_challenge(world.session, report.challenge_id, report.ref)


def draw_up(world: World, report: Report) -> None:
    """The researcher names the links of a chain, and says that it may be passed on."""
    assert report.received_at is not None
    by, at = report.submitted_by_id, report.received_at + timedelta(minutes=5)
    links.add_links(world.session, report, CHAIN, by=by, at=at)
    upstream.say_passing_on(world.session, report, allowed=True, credit=report.submitted_by.name, by=by, at=at)


def decide(world: World, report: Report, first: Report) -> None:
    """Two links are good, two are another's."""
    assert report.severity is not None
    good = rules.Verdict(severity=report.severity)
    for number, verdict in enumerate((good, None, None, good), start=1):
        same = chains.numbered(world.session, first.id, number - 1) if verdict is None else None
        _decide(world, report, number, verdict or rules.Verdict(duplicate_of=(first, same)), hours=8)


def pass_on(world: World, stage: Stage, report: Report) -> None:
    """The last link is the kernel's: its team fixes it, and the embargo ends this week."""
    assert report.received_at is not None
    session, by, at = world.session, world.staff["triager1"], report.received_at + timedelta(hours=10)
    party = kernel.party(world, by=by, at=at)
    case = upstream.open_case(session, stage.challenge, party, "A part of the chain", by=by, at=at)
    upstream.add_subject(session, case, report, chains.numbered(session, report.id, 4), by=by, at=at)
    for hours, step in enumerate(states.UPSTREAM_MOVES[:3], start=1):
        upstream.step(session, case, step, by=by, at=at + timedelta(hours=20 * hours))
    until = (world.now + timedelta(days=5)).replace(hour=12, minute=0, second=0, microsecond=0)
    cve = f"CVE-{world.now.year}-99001"
    text = upstream.CaseText(
        case.title, "K-4711", (cve,), until, stage.challenge.zone, "https://kernel.example/advisories/K-4711"
    )
    upstream.write(session, case, text, by=by, at=at + timedelta(hours=61))
    upstream.remark(session, case, "A patch is in review.", heard=True, by=by, at=world.now - timedelta(days=2))
    upstream.tell(session, case, by=by, at=world.now - timedelta(hours=20))


def show_known(world: World, stage: Stage, body: dict[str, str]) -> Report:
    """A report of what the team had committed to: the text is shown to whoever sent it."""
    at, by = world.now - timedelta(hours=29), world.staff["triager1"]
    report = submissions.submit(world, stage, singles(stage)[1], body, Severity.MODERATE, at)
    submissions.step(world, report, states.ACKNOWLEDGE, at + timedelta(hours=2), by)
    issue = issues.numbered(world.session, stage.challenge.id, 2)
    later = at + timedelta(hours=6)
    known.reveal(world.session, issue, _salt(KNOWN[1]), KNOWN[1], by=by, at=later)
    known.settle(world.session, _whole(world, report), issue, by=by, at=later)
    return report
