"""Finding payments and the files for the bank, and adding them up."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.awards import rules, states
from portal.awards.models import Award, AwardShare, BatchLine, Payment, PaymentBatch
from portal.awards.queries.people import not_own
from portal.awards.rules import Books, Owed
from portal.awards.states import PaymentState
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset

_WITH = (
    joinedload(Payment.account),
    joinedload(Payment.batch),
    joinedload(Payment.award).options(joinedload(Award.report), joinedload(Award.participant)),
)
LATE = "late"
# What a list of payments can be narrowed to, beside its states.
Sums = dict[PaymentState, tuple[int, Decimal]]


def for_others(reader: int) -> sa.ColumnElement[bool]:
    """Payments for awards of participants to whom the reader does not belong."""
    return Payment.award_id.in_(sa.select(Award.id).where(not_own(reader)))


def _payments(challenge_id: int, state: str, at: datetime, reader: int) -> sa.Select[Payment]:
    rows = sa.select(Payment).options(*_WITH).where(Payment.challenge_id == challenge_id, for_others(reader))
    if state == LATE:
        return rows.where(late(at))
    if state == "all":
        return rows
    if state not in list(PaymentState):
        raise NotFound("state")
    return rows.where(Payment.state == PaymentState(state))


def late(at: datetime) -> sa.ColumnElement[bool]:
    """Not sent for long, or sent and without a result for long."""
    return sa.and_(Payment.state.in_((PaymentState.DUE, PaymentState.SENT)), Payment.state_since < rules.late_since(at))


def payments(
    session: Session, challenge_id: int, state: str, after: str | None, *, at: datetime, reader: int, limit: int = 50
) -> Page[Payment]:
    """Payments in one state, "late" or "all", what has waited longest first. Raises NotFound for another word.

    Those for participants to whom the reader belongs are never among them.
    """
    rows = _payments(challenge_id, state, at, reader)
    return keyset(session, rows, order=[(Payment.state_since, "asc"), (Payment.id, "asc")], after=after, limit=limit)


def all_payments(session: Session, challenge_id: int, state: str, *, at: datetime, reader: int) -> Sequence[Payment]:
    """The same without pages, for a download."""
    return session.scalars(_payments(challenge_id, state, at, reader).order_by(Payment.id)).all()


def payment(session: Session, challenge_id: int, payment_id: int, *, reader: int) -> Payment:
    """One payment. Raises NotFound, for the reader's own too."""
    where = (Payment.challenge_id == challenge_id, Payment.id == payment_id, for_others(reader))
    found = session.scalars(sa.select(Payment).options(*_WITH).where(*where)).one_or_none()
    if found is None:
        raise NotFound("payment")
    return found


def payments_by_id(session: Session, challenge_id: int, numbers: Collection[int], *, reader: int) -> dict[int, Payment]:
    """Those of these payments that the challenge has and the reader may see."""
    where = (Payment.challenge_id == challenge_id, Payment.id.in_(numbers), for_others(reader))
    rows = session.scalars(sa.select(Payment).options(*_WITH).where(*where))
    return {found.id: found for found in rows}


def of_thread(session: Session, report_id: int, part: str) -> Sequence[Payment]:
    """Every payment for a report or a part of it, whichever entry brought it about, the oldest first."""
    return session.scalars(
        sa.select(Payment)
        .join(Payment.award)
        .options(*_WITH)
        .where(Award.report_id == report_id, Award.part == part)
        .order_by(Payment.id)
    ).all()


def of_participant(session: Session, participant_id: int) -> dict[tuple[int, str], list[Payment]]:
    """A participant's payments that count, by report and part."""
    rows = session.scalars(
        sa.select(Payment)
        .join(Payment.award)
        .options(*_WITH)
        .where(Award.participant_id == participant_id, Payment.state.in_(states.COUNTED))
        .order_by(Payment.id)
    )
    found: dict[tuple[int, str], list[Payment]] = defaultdict(list)
    for each in rows:
        found[each.award.report_id, each.award.part].append(each)
    return found


def sums(session: Session, challenge_id: int, *, reader: int | None = None) -> Sums:
    """How many payments are in each state, and how much they are together: all, or those that the reader may see."""
    where = [Payment.challenge_id == challenge_id, *([] if reader is None else [for_others(reader)])]
    rows = session.execute(
        sa.select(Payment.state, sa.func.count(), sa.func.sum(Payment.amount)).where(*where).group_by(Payment.state)
    )
    found = {state: (count, amount) for state, count, amount in rows}
    return {state: found.get(state, (0, Decimal(0))) for state in PaymentState}


def _owed(session: Session, where: sa.ColumnElement[bool]) -> dict[tuple[int, str, int], Owed]:
    """What is owed to each member for each report or part, and where their payments are; in two statements."""
    targets = session.execute(
        sa.select(Award.report_id, Award.part, AwardShare.account_id, AwardShare.amount)
        .join(AwardShare, AwardShare.award_id == Award.id)
        .where(where, Award.state.in_(states.GRANTED))
    )
    sent = session.execute(
        sa.select(Award.report_id, Award.part, Payment.account_id, Payment.state, sa.func.sum(Payment.amount))
        .join(Payment, Payment.award_id == Award.id)
        .where(where, Payment.state.in_(states.COUNTED))
        .group_by(Award.report_id, Award.part, Payment.account_id, Payment.state)
    )
    wanted = {(report, part, who): amount for report, part, who, amount in targets}
    had: dict[tuple[int, str, int], dict[PaymentState, Decimal]] = defaultdict(dict)
    for report, part, who, state, amount in sent:
        had[report, part, who][state] = amount
    return {key: Owed(wanted.get(key, Decimal(0)), had.get(key, {})) for key in {*wanted, *had}}


def books(session: Session, challenge_id: int) -> Books:
    """What was awarded, where the money is, and what is too much."""
    awarded = session.scalars(
        sa.select(sa.func.sum(Award.amount)).where(Award.challenge_id == challenge_id, Award.state.in_(states.GRANTED))
    ).one()
    owed = _owed(session, Award.challenge_id == challenge_id)
    return Books(
        awarded=awarded or Decimal(0),
        by_state={state: amount for state, (_, amount) in sums(session, challenge_id).items()},
        overpaid=sum((rules.overpaid(each) for each in owed.values()), Decimal(0)),
    )


def overpaid_of(session: Session, report_id: int, part: str) -> dict[int, Decimal]:
    """What members have been sent beyond what the award says now, by account."""
    owed = _owed(session, sa.and_(Award.report_id == report_id, Award.part == part))
    return {who: rules.overpaid(each) for (_, _, who), each in owed.items() if rules.overpaid(each)}


def holds_own(session: Session, batch: PaymentBatch, reader: int) -> bool:
    """Whether a file for the bank has a payment for a participant to whom the reader belongs."""
    rows = (
        sa.select(BatchLine.payment_id)
        .join(Payment, Payment.id == BatchLine.payment_id)
        .where(BatchLine.batch_id == batch.id, sa.not_(for_others(reader)))
    )
    return session.scalars(rows.limit(1)).one_or_none() is not None


def batches(session: Session, challenge_id: int) -> Sequence[tuple[PaymentBatch, int, Decimal, int]]:
    """The files for the bank, the newest first: how many payments, how much, and how many without a result."""
    waiting = sa.func.count(sa.case((sa.and_(Payment.state == PaymentState.SENT,
                                             Payment.batch_id == PaymentBatch.id), 1)))  # fmt: skip
    rows = session.execute(
        sa.select(PaymentBatch, sa.func.count(), sa.func.sum(BatchLine.amount), waiting)
        .join(BatchLine, BatchLine.batch_id == PaymentBatch.id)
        .join(Payment, Payment.id == BatchLine.payment_id)
        .where(PaymentBatch.challenge_id == challenge_id)
        .group_by(PaymentBatch.id)
        .order_by(PaymentBatch.number.desc())
    )
    return [(found, count, amount, left) for found, count, amount, left in rows]


def batch(session: Session, challenge_id: int, number: int) -> PaymentBatch:
    """One file for the bank. Raises NotFound."""
    found = session.scalars(
        sa.select(PaymentBatch)
        .options(joinedload(PaymentBatch.made_by))
        .where(PaymentBatch.challenge_id == challenge_id, PaymentBatch.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("batch")
    return found


def batch_lines(session: Session, batch_id: int, *, reader: int) -> Sequence[BatchLine]:
    """What stood in it, as far as the reader may see it."""
    return session.scalars(
        sa.select(BatchLine)
        .join(BatchLine.payment)
        .options(joinedload(BatchLine.payment).options(*_WITH))
        .where(BatchLine.batch_id == batch_id, for_others(reader))
        .order_by(BatchLine.payment_id)
    ).all()
