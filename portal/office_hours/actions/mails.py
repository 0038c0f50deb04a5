"""Telling the people of a booking, each with an entry for their calendar."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import outbox
from portal.office_hours.ics import Meeting, Sender, invitation
from portal.office_hours.models import Booking
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.states import SEATED
from portal.office_hours.time import spoken


def page_of(booking: Booking, *, for_host: bool) -> str:
    """The path of the page on which hosts, or the participant's people, find the booking."""
    slug = booking.slot.sitting.series.challenge.slug
    if for_host:
        return f"/staff/{slug}/office-hours/sessions/{booking.slot.sitting_id}"
    return f"/challenges/{slug}/office-hours/bookings/{booking.uid}"


def meeting_of(
    booking: Booking, recipient: Account, *, for_host: bool | None = None, released: bool = False
) -> Meeting:
    """The booking as one person's calendar shows it: called off where it is, or where the person no longer hosts it.

    Whoever has not booked it is taken for a host, unless `for_host` says otherwise.
    """
    if for_host is None:
        for_host = recipient.id != booking.account_id
    return Meeting(
        uid=booking.uid,
        sequence=booking.sequence,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        changed_at=booking.changed_at,
        path=page_of(booking, for_host=for_host),
        cancelled=released or booking.state not in SEATED,
    )


def context_of(booking: Booking, recipient: Account) -> dict[str, object]:
    """What a mail says: when, on the recipient's clock and in UTC, and where to read more. Never what about."""
    return {
        "challenge": booking.slot.sitting.series.challenge.title,
        "slug": booking.slot.sitting.series.challenge.slug,
        "uid": booking.uid,
        "sequence": booking.sequence,
        "sitting": booking.slot.sitting_id,
        "for_host": recipient.id != booking.account_id,
        # Who of the staff did it; "" where the participant's people did it themselves.
        "actor": "",
        "when": spoken(booking.starts_at, booking.ends_at, recipient.zone),
        "utc": spoken(booking.starts_at, booking.ends_at, "UTC"),
    }


def people_of(booking: Booking) -> list[Account]:
    """Who is told of the booking: the person who booked and the hosts, each once."""
    people = (booking.account, *hosts_of(booking.slot))
    return list({person.id: person for person in people if person.active}.values())


def tell(session: Session, booking: Booking, news: str, *, at: datetime, sender: Sender | None, **more: object) -> None:
    """Send `news` ("booked", "moved", "cancelled") of a whole booking to its people, for their calendars too."""
    if sender is None:
        return
    for person in people_of(booking):
        _post(session, booking, person, news, meeting_of(booking, person), at=at, sender=sender, **more)


def tell_one(
    session: Session, booking: Booking, person: Account, news: str, *, at: datetime, sender: Sender | None
) -> None:
    """Send `news` of a whole booking to one of its people."""
    if sender is not None:
        _post(session, booking, person, news, meeting_of(booking, person), at=at, sender=sender)


def release(session: Session, booking: Booking, host: Account, *, at: datetime, sender: Sender | None) -> None:
    """Take a booking that has moved to another host out of the calendar of the one before."""
    if sender and host.active and host.id not in {person.id for person in people_of(booking)}:
        _post(session, booking, host, "released", meeting_of(booking, host, released=True), at=at, sender=sender)


def _post(
    session: Session, booking: Booking, person: Account, news: str, meeting: Meeting, *, at: datetime, sender: Sender,
    **more: object,
) -> None:  # fmt: skip
    """One mail a person and change: the sequence is in its key."""
    outbox.post(
        session,
        f"office_hours/{news}",
        to=person.email,
        key=f"office-hours:{booking.uid}:{booking.sequence}:{news}:{person.id}",
        at=at,
        context={**context_of(booking, person), **more},
        calendar=invitation(meeting, sender, attendee=person.email),
    )
