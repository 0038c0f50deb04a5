"""What awards keep of a person."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts import personal
from portal.awards.models import Award, AwardConflict, Payment
from portal.awards.states import COUNTED, FOR_FINANCE, OPEN, PaymentState
from portal.challenges.models import Member


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What was decided for the participants for whom the person acts, the person's own payments, and conflicts of
    interest that they declared."""
    return {
        "awards": [_award(award, account_id) for award in _awards(session, account_id)],
        "payments": [_payment(payment) for payment in _payments(session, account_id)],
        "conflicts_of_interest": [
            {"participant": noted.participant_id, "noted_at": noted.noted_at}
            for noted in session.scalars(sa.select(AwardConflict).where(AwardConflict.account_id == account_id))
        ],
    }


def _awards(session: Session, account_id: int) -> sa.ScalarResult[Award]:
    return session.scalars(
        sa.select(Award)
        .join(Member, Member.participant_id == Award.participant_id)
        .where(Member.account_id == account_id, Award.state.in_(FOR_FINANCE))
        .order_by(Award.id)
    )


def _award(award: Award, account_id: int) -> dict[str, Any]:
    return {
        "report": award.report_id, "part": award.part, "entry": award.kind, "amount": f"{award.amount:.2f}",
        "change": f"{award.change:.2f}", "currency": award.currency, "state": award.state, "because": award.because,
        "approved_at": award.approved_at,
        "your_share": next((f"{share.amount:.2f}" for share in award.shares if share.account_id == account_id), None),
    }  # fmt: skip


def _payments(session: Session, account_id: int) -> sa.ScalarResult[Payment]:
    return session.scalars(
        sa.select(Payment)
        .options(joinedload(Payment.award))
        .where(Payment.account_id == account_id, Payment.state.in_(COUNTED))
        .order_by(Payment.id)
    )


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "report": payment.award.report_id, "amount": f"{payment.amount:.2f}", "currency": payment.currency,
        "state": payment.state, "since": payment.state_since, "reference": payment.reference,
        "donated_to": payment.donated_to, "reason": payment.outcome,
    }  # fmt: skip


def objection(session: Session, account_id: int, _at: datetime) -> str | None:
    """Whoever still has money to come is needed to be paid."""
    open_ = sa.select(Payment.id).where(Payment.account_id == account_id, Payment.state.in_(OPEN | {PaymentState.SENT}))
    if session.scalars(open_.limit(1)).one_or_none() is None:
        return None
    return (
        "Money from an award is still to come to you. Take it, have it donated, or refuse it first: write to finance."
    )


personal.objections.append(objection)
personal.exporters["awards"] = exported
personal.kept.append(
    personal.Kept(
        "Awards and payments: amounts, shares, states, payment references, to whom you donated",
        "To pay you, and to account for the money. No bank account is kept here: finance asks you for it.",
        "As long as the law asks of account books.",
    )
)
