"""Finding rules and awards: for the team, for finance, for a participant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.awards import states
from portal.awards.models import Award, BountyRules
from portal.awards.rules import Table
from portal.awards.states import AwardState
from portal.challenges.models import Challenge
from portal.core.audit import AuditEntry
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.core.todo import Queue

_WITH = (joinedload(Award.participant), joinedload(Award.report), joinedload(Award.scenario))


@dataclass(frozen=True, slots=True)
class Total:
    """How many awards are in a state, and how much they are together."""

    state: AwardState
    count: int
    amount: Decimal
    oldest: datetime | None


def current_rules(session: Session, challenge_id: int) -> BountyRules | None:
    """The newest version of a challenge's rules."""
    return session.scalars(
        sa.select(BountyRules)
        .where(BountyRules.challenge_id == challenge_id)
        .order_by(BountyRules.version.desc())
        .limit(1)
    ).one_or_none()


def all_rules(session: Session, challenge_id: int) -> Sequence[BountyRules]:
    """Every version, the newest first."""
    return session.scalars(
        sa.select(BountyRules).where(BountyRules.challenge_id == challenge_id).order_by(BountyRules.version.desc())
    ).all()


def table_of(rules: BountyRules) -> Table:
    """A version as the calculator reads it."""
    return Table(
        base={(row.severity, row.quality): row.amount for row in rules.bases},
        uplift={(row.kind, row.severity): row.percent for row in rules.uplifts},
        fixed={row.scenario_id: row.amount for row in rules.fixed},
        cap=rules.cap,
    )


def visible(roles: Collection[Role]) -> tuple[AwardState, ...]:
    """The states that these roles may see: finance learns of an award when it is approved."""
    deciding = {Role.TRIAGER, Role.LEAD} & set(roles)
    return tuple(state for state in AwardState if deciding or state in states.FOR_FINANCE)


def _awards(challenge_id: int, roles: Collection[Role], state: str = "all") -> sa.Select[Award]:
    shown = visible(roles)
    if state != "all":
        if state not in list(shown):
            raise NotFound("state")
        shown = (AwardState(state),)
    return sa.select(Award).options(*_WITH).where(Award.challenge_id == challenge_id, Award.state.in_(shown))


def _waits_for(account_id: int, roles: Collection[Role]) -> sa.ColumnElement[bool]:
    """What a person has to do: approve or reject what others proposed, or pay."""
    parts: list[sa.ColumnElement[bool]] = [sa.false()]
    if {Role.TRIAGER, Role.LEAD} & set(roles):
        parts.append(sa.and_(Award.state == AwardState.PROPOSED, Award.proposed_by_id != account_id))
    if Role.FINANCE in roles:
        parts.append(Award.state.in_(states.TO_PAY))
    return sa.or_(*parts)


def waiting(session: Session, challenge_id: int, account_id: int, roles: Collection[Role]) -> int:
    """How many awards wait for a person."""
    return session.scalars(
        sa.select(sa.func.count())
        .select_from(Award)
        .where(Award.challenge_id == challenge_id, _waits_for(account_id, roles))
    ).one()


def awards(
    session: Session, challenge_id: int, roles: Collection[Role], state: str = "all", after: str | None = None,
    *, account_id: int = 0, limit: int = 50,
) -> Page[Award]:  # fmt: skip
    """Awards that these roles may see, the newest first: in one state, "all", or "" for those that wait for a person.

    Raises NotFound for a state that is none.
    """
    rows = _awards(challenge_id, roles, state or "all")
    if not state:
        rows = rows.where(_waits_for(account_id, roles))
    return keyset(session, rows, order=[(Award.state_since, "desc"), (Award.id, "desc")], after=after, limit=limit)


def all_awards(session: Session, challenge_id: int, roles: Collection[Role], state: str = "all") -> Sequence[Award]:
    """The same without pages, for a download."""
    return session.scalars(_awards(challenge_id, roles, state).order_by(Award.id)).all()


def award(session: Session, challenge_id: int, roles: Collection[Role], award_id: int) -> Award:
    """One award that these roles may see. Raises NotFound."""
    found = session.scalars(_awards(challenge_id, roles).where(Award.id == award_id)).one_or_none()
    if found is None:
        raise NotFound("award")
    return found


def history(session: Session, award: Award) -> Sequence[tuple[AuditEntry, str | None]]:
    """What was done with an award and who did it, the oldest first, as the audit has it."""
    rows = session.execute(
        sa.select(AuditEntry, Account.name)
        .outerjoin(Account, Account.id == AuditEntry.actor_id)
        .where(AuditEntry.subject == f"award:{award.id}")
        .order_by(AuditEntry.id)
    )
    return [(entry, name) for entry, name in rows]


def totals(session: Session, challenge_id: int, roles: Collection[Role]) -> list[Total]:
    """Count and sum of each state that these roles may see, in the order of the way."""
    shown = visible(roles)
    rows = session.execute(
        sa.select(Award.state, sa.func.count(), sa.func.sum(Award.amount), sa.func.min(Award.state_since))
        .where(Award.challenge_id == challenge_id, Award.state.in_(shown))
        .group_by(Award.state)
    )
    found = {state: (count, amount, oldest) for state, count, amount, oldest in rows}
    return [Total(state, *found.get(state, (0, Decimal(0), None))) for state in AwardState if state in shown]


def granted(session: Session, challenge_id: int) -> Sequence[Award]:
    """The awards that stand, by report: what the challenge has awarded."""
    return session.scalars(
        sa.select(Award)
        .where(Award.challenge_id == challenge_id, Award.state.in_(states.GRANTED))
        .order_by(Award.report_id)
    ).all()


def of_report(session: Session, report_id: int) -> Sequence[Award]:
    """Every award that was proposed for a report, the newest first."""
    return session.scalars(
        sa.select(Award).options(*_WITH).where(Award.report_id == report_id).order_by(Award.id.desc())
    ).all()


def for_participant(session: Session, participant_id: int) -> Sequence[Award]:
    """A participant's awards that stand, the newest first; proposals are nothing yet."""
    return session.scalars(
        sa.select(Award)
        .options(*_WITH)
        .where(Award.participant_id == participant_id, Award.state.in_(states.GRANTED))
        .order_by(Award.approved_at.desc(), Award.id.desc())
    ).all()


def queues(session: Session, challenge: Challenge, roles: Collection[Role], at: datetime) -> list[Queue]:
    """What waits for whoever approves, and for finance."""
    wanted: list[tuple[str, AwardState]] = []
    if {Role.TRIAGER, Role.LEAD} & set(roles):
        wanted.append(("Awards to approve", AwardState.PROPOSED))
    if Role.FINANCE in roles:
        wanted += [("Awards to pay", AwardState.APPROVED), ("Payments that failed", AwardState.FAILED)]
    if not wanted:
        return []
    found = {total.state: total for total in totals(session, challenge.id, roles)}
    url = f"/staff/{challenge.slug}/awards?state="
    return [Queue(label, url + state, found[state].count, found[state].oldest) for label, state in wanted]
