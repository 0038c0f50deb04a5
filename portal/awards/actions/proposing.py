"""Proposing awards, corrections among them, with the calculator's working."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.awards import queries, rules, states
from portal.awards.actions.telling import record, tell_judges
from portal.awards.models import Award, AwardShare, BountyRules
from portal.awards.rules import Achieved, Working
from portal.awards.rules.people import check_conflict
from portal.awards.states import AwardState, Entry, Quality, Reason
from portal.challenges.models import Scenario
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import take
from portal.reports.models import Report, ReportLink
from portal.reports.states import Severity


class Proposal(NamedTuple):
    """What a triager proposes.

    `severity` is the report's unless a part has its own. `amount` is one that people decided on in place of the
    table's. `shares` are weights by account; without them every member has the same.
    """

    quality: Quality
    reason: Reason = Reason.STANDARD
    note: str = ""
    part: str = ""
    severity: Severity | None = None
    amount: Decimal | None = None
    because: str = ""
    shares: Mapping[int, int] | None = None


def work_out(
    session: Session, report: Report, quality: Quality, *, at: datetime, part: str = "",
    severity: Severity | None = None, amount: Decimal | None = None,
) -> tuple[BountyRules, Working]:  # fmt: skip
    """What a report, or a part of it, is awarded under the rules that held when it arrived. Raises Refused."""
    own = rules.check_report(report.state, report.severity)
    link, stand = check_link(session, report, part), queries.standing(session, report.id)
    if not part and severity not in (None, own):
        raise Refused("The severity of a whole report is triage's to set. A part may have its own.")
    if link and link.severity and severity not in (None, link.severity):
        raise Refused("The severity of a link is triage's to set, with the link.")
    version = queries.rules_for(session, report.challenge_id, report.received_at or at, at)
    if version is None:
        raise Refused("There are no bounty rules yet. The lead publishes them.")
    table, number = queries.table_of(version), rules.achieved_by(report, link)
    scenario = session.get(Scenario, number) if number else None
    achieved = Achieved(scenario.id, scenario.code, scenario.kind) if scenario else None
    others = {name for name, award in stand.items() if name != part and award.amount}
    rules.check_part(part, others, fixed=achieved is not None and achieved.id in table.fixed)
    taken = queries.taken(stand, part)
    severity = severity or (link.severity if link else None) or own
    found = rules.work_out(table, severity, quality, achieved, taken)
    return version, found if amount is None else rules.by_hand(table, found, amount, taken)


def check_link(session: Session, report: Report, part: str) -> ReportLink | None:
    """The link that a part is, None where it is none. Raises Refused where it cannot be awarded."""
    links = queries.links_of(session, report.id)
    rules.check_link(part, {label: link.state for label, link in links.items()}, queries.standing(session, report.id))
    return links.get(part)


def _weights(session: Session, report: Report, wish: Proposal, stands: Award | None) -> dict[int, int]:
    """The shares as they were asked for; else as they stand; else the same for everybody who acts for them.

    Raises Refused where somebody is none of them, or nobody is given anything.
    """
    members = [member.account_id for member in queries.team(session, report.participant_id)]
    before = {share.account_id: share.weight for share in stands.shares} if stands else {}
    given = wish.shares
    if given is None:
        given = {who: weight for who, weight in before.items() if who in members} or dict.fromkeys(members, 1)
    if not set(given) <= set(members):
        raise Refused("Shares are for people who act for this participant.")
    # In the order of the team, so that the odd cent does not depend on how the form was filled in.
    return {who: given[who] for who in members if given.get(who, 0) > 0}


def propose(session: Session, report: Report, wish: Proposal, *, by: int, at: datetime) -> Award:
    """Propose an award; where the report or its part has one that stands, a correction of it.

    Raises Refused where the rules give none, Invalid where a correction says not why, Conflict where somebody has just
    proposed one.
    """
    check_conflict(queries.conflict_of(session, report.participant_id, by))
    version, found = work_out(
        session, report, wish.quality, at=at, part=wish.part, severity=wish.severity, amount=wish.amount
    )
    if wish.amount is not None and wish.reason is not Reason.EXCEPTIONAL:
        raise Invalid({"reason": "An amount that is not the table's is exceptional."})
    stands = queries.standing(session, report.id).get(wish.part)
    weights, link = _weights(session, report, wish, stands), queries.links_of(session, report.id).get(wish.part)
    parts = rules.split(found.amount, weights)
    return _enter(
        session, report, stands, wish, by=by, at=at, rules_id=version.id, currency=version.currency,
        kind=_kind(found.amount, weights, stands), quality=wish.quality, link_id=link.id if link else None,
        severity=wish.severity or (link.severity if link else None) or report.severity,
        scenario_id=rules.achieved_by(report, link), base=found.base, uplift_percent=found.percent, amount=found.amount,
        working="\n".join([*queries.lines_of(session, report, link), *found.lines]),
        shares=[AwardShare(account_id=who, weight=weight, amount=parts[who]) for who, weight in weights.items()],
    )  # fmt: skip


def propose_void(session: Session, stands: Award, because: str, note: str = "", *, by: int, at: datetime) -> Award:
    """Propose that what stands be void. Raises Refused, Invalid, Conflict."""
    check_conflict(queries.conflict_of(session, stands.participant_id, by))
    if stands.state not in states.GRANTED:
        raise Refused("What does not stand cannot be made void.")
    wish = Proposal(stands.quality, note=note, part=stands.part, because=because)
    return _enter(
        session, stands.report, stands, wish, by=by, at=at, rules_id=stands.rules_id, currency=stands.currency,
        kind=_kind(Decimal(0), {}, stands), link_id=stands.link_id, severity=stands.severity, quality=stands.quality,
        scenario_id=stands.scenario_id, base=stands.base, uplift_percent=stands.uplift_percent, amount=Decimal(0),
        working=f"{rules.written(stands.amount)} − {rules.written(stands.amount)} = 0: void", shares=[],
    )  # fmt: skip


def _kind(amount: Decimal, weights: Mapping[int, int], stands: Award | None) -> Entry:
    before = {share.account_id: share.weight for share in stands.shares} if stands else {}
    return rules.kind_of(amount, stands.amount if stands else None, weights, before)


def _enter(
    session: Session, report: Report, stands: Award | None, wish: Proposal, *, by: int, at: datetime,
    amount: Decimal, **values: object,
) -> Award:  # fmt: skip
    """Write the entry, beside the audit and the mail to those who may approve it."""
    if stands and not wish.because:
        raise Invalid({"because": "Say why: the researcher reads it."})
    award = Award(
        challenge_id=report.challenge_id, report_id=report.id, participant_id=report.participant_id, part=wish.part,
        corrects_id=stands.id if stands else None, amount=amount, change=amount - (stands.amount if stands else 0),
        reason=Reason.CORRECTION if stands and wish.amount is None else wish.reason, note=wish.note,
        because=wish.because if stands else "", state=AwardState.PROPOSED, state_since=at, proposed_by_id=by,
        proposed_at=at, **values,
    )  # fmt: skip
    session.add(award)
    with conflicts():
        session.flush()
    told = {"amount": amount, "report": report.ref, "part": wish.part, "entry": award.kind}
    record(session, award, "propose", by=by, at=at, after=told)
    _take_up(session, award, by=by, at=at)
    tell_judges(session, award, by=by, at=at)
    return award


def _take_up(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """What was sent back does not wait any more."""
    for old in queries.of_report(session, award.report_id):
        if old.part == award.part and old.state is AwardState.RETURNED:
            take(session, old, states.REVISE, at=at)
            record(session, old, states.REVISE.name, by=by, at=at, after={"by": award.reference})
