"""Mails before a key of the current set expires: to the admins, and to whoever's key it is."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import EVERYWHERE, Role
from portal.core import outbox
from portal.reports.models import KeySet, KeySetMember
from portal.reports.queries.keys import current_set

# Days before the end, the most urgent first.
STEPS = (1, 7, 30)


def warn_of_expiry(session: Session, at: datetime) -> int:
    """Post what is due, each once; how many keys are about to expire."""
    current = current_set(session)
    if current is None:
        return 0
    due = [(member, days) for member in current.members if (days := _step(member.expires_at, at))]
    for member, days in due:
        _tell(session, current, member, days, at)
    return len(due)


def _step(expires: datetime | None, at: datetime) -> int | None:
    """The step at which a key is now; None while it has time, or once it is over."""
    if expires is None or expires <= at:
        return None
    return next((days for days in STEPS if expires - timedelta(days=days) <= at), None)


def _tell(session: Session, current: KeySet, member: KeySetMember, days: int, at: datetime) -> None:
    people = {account.id: (account, "keys_expire") for account in holders(session, Role.ADMIN, EVERYWHERE)}
    owner = session.get(Account, member.account_id) if member.account_id else None
    if owner and owner.active:
        people[owner.id] = (owner, "key_expires")
    day = member.expires_at.date().isoformat() if member.expires_at else ""
    context = {"number": current.number, "fingerprint": member.fingerprint, "day": day}
    for account, template in people.values():
        key = f"key-set:{current.number}:{member.fingerprint}:{days}:{account.id}"
        outbox.post(session, f"reports/{template}", to=account.email, key=key, at=at, context=context)
