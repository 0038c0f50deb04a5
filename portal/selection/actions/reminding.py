"""Reviewers are reminded of what they have to read."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.applications.rules import spoken
from portal.challenges.models import Challenge
from portal.core import outbox
from portal.core.outbox import OutgoingMail
from portal.selection.queries.reviewing import open_for


def remind_reviewer(session: Session, challenge: Challenge, account: Account, number: int, until: datetime, *,
                    at: datetime) -> None:  # fmt: skip
    """Write to a reviewer how many reviews are due, at most once a day. The mail names nobody who applies."""
    outbox.post(
        session, "selection/reviews_due", to=account.email, at=at,
        key=f"reviews-due:{challenge.id}:{account.id}:{at:%Y-%m-%d}",
        context={
            "challenge": challenge.title, "challenge_id": challenge.id, "slug": challenge.slug, "account": account.id,
            "number": number, "until": spoken(until, account.zone), "late": until < at,
        },
    )  # fmt: skip


def who_reads(session: Session, challenge: Challenge) -> dict[int, Account]:
    """Everybody who can still be asked to review."""
    return {account.id: account for account in holders(session, Role.REVIEWER, challenge.slug)}


def _still_open(session: Session, mail: OutgoingMail) -> bool:
    return open_for(session, mail.context["challenge_id"], mail.context["account"]) > 0


outbox.guard("selection/reviews_due", _still_open)
