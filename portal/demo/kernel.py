"""The most serious chain of 2020: three links, of which one was a zero-day of the Linux kernel, fixed upstream."""

from datetime import datetime, timedelta

from portal.demo.facts import KERNEL_CHAIN, SubmissionFact
from portal.demo.world import Stage, World
from portal.reports import rules, states
from portal.reports.actions import links, upstream
from portal.reports.models import Report, UpstreamParty
from portal.reports.queries import links as chains
from portal.reports.queries import reports
from portal.reports.queries import upstream as cases
from portal.reports.states import LinkKind, LinkState

CODE, RIGHTS, KERNEL = "unsigned code in an application", "rights of the application manager", "code in the kernel"
LINKS = (
    rules.LinkText("Code that nobody signed", LinkKind.ENTRY, None, CODE),
    rules.LinkText("Groups that stay with an application", LinkKind.ELEVATION, CODE, RIGHTS),
    rules.LinkText("The kernel's part", LinkKind.ELEVATION, RIGHTS, KERNEL),
)
PARTY = ("Kernel security team", "security@kernel.example", "https://kernel.example/security")
# Hours after triage had confirmed it: they acknowledge, begin, and have fixed it.
ANSWERS = (26, 50, 12 * 24)


def draw_up(world: World, fact: SubmissionFact, report: Report, at: datetime) -> None:
    """The researcher names the links, and says that it may be passed on."""
    if fact is KERNEL_CHAIN:
        by = report.submitted_by_id
        links.add_links(world.session, report, LINKS, by=by, at=at)
        upstream.say_passing_on(world.session, report, allowed=True, credit=report.submitted_by.name, by=by, at=at)


def decide(world: World, stage: Stage, fact: SubmissionFact, report: Report, *, by: int, at: datetime) -> None:
    """Every link is good; the kernel's own team is told of theirs, and fixes it."""
    if fact is not KERNEL_CHAIN:
        return
    assert report.severity is not None
    whole = _whole(world, report)
    for link in chains.of_report(world.session, report.id):
        verdict = rules.Verdict(severity=report.severity)
        links.decide_link(world.session, whole, link, states.CONFIRM_LINK, verdict, by=by, at=at)
    _pass_on(world, stage, report, by=by, at=at + timedelta(hours=1))


def _pass_on(world: World, stage: Stage, report: Report, *, by: int, at: datetime) -> None:
    session = world.session
    case = upstream.open_case(session, stage.challenge, party(world, by=by, at=at), "A part of the chain", by=by, at=at)
    upstream.add_subject(session, case, report, chains.numbered(session, report.id, 3), by=by, at=at)
    report_it, acknowledge, fixing, fixed, _ = states.UPSTREAM_MOVES
    upstream.step(session, case, report_it, by=by, at=at)
    upstream.tell(session, case, by=by, at=at)
    for move, hours in zip((acknowledge, fixing), ANSWERS, strict=False):
        upstream.step(session, case, move, by=by, at=at + timedelta(hours=hours))
    end = at + timedelta(hours=ANSWERS[-1])
    text = upstream.CaseText(case.title, "K-2020-17", ("CVE-2020-99001",), None, None)
    upstream.write(session, case, text, by=by, at=end)
    upstream.step(session, case, fixed, fixed_in="their stable branches", by=by, at=end)


def party(world: World, *, by: int, at: datetime) -> UpstreamParty:
    """The kernel's security team, which both challenges know."""
    known = [each for each in cases.parties(world.session) if each.name == PARTY[0]]
    return known[0] if known else upstream.add_party(world.session, *PARTY, by=by, at=at)


def fix_links(world: World, report: Report, release: str, *, by: int, at: datetime) -> None:
    """What was confirmed of a chain is fixed with the release that fixes the report."""
    for link in chains.of_report(world.session, report.id):
        if link.state is LinkState.CONFIRMED:
            verdict = rules.Verdict(fixed_release=release, fixed_on=report.fixed_on)
            links.decide_link(world.session, _whole(world, report), link, states.FIX_LINK, verdict, by=by, at=at)


def _whole(world: World, report: Report) -> Report:
    return reports.of_challenge(world.session, report.challenge_id, report.ref)
