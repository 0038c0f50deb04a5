"""The second person's decision on a proposal, and the proposer's withdrawal."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards import queries, rules, states
from portal.awards.actions.payments import settle
from portal.awards.actions.proposing import check_link
from portal.awards.actions.telling import record, tell_participant, tell_proposer
from portal.awards.models import Award, AwardConflict
from portal.awards.states import AwardState
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move, take
from portal.reports.models import Report


def decide(session: Session, award: Award, move: Move[AwardState], *, reason: str = "", by: int, at: datetime) -> None:
    """Take a step: a second person's, or the proposer's.

    Raises Refused, Invalid where something that the step needs is missing, Conflict if somebody was first.
    """
    conflict = queries.conflict_of(session, award.participant_id, by) if move in states.JUDGED else ""
    rules.check_person(move, award.proposed_by_id, by, conflict)
    if "reason" in move.needs and not reason:
        raise Invalid({"reason": "This is needed."})
    before = {"state": award.state}
    if move is states.APPROVE:
        _approve(session, award, by=by, at=at)
    else:
        take(session, award, move, at=at, **({"outcome": reason} if move.needs else {}))
    after = {"state": award.state, "amount": award.amount}
    record(session, award, move.name, by=by, at=at, before=before, after=after, reason=award.outcome)
    if move is states.APPROVE:
        settle(session, award, by=by, at=at)
        tell_participant(session, award, at=at)
    elif move in states.JUDGED:
        tell_proposer(session, award, move.name, at=at)


def _approve(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """Let it stand, in the place of what it corrects."""
    # One at a time for each report: its parts have one cap together.
    seen = award.state
    session.execute(sa.select(Report.id).where(Report.id == award.report_id).with_for_update())
    session.refresh(award, ["state"])
    session.refresh(award.report, ["state", "severity", "achieved_scenario_id"])
    if award.link is not None:
        session.refresh(award.link, ["state", "severity", "achieved_scenario_id"])
    if award.state is not seen:
        raise Conflict("Somebody has just decided on it. Look at it again.")
    if award.state not in states.APPROVE.sources:
        raise Refused(f"“{states.APPROVE.label}” is not possible: it is {award.state}.")
    check_approval(session, award)
    if award.corrects_id is not None:
        old = session.get_one(Award, award.corrects_id)
        take(session, old, states.SUPERSEDE, at=at)
        told = {"state": AwardState.SUPERSEDED, "by": award.reference}
        record(session, old, states.SUPERSEDE.name, by=by, at=at, after=told)
    with conflicts():
        take(session, award, states.APPROVE, at=at, approved_by_id=by, approved_at=at)


def check_approval(session: Session, award: Award) -> None:
    """Whether what was proposed can stand beside what stands by now. Raises Refused."""
    stand = queries.standing(session, award.report_id)
    old = stand.get(award.part)
    if (old.id if old else None) != award.corrects_id:
        raise Refused("What stood when it was proposed does not stand any more. Send it back to be worked out anew.")
    others = {name for name, other in stand.items() if name != award.part and other.amount}
    rules.check_part(award.part, others, fixed=False)
    if award.amount:
        check_link(session, award.report, award.part)
        rules.check_grounds(award)
    cap, taken = award.rules.cap, queries.taken(stand, award.part)
    if award.amount and cap is not None and award.amount + taken > cap:
        raise Refused(
            f"With its other parts this report would have {rules.written(award.amount + taken)}, and the most is "
            f"{rules.written(cap)}. Send it back to be worked out anew."
        )


def declare_conflict(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """Note that a person must not decide on this participant's awards. It is not taken back.

    Raises Conflict where it is noted already.
    """
    if queries.conflict_of(session, award.participant_id, by):
        raise Conflict("Your conflict of interest is noted already.")
    session.add(AwardConflict(participant_id=award.participant_id, account_id=by, noted_at=at))
    with conflicts():
        session.flush()
    audit.record(
        session, "awards:declare-conflict", f"participant:{award.participant_id}", by=by, at=at,
        scope=award.challenge.slug,
    )  # fmt: skip
