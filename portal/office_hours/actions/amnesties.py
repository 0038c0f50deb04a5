"""Forgiving what was missed: one booking, or everything of a session, such as when the meeting itself failed."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.office_hours import queries
from portal.office_hours.ics import Sender
from portal.office_hours.models import Amnesty, Booking, Sitting
from portal.office_hours.queries.strikes import Strike, strikes
from portal.office_hours.time import spoken


def forgive_strike(
    session: Session, challenge: Challenge, booking: Booking, reason: str, *, by: int, at: datetime,
    sender: Sender | None,
) -> None:  # fmt: skip
    """Let a participant's strike count no more. Raises Refused where there is none, Conflict where it was done."""
    live = _live(session, challenge, at, booking_id=booking.id)
    if not live:
        raise Refused("There is no strike to forgive: it has lapsed, was forgiven, or the mark was corrected.")
    _forgive(session, Amnesty(booking_id=booking.id, reason=reason, forgiven_at=at, forgiven_by_id=by))
    audit.record(
        session, "office_hours:forgive-strike", f"booking:{booking.id}", by=by, at=at, scope=challenge.slug,
        reason=reason, after={"participant": booking.participant_id},
    )  # fmt: skip
    _tell(session, challenge, live, reason, at, sender)


def forgive_sitting(
    session: Session, challenge: Challenge, sitting: Sitting, reason: str, *, by: int, at: datetime,
    sender: Sender | None,
) -> int:  # fmt: skip
    """Let no strike of a session count, those that are marked later included; how many there were.

    Raises Conflict where it was done already.
    """
    if sitting.starts_at > at:
        raise Refused("It has not begun: nobody can have missed it.")
    live = _live(session, challenge, at, sitting_id=sitting.id)
    _forgive(session, Amnesty(sitting_id=sitting.id, reason=reason, forgiven_at=at, forgiven_by_id=by))
    audit.record(
        session, "office_hours:forgive-session", f"session:{sitting.id}", by=by, at=at, scope=challenge.slug,
        reason=reason, after={"strikes": len(live)},
    )  # fmt: skip
    _tell(session, challenge, live, reason, at, sender)
    return len(live)


def _live(
    session: Session,
    challenge: Challenge,
    at: datetime,
    *,
    booking_id: int | None = None,
    sitting_id: int | None = None,
) -> list[Strike]:
    return [
        strike
        for strike in strikes(session, challenge.id, at)
        if strike.forgiven is None and (strike.booking_id == booking_id or strike.sitting_id == sitting_id)
    ]


def _forgive(session: Session, amnesty: Amnesty) -> None:
    session.add(amnesty)
    with conflicts():
        session.flush()


def _tell(
    session: Session, challenge: Challenge, forgiven: list[Strike], reason: str, at: datetime, sender: Sender | None
) -> None:
    if sender is None:
        return
    for strike in forgiven:
        booking = queries.whole_booking(session, strike.booking_id)
        person = booking.account
        if not person.active:
            continue
        outbox.post(
            session, "office_hours/forgiven", to=person.email, key=f"office-hours:{booking.uid}:forgiven:{person.id}",
            at=at,
            context={
                "challenge": challenge.title, "slug": challenge.slug, "uid": booking.uid, "reason": reason,
                "when": spoken(booking.starts_at, booking.ends_at, person.zone),
            },
        )  # fmt: skip
