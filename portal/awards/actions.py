"""Publishing rules, proposing and deciding on awards, noting payments. Actor and time are passed in."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.awards import queries, rules, states
from portal.awards.models import Award, BountyBase, BountyFixed, BountyRules, BountyUplift
from portal.awards.rules import Achieved, Table, Working
from portal.awards.states import AwardState, Quality, Reason
from portal.challenges.models import Challenge, Scenario
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.reports.models import Report


def publish_rules(session: Session, challenge: Challenge, table: Table, *, by: int, at: datetime) -> BountyRules:
    """Put a new version of the rules into force. What was proposed under an older one stays as it was."""
    last = queries.current_rules(session, challenge.id)
    made = BountyRules(
        challenge_id=challenge.id, version=last.version + 1 if last else 1, currency=challenge.currency,
        cap=table.cap, published_at=at, published_by_id=by,
        bases=[BountyBase(severity=key[0], quality=key[1], amount=amount) for key, amount in table.base.items()],
        uplifts=[BountyUplift(kind=key[0], severity=key[1], percent=part) for key, part in table.uplift.items()],
        fixed=[BountyFixed(scenario_id=key, amount=amount) for key, amount in table.fixed.items()],
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    audit.record(
        session, "awards:publish-rules", f"bounty-rules:{made.id}", by=by, at=at, scope=challenge.slug,
        after={"version": made.version, "cap": made.cap},
    )  # fmt: skip
    return made


def work_out(session: Session, report: Report, quality: Quality) -> tuple[BountyRules, Working]:
    """What a report of this quality is awarded under the rules in force. Raises Refused."""
    severity = rules.check_report(report.state, report.severity)
    current = queries.current_rules(session, report.challenge_id)
    if current is None:
        raise Refused("There are no bounty rules yet. The lead publishes them.")
    scenario = session.get(Scenario, report.achieved_scenario_id) if report.achieved_scenario_id else None
    achieved = Achieved(scenario.id, scenario.code, scenario.kind) if scenario else None
    return current, rules.work_out(queries.table_of(current), severity, quality, achieved)


def propose(
    session: Session, report: Report, quality: Quality, reason: Reason, note: str, *, by: int, at: datetime
) -> Award:
    """Propose an award; where the report has one that stands, a correction of it.

    Raises Refused where the rules give none, Conflict where somebody has just proposed one.
    """
    current, found = work_out(session, report, quality)
    standing = next((award for award in queries.of_report(session, report.id) if award.state in states.GRANTED), None)
    assert report.severity is not None
    award = Award(
        challenge_id=report.challenge_id, report_id=report.id, participant_id=report.participant_id,
        rules_id=current.id, corrects_id=standing.id if standing else None, severity=report.severity,
        quality=quality, scenario_id=report.achieved_scenario_id, base=found.base, uplift_percent=found.percent,
        amount=found.amount, currency=current.currency, working="\n".join(found.lines), note=note,
        reason=Reason.CORRECTION if standing else reason, state=AwardState.PROPOSED, state_since=at,
        proposed_by_id=by, proposed_at=at,
    )  # fmt: skip
    session.add(award)
    with conflicts():
        session.flush()
    _record(session, award, "propose", by=by, at=at, after={"amount": award.amount, "report": report.ref})
    _tell_judges(session, award, by=by, at=at)
    return award


def decide(
    session: Session, award: Award, move: Move[AwardState], *, reason: str = "", payment_reference: str = "", by: int,
    at: datetime,
) -> None:  # fmt: skip
    """Take a step: a second person's, the proposer's, or finance's.

    Raises Refused, Invalid where something that the step needs is missing, Conflict if somebody was first.
    """
    rules.check_person(move, award.proposed_by_id, by)
    given = {"reason": reason, "payment_reference": payment_reference}
    missing = {name: "This is needed." for name in move.needs if not given[name]}
    if missing:
        raise Invalid(missing)
    before = {"state": award.state, "payment_reference": award.payment_reference}
    if move is states.APPROVE and award.corrects is not None:
        if award.corrects.state not in states.GRANTED:
            raise Refused("What it corrects does not stand any more.")
        old = award.corrects
        take(session, old, states.SUPERSEDE, at=at)
        _record(session, old, states.SUPERSEDE.name, by=by, at=at, after={"state": old.state, "by": award.reference})
    with conflicts():
        take(session, award, move, at=at, **_values(move, given, by, at))
    after = {"state": award.state, "payment_reference": award.payment_reference, "amount": award.amount}
    _record(session, award, move.name, by=by, at=at, before=before, after=after, reason=award.outcome)
    if move in (states.APPROVE, states.PAY, states.DONATE):
        _tell_participant(session, award, f"{move.name}:{award.payment_reference}", at=at)


def _values(move: Move[AwardState], given: dict[str, str], by: int, at: datetime) -> dict[str, object]:
    """The columns that change with a step."""
    if move is states.APPROVE:
        return {"approved_by_id": by, "approved_at": at}
    if move in (states.PAY, states.DONATE):
        return {"payment_reference": given["payment_reference"], "paid_at": at, "outcome": None}
    if move is states.FAIL:
        return {"payment_reference": None, "paid_at": None, "outcome": given["reason"]}
    return {"outcome": given["reason"]} if move.needs else {}


def _record(
    session: Session, award: Award, verb: str, *, by: int, at: datetime, before: Mapping[str, object] | None = None,
    after: Mapping[str, object], reason: str | None = None,
) -> None:  # fmt: skip
    audit.record(
        session, f"awards:{verb}", f"award:{award.id}", by=by, at=at, scope=award.challenge.slug, before=before,
        after=after, reason=reason,
    )  # fmt: skip


def _post(session: Session, award: Award, template: str, people: Iterable[Account], key: str, *, at: datetime) -> None:
    """A mail to each: the reference of the report, and neither its title nor the amount, as others can read mails."""
    challenge = award.challenge
    context = {"challenge": challenge.title, "slug": challenge.slug, "ref": award.report.ref, "award": award.id}
    for account in people:
        unique = f"award:{award.id}:{key}:{account.id}"
        outbox.post(session, f"awards/{template}", to=account.email, key=unique, at=at, context=context)


def _tell_judges(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """Tell those who may approve it."""
    slug = award.challenge.slug
    found = [*holders(session, Role.TRIAGER, slug), *holders(session, Role.LEAD, slug)]
    people = {account.id: account for account in found if account.id != by}
    _post(session, award, "proposed", people.values(), "proposed", at=at)


def _tell_participant(session: Session, award: Award, key: str, *, at: datetime) -> None:
    """Tell every member that there is news."""
    people = [member.account for member in award.participant.members if member.account.active]
    _post(session, award, "news", people, key, at=at)
