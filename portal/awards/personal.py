"""What awards keep of a person."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.awards.models import Award
from portal.awards.states import GRANTED
from portal.challenges.models import Member


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """The awards granted to the participants for whom the person acts."""
    awards = session.scalars(
        sa.select(Award)
        .join(Member, Member.participant_id == Award.participant_id)
        .where(Member.account_id == account_id, Award.state.in_(GRANTED))
        .order_by(Award.id)
    ).all()
    return {
        "awards": [
            {
                "report": award.report_id, "amount": f"{award.amount:.2f}", "currency": award.currency,
                "state": award.state, "approved_at": award.approved_at,
            }
            for award in awards
        ]
    }  # fmt: skip


personal.exporters["awards"] = exported
personal.kept.append(
    personal.Kept(
        "Awards: amounts, states, payment references",
        "To pay you, and to account for the money.",
        "As long as the law asks of account books.",
    )
)
