"""Finding awards: for the team, for finance, for a participant."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.awards import states
from portal.awards.models import Award, Payment
from portal.awards.queries.grounds import shaken
from portal.awards.queries.people import barred, not_own
from portal.awards.states import AwardState, PaymentState
from portal.challenges.models import Scenario
from portal.core.audit import AuditEntry
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.reports.models import ReportLink
from portal.reports.queries import links as chains

_WITH = (joinedload(Award.participant), joinedload(Award.report), joinedload(Award.scenario))


@dataclass(frozen=True, slots=True)
class Total:
    """How many awards are in a state, and how much they are together."""

    state: AwardState
    count: int
    amount: Decimal
    oldest: datetime | None


def visible(roles: Collection[Role]) -> tuple[AwardState, ...]:
    """The states that these roles may see: finance learns of an award when it is approved."""
    deciding = {Role.TRIAGER, Role.LEAD} & set(roles)
    return tuple(state for state in AwardState if deciding or state in states.FOR_FINANCE)


def _awards(challenge_id: int, roles: Collection[Role], state: str = "all", *, reader: int) -> sa.Select[Award]:
    shown = visible(roles)
    if state != "all":
        if state not in list(shown):
            raise NotFound("state")
        shown = (AwardState(state),)
    seen = (Award.challenge_id == challenge_id, Award.state.in_(shown), not_own(reader))
    return sa.select(Award).options(*_WITH).where(*seen)


def _waits_for(account_id: int, roles: Collection[Role]) -> sa.ColumnElement[bool]:
    """What a person has to do: decide on what others proposed, take up again what was sent back to them,
    look again at what is not confirmed any more, or pay.
    """
    parts: list[sa.ColumnElement[bool]] = [sa.false()]
    if {Role.TRIAGER, Role.LEAD} & set(roles):
        parts.append(
            sa.and_(
                Award.state == AwardState.PROPOSED,
                Award.proposed_by_id != account_id,
                sa.not_(barred(Award.participant_id.expression, account_id)),
            )
        )
    if Role.TRIAGER in roles:
        parts.append(sa.and_(Award.state == AwardState.RETURNED, Award.proposed_by_id == account_id))
        parts.append(shaken())
    if Role.FINANCE in roles:
        to_pay = sa.exists().where(Payment.award_id == Award.id, Payment.state.in_(states.OPEN))
        parts.append(sa.and_(Award.state.in_(states.FOR_FINANCE), to_pay))
    return sa.and_(sa.or_(*parts), not_own(account_id))


def waiting(session: Session, challenge_id: int, account_id: int, roles: Collection[Role]) -> int:
    """How many awards wait for a person."""
    return session.scalars(
        sa.select(sa.func.count())
        .select_from(Award)
        .where(Award.challenge_id == challenge_id, _waits_for(account_id, roles))
    ).one()


def awards(
    session: Session, challenge_id: int, roles: Collection[Role], state: str = "all", after: str | None = None,
    *, reader: int, limit: int = 50,
) -> Page[Award]:  # fmt: skip
    """Awards that the reader may see in these roles, the newest first: in one state, "all", or "" for what waits.

    Those of participants to whom the reader belongs are never among them. Raises NotFound for a state that is none.
    """
    rows = _awards(challenge_id, roles, state or "all", reader=reader)
    if not state:
        rows = rows.where(_waits_for(reader, roles))
    return keyset(session, rows, order=[(Award.state_since, "desc"), (Award.id, "desc")], after=after, limit=limit)


def all_awards(
    session: Session, challenge_id: int, roles: Collection[Role], state: str = "all", *, reader: int
) -> Sequence[Award]:
    """The same without pages, for a download."""
    return session.scalars(_awards(challenge_id, roles, state, reader=reader).order_by(Award.id)).all()


def award(session: Session, challenge_id: int, roles: Collection[Role], award_id: int, *, reader: int) -> Award:
    """One award that the reader may see in these roles. Raises NotFound, for the reader's own too."""
    found = session.scalars(_awards(challenge_id, roles, reader=reader).where(Award.id == award_id)).one_or_none()
    if found is None:
        raise NotFound("award")
    return found


def history(session: Session, award: Award) -> Sequence[tuple[AuditEntry, str | None]]:
    """What was done with an award and its payments and who did it, the oldest first, as the audit has it."""
    numbers = session.scalars(sa.select(Payment.id).where(Payment.award_id == award.id)).all()
    subjects = [f"award:{award.id}", *(f"payment:{number}" for number in numbers)]
    rows = session.execute(
        sa.select(AuditEntry, Account.name)
        .outerjoin(Account, Account.id == AuditEntry.actor_id)
        .where(AuditEntry.subject.in_(subjects))
        .order_by(AuditEntry.id)
    )
    return [(entry, name) for entry, name in rows]


def totals(session: Session, challenge_id: int, roles: Collection[Role], *, reader: int) -> list[Total]:
    """Count and sum of each state that the reader may see in these roles, in the order of the way."""
    shown = visible(roles)
    rows = session.execute(
        sa.select(Award.state, sa.func.count(), sa.func.sum(Award.amount), sa.func.min(Award.state_since))
        .where(Award.challenge_id == challenge_id, Award.state.in_(shown), not_own(reader))
        .group_by(Award.state)
    )
    found = {state: (count, amount, oldest) for state, count, amount, oldest in rows}
    return [Total(state, *found.get(state, (0, Decimal(0), None))) for state in AwardState if state in shown]


class Granted(NamedTuple):
    """What a report was awarded, all its parts together, without what was refused."""

    report_id: int
    amount: Decimal


class _Net(NamedTuple):
    """What a report or a part of it is given by the entry that stands, without what was refused."""

    report_id: int
    scenario_id: int | None
    amount: Decimal


def _net(session: Session, challenge_id: int) -> list[_Net]:
    rows = session.execute(
        sa.select(Award.report_id, Award.part, Award.scenario_id, Award.amount)
        .where(Award.challenge_id == challenge_id, Award.state.in_(states.GRANTED))
        .order_by(Award.report_id, Award.part)
    )
    refused_rows = session.execute(
        sa.select(Award.report_id, Award.part, sa.func.sum(Payment.amount))
        .join(Payment, Payment.award_id == Award.id)
        .where(Payment.challenge_id == challenge_id, Payment.state == PaymentState.REFUSED)
        .group_by(Award.report_id, Award.part)
    )
    refused = {(number, part): amount for number, part, amount in refused_rows}
    return [
        _Net(number, scenario, amount - refused.get((number, part), Decimal(0)))
        for number, part, scenario, amount in rows
    ]


def granted(session: Session, challenge_id: int) -> list[Granted]:
    """What the challenge has awarded, by report. Whoever does not take an award has none."""
    sums: defaultdict[int, Decimal] = defaultdict(Decimal)
    for each in _net(session, challenge_id):
        sums[each.report_id] += each.amount
    return [Granted(number, amount) for number, amount in sums.items() if amount > 0]


def by_scenario(session: Session, challenge_id: int) -> list[tuple[str | None, Decimal]]:
    """The same by the scenario for which it was awarded, in the order of the rules; None, the last, is without one."""
    sums: defaultdict[int | None, Decimal] = defaultdict(Decimal)
    for each in _net(session, challenge_id):
        sums[each.scenario_id] += each.amount
    scenarios = session.execute(
        sa.select(Scenario.id, Scenario.code).where(Scenario.challenge_id == challenge_id).order_by(Scenario.position)
    )
    order = [*((number, code) for number, code in scenarios), (None, None)]
    return [(code, sums[number]) for number, code in order if sums[number] > 0]


def of_report(session: Session, report_id: int) -> Sequence[Award]:
    """Every award that was proposed for a report, the newest first."""
    return session.scalars(
        sa.select(Award).options(*_WITH).where(Award.report_id == report_id).order_by(Award.id.desc())
    ).all()


def standing(session: Session, report_id: int) -> dict[str, Award]:
    """The entries of a report that stand, by part; void ones are among them."""
    rows = session.scalars(
        sa.select(Award)
        .options(*_WITH)
        .where(Award.report_id == report_id, Award.state.in_(states.GRANTED))
        .order_by(Award.id)
    )
    return {award.part: award for award in rows}


def taken(awards_by_part: dict[str, Award], part: str) -> Decimal:
    """What the other parts of a report have."""
    return sum((award.amount for name, award in awards_by_part.items() if name != part), Decimal(0))


def approved_of_participant(session: Session, participant_id: int) -> Sequence[Award]:
    """Every entry that was ever approved for a participant, by report and part, the oldest first."""
    return session.scalars(
        sa.select(Award)
        .options(*_WITH)
        .where(Award.participant_id == participant_id, Award.state.in_(states.FOR_FINANCE))
        .order_by(Award.report_id, Award.part, Award.id)
    ).all()


def links_of(session: Session, report_id: int) -> dict[str, ReportLink]:
    """The links of a report by the names that parts have, in the order of its chain."""
    return {link.label: link for link in chains.of_report(session, report_id)}
