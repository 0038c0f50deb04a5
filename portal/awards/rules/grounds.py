"""What an award rests on, and whether triage still says so."""

from portal.awards.models import Award
from portal.awards.rules.amounts import AWARDED
from portal.core.errors import Refused
from portal.reports.models import Report, ReportLink
from portal.reports.states import GOOD_LINKS

ANEW = "Send it back to be worked out anew."


def achieved_by(report: Report, link: ReportLink | None) -> int | None:
    """The scenario that counts: the link's own, else that of the whole chain."""
    return (link.achieved_scenario_id if link else None) or report.achieved_scenario_id


def lost(award: Award) -> str:
    """What has become of the report or the link that an award is for, where that is not awarded any more; else ""."""
    report, link = award.report, award.link
    if not award.amount:
        return ""
    if report.state not in AWARDED:
        return f"{report.ref} is {report.state.replace('_', ' ')} now."
    if link is not None and link.state not in GOOD_LINKS:
        return f"{award.part.capitalize()} is {link.state.replace('_', ' ')} now."
    return ""


def changed(award: Award) -> str:
    """What triage has come to say otherwise since an award was worked out; else "".

    A part that is no link is older than chains: its severity was the proposer's own to say, and triage has none that
    could be compared with it. No such part is awarded anew (`check_link`).
    """
    report, link = award.report, award.link
    if not award.amount or lost(award):
        return ""
    now = link.severity if link else award.severity if award.part else report.severity
    if now is not None and now is not award.severity:
        return f"It was worked out for {award.severity} severity, and triage says {now} now."
    if achieved_by(report, link) != award.scenario_id:
        return "It was worked out for another scenario than the one that triage says is achieved now."
    return ""


def check_grounds(award: Award) -> None:
    """Raises Refused where what was proposed is not what triage says now."""
    if told := lost(award) or changed(award):
        raise Refused(f"{told} {ANEW}")


def check_firm(award: Award) -> None:
    """Raises Refused where money would be sent for what is not awarded any more."""
    if told := lost(award):
        raise Refused(f"{told} No money is sent for it until its award is corrected, or it is confirmed again.")
