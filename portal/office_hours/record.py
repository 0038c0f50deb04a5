"""What the notes, commitments and arrivals of office hours keep of a person, and how they are forgotten."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours.models import Answer, Arrival, Booking, HostArrival, Note, Promise
from portal.office_hours.states import AnswerState, Consent, NoteKind, PromiseState

ERASED = "Erased"
# Why a promise ends that nobody keeps any more.
GONE = "The account was erased."


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What the person noted, what was noted for them and promised, and when they checked in. Not internal notes."""
    own = sa.select(Booking.id).where(Booking.account_id == account_id)
    shared = sa.and_(Note.booking_id.in_(own), Note.kind == NoteKind.SHARED)
    notes = session.scalars(sa.select(Note).where(sa.or_(Note.author_id == account_id, shared)).order_by(Note.id))
    promised = sa.or_(Promise.owner_id == account_id, Promise.booking_id.in_(own))
    promises = session.scalars(sa.select(Promise).where(promised).order_by(Promise.id))
    arrivals = session.scalars(
        sa.select(Arrival).where(sa.or_(Arrival.here_by_id == account_id, Arrival.booking_id.in_(own)))
        .order_by(Arrival.booking_id, Arrival.slot_id)
    )  # fmt: skip
    asked = session.scalars(
        sa.select(Answer).where(Answer.booking_id.in_(own), Answer.consent_at.is_not(None)).order_by(Answer.consent_at)
    )
    return {
        "notes": [
            {"at": note.written_at, "kind": note.kind, "mine": note.author_id == account_id, "text": note.text}
            for note in notes
        ],
        "commitments": [
            {"text": each.text, "due_on": each.due_on, "state": each.state, "mine": each.owner_id in (account_id, None)}
            for each in promises
        ],
        "check_ins": [{"here_at": each.here_at, "late_minutes": each.late_minutes} for each in arrivals],
        "asked_for_consent": [{"title": each.title, "consent": each.consent, "at": each.consent_at} for each in asked],
    }


def erase(session: Session, account_id: int, at: datetime) -> None:
    """Forget the person's words and what was noted for them. An answer for all stays only where they had agreed."""
    own = sa.select(Booking.id).where(Booking.account_id == account_id)
    waiting = (Answer.booking_id.in_(own), Answer.consent.in_((Consent.NOT_ASKED, Consent.ASKED)))
    theirs = sa.or_(Promise.owner_id == account_id, sa.and_(Promise.owner_id.is_(None), Promise.booking_id.in_(own)))
    for statement in (
        sa.update(Note).where(sa.or_(Note.author_id == account_id, Note.booking_id.in_(own))).values(text=ERASED),
        sa.update(Promise)
        .where(theirs, Promise.state == PromiseState.OPEN)
        .values(state=PromiseState.DROPPED, state_since=at, reason=GONE),
        sa.update(Promise).where(Promise.booking_id.in_(own)).values(text=ERASED),
        # Nobody can agree any more; what is not published yet never is.
        sa.update(Answer).where(*waiting, Answer.state != AnswerState.PUBLISHED).values(consent=Consent.REFUSED),
        sa.delete(Arrival).where(sa.or_(Arrival.booking_id.in_(own), Arrival.here_by_id == account_id)),
        sa.delete(HostArrival).where(HostArrival.account_id == account_id),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
