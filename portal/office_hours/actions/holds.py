"""A seat that is kept for a few minutes, while somebody fills in the form."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.errors import Refused
from portal.core.moves import take
from portal.office_hours import queries, rules, states
from portal.office_hours.actions.bookings import Wish, book_slot
from portal.office_hours.actions.places import one_at_a_time
from portal.office_hours.models import Booking, Slot


class TooManyHolds(Refused):
    """Somebody holds seats again and again and books none. What is free they can still book."""


def hold_slot(session: Session, slot: Slot, member: Member, *, at: datetime) -> Booking:
    """Keep a seat for the member's participant; the one that was kept for them before is let go.

    Asking again for the same slot neither takes a second seat nor makes the time longer. Raises Refused, Conflict.
    """
    one_at_a_time(session, member.participant_id)
    held = queries.hold_of(session, member.participant_id, at)
    if held is None or held.slot_id != slot.id:
        let_go = queries.holds_let_go(session, member.participant_id, slot.id, at - rules.HOLDS_SPAN)
        reason = rules.why_not_hold(*let_go)
        if reason:
            raise TooManyHolds(reason)
    wish = Wish(key=f"hold-{uuid4().hex}", topic="")
    return book_slot(session, slot, member, wish, at=at, sender=None, hold_until=at + rules.HOLD)


def give_hold_back(session: Session, slot: Slot, member: Member, *, at: datetime) -> bool:
    """Let others have the seat that was kept; whether there was one."""
    held = queries.hold_of(session, member.participant_id, at)
    if held is None or held.slot_id != slot.id:
        return False
    take(session, held, states.EXPIRE, at=at, hold_expires_at=None)
    audit.record(
        session, "office_hours:give-back", f"booking:{held.id}", by=member.account_id, at=at,
        scope=slot.sitting.series.challenge.slug, after={"slot": slot.id},
    )  # fmt: skip
    return True
