"""Answered early: a host writes, the participant says whether that will do, and then the seat goes to others."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.core.moves import Move, take
from portal.office_hours import states
from portal.office_hours.actions.bookings import settle_booking
from portal.office_hours.actions.mails import context_of
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, WrittenAnswer
from portal.office_hours.rules.questions import why_not_answer
from portal.office_hours.states import EarlyState

WILL_DO = "It was answered in writing."


def offer_answer(session: Session, booking: Booking, text: str, *, by: int, at: datetime) -> WrittenAnswer:
    """WrittenAnswer a booking in writing ahead of its session. The mail says only that there is an answer."""
    reason = why_not_answer(booking, at)
    if reason:
        raise Refused(reason)
    made = WrittenAnswer(
        booking_id=booking.id, by_id=by, offered_at=at, state=EarlyState.OFFERED, state_since=at, text=text
    )
    session.add(made)
    with conflicts():
        session.flush()
    person = booking.account
    outbox.post(session, "office_hours/answered_early", to=person.email, key=f"office-hours:answer:{made.id}", at=at,
                context={**context_of(booking, person), "for_host": False})  # fmt: skip
    _note(session, "answer", booking, made, by=by, at=at)
    return made


def move_answer(
    session: Session, booking: Booking, answer: WrittenAnswer, move: Move[EarlyState], *,
    by: int, at: datetime, sender: Sender | None,
) -> None:  # fmt: skip
    """Say, as the participant, whether an answer will do. If so, the seat is given back with its credit."""
    reason = why_not_answer(booking, at)
    if reason:
        raise Refused(reason)
    take(session, answer, move, at=at)
    _note(session, f"{move.name}-answer", booking, answer, by=by, at=at)
    if move is states.ACCEPT_ANSWER:
        settle_booking(session, booking, states.SETTLE, WILL_DO, by=by, at=at, sender=sender)


def take_back_answer(session: Session, booking: Booking, answer: WrittenAnswer, *, by: int, at: datetime) -> None:
    """Forget what was written, as a host: it said too much, or the wrong thing."""
    take(session, answer, states.TAKE_BACK_ANSWER, at=at, text="")
    _note(session, states.TAKE_BACK_ANSWER.name, booking, answer, by=by, at=at)


def _note(session: Session, verb: str, booking: Booking, answer: WrittenAnswer, *, by: int, at: datetime) -> None:
    scope = booking.slot.sitting.series.challenge.slug
    audit.record(session, f"office_hours:{verb}", f"booking:{booking.id}", by=by, at=at, scope=scope,
                 after={"answer": answer.id})  # fmt: skip
