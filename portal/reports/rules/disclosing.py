"""When a report may be spoken of, and what may be linked about it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.accounts.rules import is_zone
from portal.challenges.models import Challenge
from portal.challenges.rules import host_of
from portal.core.errors import Invalid, Refused
from portal.reports.models import Disclosure, DisclosureProposal, Report
from portal.reports.states import HELD, Answer, DisclosureState, ReportState, Side

# After so long without an answer the other side is reminded; after so long again it is the lead's.
REMIND_AFTER, LEAD_AFTER = timedelta(days=7), timedelta(days=14)
REMINDERS = (REMIND_AFTER, LEAD_AFTER, timedelta(days=28))
# After so long without a word of the researcher, a lead may let a date of the team stand.
STANDS_AFTER = timedelta(days=30)
# Both sides are told so long before the hour, and at the hour.
AHEAD = (timedelta(days=7), timedelta(days=1), timedelta(0))
LONGEST = timedelta(days=3 * 365)
_NOTHING_TO_TELL = frozenset({ReportState.UPLOADING, ReportState.UNREADABLE, ReportState.WITHDRAWN})
# No fix will ever be out, because there is nothing to fix.
_NO_FIX_DUE = frozenset(
    {ReportState.BY_DESIGN, ReportState.DUPLICATE, ReportState.NOT_REPRODUCIBLE, ReportState.OUT_OF_SCOPE}
)


def may_ask(report: Report) -> bool:
    """Whether a date can be asked for at all."""
    return report.received_at is not None and report.state not in _NOTHING_TO_TELL


def fixed_by(report: Report, instant: datetime, zone: str) -> bool:
    """Whether a fix is out by then, on the calendar of the challenge, or none is due."""
    if report.state in _NO_FIX_DUE:
        return True
    return report.fixed_on is not None and report.fixed_on <= instant.astimezone(ZoneInfo(zone)).date()


def check_date(
    report: Report, instant: datetime, zone: str, *, without_fix: bool, theirs: datetime | None, at: datetime
) -> None:
    """Raises Refused or Invalid where a date cannot be proposed. `theirs` is the end of another party's embargo."""
    if not may_ask(report):
        raise Refused("There is nothing to disclose: the report has not arrived, was withdrawn, or cannot be read.")
    if not is_zone(zone):
        raise Invalid({"zone": "Choose a time zone from the list."})
    if instant <= at:
        raise Invalid({"day": "This hour is over. Choose one that is still to come."})
    if instant > at + LONGEST:
        raise Invalid({"day": "This is more than three years ahead. Choose an earlier day."})
    if theirs is not None and instant < theirs:
        end = theirs.astimezone(ZoneInfo(zone))
        raise Invalid({"day": f"Another party has it under embargo until {end:%d %B %Y at %H:%M} ({zone})."})
    if not without_fix and not fixed_by(report, instant, report.challenge.zone):
        raise Invalid({
            "without_fix": "No fix is out by then. Choose a later day, or say that it may be before the fix.",
        })  # fmt: skip


def check_answer(proposal: DisclosureProposal, side: Side) -> None:
    """Raises Refused where this side has nothing to answer."""
    if proposal.answer is not Answer.OPEN:
        raise Refused(f"This date is {proposal.answer} already.")
    if proposal.side is side:
        raise Refused("Your own side proposed this date. The other one answers.")


def stands_from(report: Report, disclosure: Disclosure, proposal: DisclosureProposal) -> datetime | None:
    """From when on a date of the team may stand without the researcher's answer; None where it never may.

    Silence moves no hour on which both had agreed, and says no yes to one before the fix.
    """
    asked = proposal.answer is Answer.OPEN and proposal.side is Side.TEAM
    fixed = fixed_by(report, proposal.instant, report.challenge.zone)
    return proposal.at + STANDS_AFTER if asked and fixed and disclosure.state is DisclosureState.REQUESTED else None


def check_stands(report: Report, disclosure: Disclosure, proposal: DisclosureProposal, by: int, at: datetime) -> None:
    """Raises Refused where a date cannot stand without an answer yet, at all, or by this person."""
    since = stands_from(report, disclosure, proposal)
    if since is None:
        raise Refused("Only the researcher's own yes counts here: for this date their silence does not.")
    if at < since:
        raise Refused(f"The researcher has until {since:%d %B %Y at %H:%M} UTC to answer.")
    if by == proposal.by_id:
        raise Refused("You proposed it. Another lead lets it stand.")


def open_to_all(disclosure: Disclosure | None, theirs: datetime | None, at: datetime) -> bool:
    """Whether the embargo is over, and that of other parties: no job has to run for that."""
    return (
        disclosure is not None
        and disclosure.state in HELD
        and disclosure.embargo_until is not None
        and disclosure.embargo_until <= at
        and (theirs is None or theirs <= at)
    )


def shown_state(disclosure: Disclosure, theirs: datetime | None, at: datetime) -> str:
    """The state in a word: an agreed date whose hour has come is published, whether or not a job has noted it."""
    if open_to_all(disclosure, theirs, at):
        return "published"
    return "embargoed" if disclosure.state in HELD else disclosure.state.value


def falls_with_fix(report: Report, disclosure: Disclosure, at: datetime) -> bool:
    """Whether an agreed hour that is still to come rested on a fix, or on none being due, and no longer does."""
    until = disclosure.embargo_until
    if disclosure.state is not DisclosureState.AGREED or disclosure.without_fix or until is None or until <= at:
        return False
    return not fixed_by(report, until, report.challenge.zone)


def results_out(challenge: Challenge, at: datetime) -> bool:
    """Whether the challenge's results are out: nothing of what was found in it is public before."""
    return challenge.results_released_at is not None and challenge.results_released_at <= at


def link_fault(url: str) -> str | None:
    """What is wrong with an address that is to be linked; None if nothing is."""
    if not url.lower().startswith("https://"):
        return "Only addresses that begin with https:// are linked."
    if len(url) > 500:
        return "At most 500 signs."
    if host_of(url) is None:
        return "This is no address that can be linked: one host with a name, without a user, password or blanks."
    return None


def check_publication(url: str, published_on: date, today: date) -> None:
    """Raises Invalid where something that was published cannot be taken in."""
    fault = link_fault(url)
    if fault:
        raise Invalid({"url": fault})
    if published_on > today + timedelta(days=366):
        raise Invalid({"published_on": "More than a year ahead."})
