"""What results keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.challenges.models import Member
from portal.results.models import Acknowledgement


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """The names under which the person is thanked."""
    given = session.scalars(
        sa.select(Acknowledgement)
        .join(Acknowledgement.member)
        .where(Member.account_id == account_id)
        .order_by(Acknowledgement.member_id)
    ).all()
    return {"acknowledgements": [{"name": each.name, "link": each.url, "given_at": each.given_at} for each in given]}


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Take the name off the pages that thank."""
    places = sa.select(Member.id).where(Member.account_id == account_id)
    session.execute(
        sa.delete(Acknowledgement)
        .where(Acknowledgement.member_id.in_(places))
        .execution_options(synchronize_session=False)
    )


personal.exporters["results"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Your name among those who are thanked",
        "Because you asked for it.",
        "Until you withdraw it or erase your account.",
    )
)
