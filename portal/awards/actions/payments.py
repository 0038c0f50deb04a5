"""Payments: making due what an award says, sending, and noting what became of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards import queries, rules, states
from portal.awards.actions.telling import record_payment, tell_payee
from portal.awards.models import Award, BatchLine, Payment, PaymentBatch
from portal.awards.rules import Owed
from portal.awards.states import PaymentState
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.reports.models import Report


def settle(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """Make the payments of a report, or of a part, what the entry that stands says. Done twice, it changes nothing.

    What is sent stays sent. Raises Conflict where a payment has just been sent.
    """
    had: dict[int, list[Payment]] = defaultdict(list)
    for payment in queries.of_thread(session, award.report_id, award.part):
        if payment.state in states.COUNTED:
            had[payment.account_id].append(payment)
    targets = {share.account_id: share.amount for share in award.shares}
    for account_id in sorted({*targets, *had}):
        _settle_one(session, award, account_id, targets.get(account_id, Decimal(0)), had[account_id], by=by, at=at)


def _settle_one(
    session: Session, award: Award, account_id: int, target: Decimal, had: Sequence[Payment], *, by: int, at: datetime
) -> None:
    by_state: dict[PaymentState, Decimal] = defaultdict(Decimal)
    for payment in had:
        by_state[payment.state] += payment.amount
    owed = Owed(target, by_state)
    needed = rules.wanted(owed)
    refusal = next((each.outcome for each in had if each.state is PaymentState.REFUSED), None)
    for among, amount, state in (
        (states.OPEN, needed.due, PaymentState.DUE),
        (frozenset({PaymentState.REFUSED}), needed.refused, PaymentState.REFUSED),
    ):
        if owed.of(among) == amount:
            continue
        for payment in [each for each in had if each.state in among]:
            _cancel(session, payment, award, by=by, at=at)
        if amount:
            session.add(
                Payment(
                    challenge_id=award.challenge_id, award_id=award.id, account_id=account_id, amount=amount,
                    currency=award.currency, state=state, state_since=at, due_at=at,
                    outcome=refusal if state is PaymentState.REFUSED else None,
                )
            )  # fmt: skip
    session.flush()


def _cancel(session: Session, payment: Payment, award: Award, *, by: int, at: datetime) -> None:
    take(session, payment, states.CANCEL, at=at, outcome=None)
    record_payment(
        session, payment, states.CANCEL.name, award.challenge.slug, by=by, at=at,
        after={"state": PaymentState.CANCELLED, "by": award.reference},
    )  # fmt: skip


def _values(move: Move[PaymentState], given: Mapping[str, str], at: datetime) -> dict[str, object]:
    """The columns that change with a step."""
    if move is states.SEND:
        return {"sent_at": at}
    if move is states.PAY:
        return {"reference": given["reference"], "paid_at": at}
    if move is states.DONATE:
        return {"reference": given["reference"], "donated_to": given["donated_to"], "paid_at": at, "outcome": None}
    if move is states.RETRY:
        return {"batch_id": None, "sent_at": None, "outcome": None}
    return {"reference": None, "paid_at": None, "outcome": given["reason"]}


def step(
    session: Session, payment: Payment, move: Move[PaymentState], *, reason: str = "", reference: str = "",
    donated_to: str = "", by: int, at: datetime,
) -> None:  # fmt: skip
    """Note what became of a payment.

    Raises Refused, Invalid where something that the step needs is missing, Conflict if somebody was first.
    """
    if not move.by:
        raise Refused(f"“{move.label}” happens when a correction is approved.")
    rules.check_payer(own=queries.takes_part(session, payment.award.participant_id, by))
    given = {"reason": reason, "reference": reference, "donated_to": donated_to}
    missing = {name: "This is needed." for name in move.needs if not given[name]}
    if missing:
        raise Invalid(missing)
    if move in (states.SEND, states.DONATE):
        rules.check_firm(payment.award)
    before = {"state": payment.state, "reference": payment.reference}
    slug = payment.challenge.slug
    if move is states.FAIL:
        _lock(session, payment.award)
    take(session, payment, move, at=at, **_values(move, given, at))
    after = {"state": payment.state, "reference": payment.reference, "amount": payment.amount}
    if payment.donated_to:
        after["donated_to"] = payment.donated_to
    record_payment(session, payment, move.name, slug, by=by, at=at, before=before, after=after, reason=payment.outcome)
    if move in (states.PAY, states.FAIL, states.DONATE):
        tell_payee(session, payment, move.name, at=at)
    if move is states.FAIL:
        _settle_anew(session, payment.award, by=by, at=at)


def _lock(session: Session, award: Award) -> None:
    """Let nobody approve a correction meanwhile, as `deciding` does."""
    session.execute(sa.select(Report.id).where(Report.id == award.report_id).with_for_update())


def _settle_anew(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """What failed may be more than what is due by now: a correction could not take back what was on its way."""
    standing = queries.standing(session, award.report_id).get(award.part)
    if standing is not None:
        settle(session, standing, by=by, at=at)


def export(session: Session, challenge: Challenge, *, by: int, at: datetime) -> PaymentBatch:
    """Put all that is due into one file for the bank, and mark it as sent: two who do it at once never pay twice.

    What is due to a participant to whom the person belongs waits for somebody else, and what is due for a report or a
    link that is not confirmed any more stays due. Raises Refused where nothing is left to send, Conflict where somebody
    has just done it.
    """
    number = session.scalars(
        sa.select(sa.func.max(PaymentBatch.number)).where(PaymentBatch.challenge_id == challenge.id)
    ).one()
    batch = PaymentBatch(challenge_id=challenge.id, number=(number or 0) + 1, made_at=at, made_by_id=by)
    session.add(batch)
    with conflicts():
        session.flush()
    sent = session.execute(
        sa.update(Payment)
        .where(Payment.challenge_id == challenge.id, Payment.state == PaymentState.DUE, queries.for_others(by))
        .values(state=PaymentState.SENT, state_since=at, sent_at=at, batch_id=batch.id)
        .where(queries.firm())
        .returning(Payment.id, Payment.amount)
        .execution_options(synchronize_session=False)
    ).all()
    if not sent:
        raise Refused("Nothing is due.")
    session.add_all([BatchLine(batch_id=batch.id, payment_id=number, amount=amount) for number, amount in sent])
    session.flush()
    session.expire_all()
    total = sum((amount for _, amount in sent), Decimal(0))
    audit.record(
        session, "awards:export", f"payment-batch:{batch.id}", by=by, at=at, scope=challenge.slug,
        after={"batch": batch.reference, "payments": sorted(number for number, _ in sent), "amount": f"{total:.2f}"},
    )  # fmt: skip
    return batch
