"""Chains: when links are drawn up and decided, how the whole and its links agree, and who can have been first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.challenges.models import Challenge
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move
from portal.reports import states
from portal.reports.commitments import Listed
from portal.reports.models import KnownIssue, Report, ReportLink
from portal.reports.states import LinkKind, LinkState, ReportState, Severity

MOST_LINKS = 12
# Ends of a whole report that say that nothing of it is new and good.
_NOTHING_GOOD = frozenset(
    {ReportState.DUPLICATE, ReportState.BY_DESIGN, ReportState.NOT_REPRODUCIBLE, ReportState.OUT_OF_SCOPE}
)
_NEEDED = {
    "severity": "Choose the severity.",
    "fixed_release": "Name the release.",
    "fixed_on": "Say on which day it was released.",
    "duplicate_of": "Name the report that was first, with its link if there is one: R-0007 or R-0007/2.",
    "known_issue": "Choose the known issue. Reveal it first.",
    "mitigating_layer": "Name the layer that mitigates it.",
    "message": "Say what the researcher should know. It is sent in clear: no details.",
}


@dataclass(frozen=True, slots=True)
class LinkText:
    """What is written of a link, all of it in clear."""

    title: str
    kind: LinkKind = LinkKind.OTHER
    assumes: str | None = None
    gives: str | None = None


class Verdict(NamedTuple):
    """What a triager says with a decision on a link; each needs some of it."""

    message: str | None = None
    severity: Severity | None = None
    achieved_scenario_id: int | None = None
    mitigating_layer: str | None = None
    duplicate_of: tuple[Report, ReportLink | None] | None = None
    known_issue: KnownIssue | None = None
    fixed_release: str | None = None
    fixed_on: date | None = None


def check_drawn_up(report: Report, count: int = 0) -> None:
    """Whether the chain may still be changed, and has room for so many links. Raises Refused."""
    if report.state not in states.DRAWN_UP:
        raise Refused(f"The chain is not changed any more: the report is {words(report.state)}.")
    if count > MOST_LINKS:
        raise Refused(f"A chain has at most {MOST_LINKS} links. Several small ones may be one.")


def check_editable(link: ReportLink) -> None:
    """Whether the words of a link may be changed. Raises Refused."""
    if link.state is not LinkState.OPEN:
        raise Refused(f"{link.label.capitalize()} is {words(link.state)}. Have it decided anew first.")


def missing(step: Move[LinkState], verdict: Verdict) -> dict[str, str]:
    """What a decision lacks, by the names of the fields."""
    return {name: _NEEDED[name] for name in step.needs if getattr(verdict, name) in (None, "")}


def against_link(report: Report, step: Move[LinkState], link: ReportLink, links: Sequence[ReportLink]) -> str:
    """Why a link is not decided so while its report and the other links are as they are; empty where it may be."""
    if report.state not in states.LINKS_DECIDED:
        return f"Links are not decided while the report is {words(report.state)}."
    if step is states.FIX_LINK or report.state in (
        ReportState.ACKNOWLEDGED, ReportState.REPRODUCING, ReportState.NEEDS_INFO,
    ):  # fmt: skip
        return ""
    others = [other for other in links if other.id != link.id and other.state in states.GOOD_LINKS]
    if link.state in states.GOOD_LINKS and not others:
        return (
            f"The report is {words(report.state)}, and {link.label} is all of it that is confirmed. "
            "Confirm another link first."
        )
    return ""


def check_link_step(report: Report, step: Move[LinkState], link: ReportLink, links: Sequence[ReportLink]) -> None:
    """Whether a link may be decided so. Raises Refused."""
    if why := against_link(report, step, link, links):
        raise Refused(why)


def values_of(step: Move[LinkState], verdict: Verdict) -> dict[str, object]:
    """The columns that change with a decision. Raises Invalid where something that it needs is missing."""
    lacking = missing(step, verdict)
    if lacking:
        raise Invalid(lacking)
    first, link = verdict.duplicate_of or (None, None)
    confirms = step is states.CONFIRM_LINK
    values: dict[str, object] = {
        "severity": verdict.severity if confirms else None,
        "achieved_scenario_id": verdict.achieved_scenario_id if confirms else None,
        "duplicate_of_id": first.id if first and step is states.DUPLICATE_LINK else None,
        "duplicate_link_id": link.id if link and step is states.DUPLICATE_LINK else None,
        "known_issue_id": verdict.known_issue.id if verdict.known_issue and step is states.KNOWN_LINK else None,
        "mitigating_layer": verdict.mitigating_layer if step is states.BY_DESIGN_LINK else None,
        "fixed_release": None,
        "fixed_on": None,
    }
    if step is states.FIX_LINK:
        # What was confirmed stays as it is.
        return {"fixed_release": verdict.fixed_release, "fixed_on": verdict.fixed_on}
    return values


def against_whole(step: Move[ReportState], links: Sequence[ReportLink]) -> str:
    """Why a step of the whole report does not agree with what was decided on its links; empty where it does."""
    good = [link for link in links if link.state in states.GOOD_LINKS]
    undecided = [link for link in links if link.state is LinkState.OPEN]
    if step.target in _NOTHING_GOOD and good:
        return (
            f"{named(good).capitalize()} {_is(good)} confirmed, so the report as a whole is not "
            f"{words(step.target)}. Confirm the report; the other links keep what was decided on each."
        )
    if step is states.CONFIRM and links and not good and not undecided:
        return "No link of it is confirmed. Decide one of them anew, or end the report as what its links are."
    if step.target is ReportState.CLOSED and undecided:
        return f"{named(undecided).capitalize()} {_is(undecided)} not decided yet."
    return ""


def check_whole(step: Move[ReportState], links: Sequence[ReportLink]) -> None:
    """Whether a step of the whole report agrees with its links. Raises Refused."""
    if why := against_whole(step, links):
        raise Refused(why)


def check_first(report: Report, first: Report, *, excepted: bool) -> None:
    """Whether a report can be a duplicate of another. Raises Refused."""
    if first.id == report.id:
        raise Refused("A report cannot be a duplicate of itself, nor of one that is a duplicate of it.")
    if first.challenge_id != report.challenge_id:
        raise Refused("The other report belongs to another challenge.")
    if first.state in states.FALLEN:
        raise Refused(f"{first.ref} is {words(first.state)}: nothing can be a duplicate of it.")
    if not excepted and arrival(first) > arrival(report):
        raise Refused(
            f"{first.ref} arrived later than {report.ref}, so it was not first. A lead may allow it, with a reason."
        )


def proves(report: Report, issue: KnownIssue, listed: Listed | None) -> bool:
    """Whether the team had committed to an issue before a report arrived, by their times and by the report's receipt.

    `listed` is how far the list went by that receipt; None where it is an old one, which does not say.
    """
    early = report.received_at is not None and issue.committed_at < report.received_at
    return early and (listed is None or issue.number <= listed.number)


def check_known(report: Report, issue: KnownIssue, listed: Listed | None) -> None:
    """Whether a commitment proves that the team knew before the report arrived. Raises Refused."""
    if issue.text is None:
        raise Refused(f"{issue.reference} is not revealed. Run: portal-triage known reveal {issue.number}")
    if not proves(report, issue, listed):
        raise Refused(f"{issue.reference} was committed after {report.ref} had arrived: it proves nothing about it.")


def after_start(challenge: Challenge, at: datetime) -> bool:
    """Whether something was committed to only after the challenge had begun, by the days of its zone."""
    return at.astimezone(ZoneInfo(challenge.zone)).date() >= challenge.starts_on


def arrival(report: Report) -> tuple[object, int]:
    """By what the order of reports is told: the time of their receipts, then their numbers."""
    return (report.received_at, report.number)


def words(state: LinkState | ReportState) -> str:
    """A state in a sentence."""
    return state.value.replace("_", " ")


def named(links: Sequence[ReportLink]) -> str:
    """Links in a sentence: link 2; links 2 and 3."""
    numbers = [str(link.number) for link in sorted(links, key=lambda link: link.number)]
    if len(numbers) == 1:
        return f"link {numbers[0]}"
    return f"links {', '.join(numbers[:-1])} and {numbers[-1]}"


def _is(links: Sequence[ReportLink]) -> str:
    return "is" if len(links) == 1 else "are"


def in_part(report: Report, links: Sequence[ReportLink]) -> str:
    """What became of the links of a report, in one sentence; empty where it has none.

    It names nobody else's report: whoever may know which one it is, is told beside it.
    """
    told = []
    for state in LinkState:
        found = [link for link in links if link.state is state]
        if found:
            told.append(f"{named(found)} {words(state)}")
    return "; ".join(told).capitalize() + "." if told else ""


class Looks(NamedTuple):
    """Another report that looks alike, from what is in clear, and why."""

    report: Report
    reasons: tuple[str, ...]
    earlier: bool


def alike(report: Report, other: Report) -> Looks | None:
    """What two reports have in common in clear; None where it is too little to look at."""
    if report.received_at is None or other.received_at is None:
        return None
    reasons = []
    if report.scenario_id is not None and report.scenario_id == other.scenario_id:
        reasons.append("same scenario")
    shared = _telling(report.title) & _telling(other.title)
    if shared:
        reasons.append(f"both titles say “{'”, “'.join(sorted(shared))}”")
    if report.capability and other.capability and _telling(report.capability) & _telling(other.capability):
        reasons.append("both assume alike capabilities")
    if not reasons:
        return None
    if report.build == other.build:
        reasons.append("same build")
    days = abs(report.received_at - other.received_at).days
    reasons.append("the same day" if days == 0 else f"{days} {'day' if days == 1 else 'days'} apart")
    return Looks(other, tuple(reasons), arrival(other) < arrival(report))


# Words of titles that say nothing of what a report is about.
_EMPTY = frozenset(
    {
        "about", "after", "again", "and", "another", "application", "are", "assuming", "can", "case", "code",
        "daemon", "for", "from", "has", "have", "how", "into", "its", "link", "may", "not", "one", "out",
        "over", "part", "question", "report", "several", "some", "than", "that", "the", "their", "then",
        "there", "this", "through", "two", "under", "via", "when", "which", "while", "with", "within", "without",
    }
)  # fmt: skip


def _telling(text: str) -> frozenset[str]:
    found = "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()
    return frozenset(word for word in found if len(word) > 2 and word not in _EMPTY)
