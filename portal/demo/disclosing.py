"""How what was found in the demonstration becomes public: dates, publications, advisories, and the release itself."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from portal.challenges.actions import resources
from portal.challenges.actions.resources import Release
from portal.challenges.models import Build, Member
from portal.challenges.queries.resources import builds
from portal.demo import facts
from portal.demo.world import Stage, World, noon
from portal.reports import states
from portal.reports.actions import advisories, disclosing, publications
from portal.reports.actions.advisories import Particulars, Words
from portal.reports.actions.disclosing import Date
from portal.reports.actions.publications import Link, Thanks
from portal.reports.models import Advisory, Report
from portal.reports.queries import advisories as written
from portal.reports.queries import disclosing as dates
from portal.reports.queries import reports
from portal.reports.states import Credit, PublicationKind, ReportState, Side
from portal.results import actions as results
from portal.results.queries import release_of

DAY = timedelta(days=1)
BUILDS = {"20.05": date(2020, 5, 27), "20.06": date(2020, 6, 24), **facts.RELEASES}
VENDOR, PRODUCT = "Demonstration Systems", "Secured device OS"
SCORES = (
    "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:C/C:H/I:H/A:H",
    "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N",
)  # fmt: skip
# The weakness of each flaw, what it is called, and what it is.
FLAWS = (
    ("CWE-863", "Rights are kept that should have ended",
     "Groups that an application was given before stay with it when the manager starts again."),
    ("CWE-59", "A link is followed with the rights of a service",
     "A service writes into a folder of the application and follows a link that the application has put there."),
    ("CWE-787", "A message can be longer than the room for it",
     "A local service trusts the length that a message gives for itself, and writes past the end of its buffer."),
)  # fmt: skip
DETAILS = """## What can happen

An application gets rights that its manifest does not give it. It has to run on the device already.

## What to do

Devices that are online have the fix by now. Others take it as soon as they are connected.
"""


def prepare(world: World, stage: Stage) -> None:
    """Before the results of 2020 are out: dates are agreed, advisories written, write-ups handed in."""
    kept = _builds(world, stage)
    team, second = stage.participants[0], stage.participants[1]
    theirs, others = _fixed(world, stage, team), _fixed(world, stage, second)
    for report in theirs[:4]:
        _agree(world, report, team[0], facts.RELEASED, counter=report is theirs[0])
    _agree(world, others[0], second[0], facts.RELEASED + 3 * DAY)
    _thanks(world, theirs[:4], team)
    _thanks(world, others[:1], second)
    chain = _advisory(world, stage, "Applications gain rights of the application manager", theirs[1:4], kept, 0)
    single = _advisory(world, stage, "Applications can write to their own code", others[:1], kept, 1)
    plain = _advisory(world, stage, "Debug rights of one device accepted by another", theirs[:1], kept, None)
    for advisory in (chain, single, plain):
        _publish(world, stage, advisory, facts.RELEASED - 2 * DAY)
    _write_up(world, stage, team[0], "Three links to the application manager", PublicationKind.POST,
              "https://kestrel.example/azure-chain", theirs[1:4])  # fmt: skip
    _write_up(world, stage, second[0], "Unsigned code on a locked device", PublicationKind.TALK,
              "https://conference.example/2020/unsigned-code", others[:1])  # fmt: skip


def release(world: World, stage: Stage) -> None:
    """One proposes the hour, another confirms it."""
    session, at = world.session, facts.RELEASED - 5 * DAY
    hour = results.Hour(facts.RELEASED, facts.ZONE)
    results.propose_release(session, stage.challenge, hour, by=world.staff["lead"], at=at)
    found = release_of(session, stage.challenge.id)
    results.confirm_release(session, stage.challenge, found, by=world.staff["admin"], at=at + DAY)
    for report_date in dates.due(session, facts.RELEASED + 4 * DAY):
        assert report_date.embargo_until is not None
        disclosing.publish(session, report_date, at=report_date.embargo_until + timedelta(minutes=1))
    _revise(world, stage)


def _revise(world: World, stage: Stage) -> None:
    """A fortnight later one advisory says more."""
    at, by = facts.RELEASED + 14 * DAY, world.staff["triager2"]
    found = written.of_challenge(world.session, stage.challenge.id)[-1]
    advisories.move(world.session, stage.challenge, found, states.REVISE, by=by, at=at)
    words = Words(
        found.title, found.summary, DETAILS + "\nDevices that never connect can be updated from a PC.\n",
        found.vendor, found.product, "How to update devices that are never online.",
    )  # fmt: skip
    advisories.write(world.session, stage.challenge, found, words, by=by, at=at)
    advisories.move(world.session, stage.challenge, found, states.READY, by=by, at=at)
    found = written.one(world.session, stage.challenge.id, found.id)
    advisories.move(world.session, stage.challenge, found, states.PUBLISH, by=world.staff["triager1"], at=at + DAY)


def _builds(world: World, stage: Stage) -> dict[str, Build]:
    """The releases of 2020, those that are not there yet."""
    found = {each.name: each for each in builds(world.session, stage.challenge.id)}
    for name, day in BUILDS.items():
        if name not in found:
            at = noon(day, facts.ZONE)
            found[name] = resources.add_build(
                world.session, stage.challenge, Release(name, day, "Monthly release."), by=world.staff["lead"], at=at
            )
    return found


def _fixed(world: World, stage: Stage, members: Sequence[Member]) -> list[Report]:
    """A participant's reports that are fixed, in the order of their arrival."""
    found = reports.of_participant(world.session, members[0].participant_id)
    fixed = [each for each in found if each.state in states.FIXED_OR_CLOSED]
    return [reports.draft(world.session, each.id) for each in reversed(fixed)]


def _agree(
    world: World, report: Report, member: Member, instant: datetime, *, counter: bool = False,
    asked: datetime | None = None,
) -> None:  # fmt: skip
    """The researcher asks, and the team says yes; or asks for another hour, to which the researcher says yes."""
    session, team = world.session, world.staff["triager1"]
    at = asked or noon(date(2020, 9, 14), facts.ZONE)
    wish = Date(instant - 7 * DAY if counter else instant, member.account.zone, "When our write-up is ready.")
    proposal = disclosing.propose(session, report, wish, Side.RESEARCHER, by=member.account_id, at=at)
    if not counter:
        disclosing.accept(session, report, proposal, Side.TEAM, without_fix=False, by=team, at=at + 2 * DAY)
        return
    better = Date(instant, facts.ZONE, "Together with the results, please.")
    proposal = disclosing.propose(session, report, better, Side.TEAM, by=team, at=at + DAY)
    disclosing.accept(
        session, report, proposal, Side.RESEARCHER, without_fix=False, by=member.account_id, at=at + 3 * DAY
    )


def _thanks(world: World, found: Sequence[Report], members: Sequence[Member]) -> None:
    """All but one of a team want to be named, one by no name."""
    at = noon(date(2020, 9, 20), facts.ZONE)
    for report in found:
        for number, member in enumerate(members[:3]):
            named = Thanks(Credit.NAMED, member.account.name, None if number else "https://kestrel.example/")
            publications.thank(world.session, report, member, named if number < 2 else Thanks(Credit.ANONYMOUS), at=at)


def _advisory(
    world: World, stage: Stage, title: str, covered: Sequence[Report], kept: dict[str, Build], cves: int | None
) -> Advisory:
    session, by, at = world.session, world.staff["triager1"], noon(date(2020, 9, 30), facts.ZONE)
    words = Words(
        title, "An application can do what its manifest does not allow. It is fixed for all devices that are online.",
        DETAILS, VENDOR, PRODUCT,
    )  # fmt: skip
    made = advisories.begin(session, stage.challenge, words, "PORTAL", by=by, at=at)
    made = written.one(session, stage.challenge.id, made.id)
    for number, report in enumerate(covered):
        cwe, name, what = FLAWS[number]
        cve = None if cves is None else f"CVE-2020-9990{3 * cves + number}"
        before = [each.id for name, each in kept.items() if name < (report.fixed_release or "")]
        given = Particulars(
            name, what, cve, cwe, SCORES[number], tuple(before), (kept[report.fixed_release or "20.09"].id,),
        )  # fmt: skip
        advisories.cover(session, stage.challenge, made, report.id, given, by=by, at=at)
        made = written.one(session, stage.challenge.id, made.id)
    advisories.move(session, stage.challenge, made, states.READY, by=by, at=at + timedelta(hours=1))
    return made


def _publish(world: World, stage: Stage, advisory: Advisory, at: datetime) -> None:
    found = written.one(world.session, stage.challenge.id, advisory.id)
    advisories.move(world.session, stage.challenge, found, states.PUBLISH, by=world.staff["triager2"], at=at)


def _write_up(
    world: World, stage: Stage, member: Member, title: str, kind: PublicationKind, url: str, about: Sequence[Report]
) -> None:
    day, session = facts.RELEASED.date(), world.session
    link = Link(title, url, kind, day, tuple(each.id for each in about))
    at = datetime(2020, 10, 1, 12, tzinfo=UTC)
    made = publications.submit(
        session, stage.challenge, link, participant_id=member.participant_id, by=member.account_id, at=at
    )
    publications.decide(session, stage.challenge, made, states.LIST, "", by=world.staff["triager1"], at=at + DAY)


def go_on(world: World, stage: Stage) -> None:
    """The running challenge: a date that waits for the team, an hour under embargo, a draft, something to look at."""
    session, now = world.session, world.now
    leads = {members[0].participant_id: members[0] for members in stage.participants}
    found = [reports.draft(session, each.id) for each in reports.submitted(session, stage.challenge.id)]
    decided = [each for each in found if each.state is ReportState.BY_DESIGN]
    for report in decided[:1]:
        hour = (now + 20 * DAY).replace(hour=16, minute=0, second=0, microsecond=0)
        _agree(world, report, leads[report.participant_id], hour, asked=now - 3 * DAY)
    for report in [each for each in found if each.state is ReportState.FIXED][:1]:
        member = leads[report.participant_id]
        hour = (now + 34 * DAY).replace(hour=17, minute=0, second=0, microsecond=0)
        wish = Date(hour, member.account.zone, "Our talk is two days later.")
        disclosing.propose(session, report, wish, Side.RESEARCHER, by=member.account_id, at=now - timedelta(hours=7))
        link = Link("Talk: what a device trusts", "https://conference.example/trust", PublicationKind.TALK,
                    (now + 36 * DAY).date(), (report.id,))  # fmt: skip
        publications.submit(
            session, stage.challenge, link, participant_id=member.participant_id, by=member.account_id,
            at=now - timedelta(hours=6),
        )  # fmt: skip
        words = Words("Rights that survive a restart", "An application keeps rights that it had before.", DETAILS,
                      VENDOR, PRODUCT)  # fmt: skip
        advisories.begin(session, stage.challenge, words, "PORTAL", by=world.staff["triager1"], at=now - DAY / 8)
    session.commit()
