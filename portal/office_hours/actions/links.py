"""The way into a meeting: given, changed, taken away, and changed by itself when somebody is removed.

It is sealed at rest, and stands in no mail, feed, export, audit entry or log: mails say that it has changed, and where
to look.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.db import insert
from portal.core.errors import Refused
from portal.kits.queries.sealed import Sealed, everything
from portal.kits.vault import Vault
from portal.office_hours.actions.mails import context_of, people_of
from portal.office_hours.models import Booking, MeetingLink, Slot
from portal.office_hours.queries import links
from portal.office_hours.rules.links import SECRET, shown, subject, why_not_link

everything.append(Sealed("meeting links", MeetingLink, "id", "sealed", subject))
SUBJECTS = {"series_id": "series", "sitting_id": "session", "slot_id": "slot"}


def set_link(
    session: Session, place: str, number: int, url: str, vault: Vault, *, by: int, at: datetime, scope: str
) -> int:
    """Give the way into a series ("series_id"), a session or a slot; the old one is gone. How many bookings are told.

    Raises Refused where the address is none.
    """
    reason = why_not_link(url)
    if reason:
        raise Refused(reason)
    return _put(session, place, number, url, vault, by=by, at=at, scope=scope)


def renew_link(session: Session, place: str, number: int, vault: Vault, *, by: int, at: datetime, scope: str) -> int:
    """Make new secrets for the slots of a link that varies. How many bookings are told."""
    link = links.link_at(session, place, number)
    if link is None or link.sealed is None or not link.varying:
        raise Refused("Without {secret} in it, the address is what it is: make a new one there, and write it here.")
    url = str(vault.open(link.sealed, subject(link.id))["url"])
    return _put(session, place, number, url, vault, by=by, at=at, scope=scope)


def remove_link(session: Session, place: str, number: int, *, by: int, at: datetime, scope: str) -> None:
    """Forget the link of a series, a session or a slot; what is given for the larger whole counts again."""
    link = links.link_at(session, place, number)
    if link is None or link.sealed is None:
        return
    link.sealed, link.varying, link.changed_at, link.changed_by_id = None, False, at, by
    _note(session, "remove-link", place, number, {}, by=by, at=at, scope=scope)


def turn_slots(session: Session, slots: Iterable[Slot], *, at: datetime) -> None:
    """Change the way into slots of which somebody was removed. An address that does not vary is gone with that.

    Whoever is still booked is told if the way in was shown already.
    """
    found = links.ways(session, whole) if (whole := list(slots)) else {}
    for slot in whole:
        if found[slot.id].link is None:
            continue
        _turn(session, slot.id, at)
        if shown(slot.starts_at, slot.ends_at, at):
            tell_of_link(session, links.booked_in(session, [slot.id], sa.true()), at=at)


def _turn(session: Session, slot_id: int, at: datetime) -> None:
    made = insert(session, MeetingLink).values(
        slot_id=slot_id, varying=False, changed_at=at, turn=1, turned_at=at, sealed=None
    )
    gone = sa.case((MeetingLink.varying, MeetingLink.sealed), else_=sa.null())
    session.execute(
        made.on_conflict_do_update(
            index_elements=["slot_id"], set_={"turn": MeetingLink.turn + 1, "turned_at": at, "sealed": gone}
        )
    )


def tell_of_link(session: Session, bookings: Sequence[Booking], *, at: datetime) -> None:
    """Tell everybody of these bookings that the way in has changed, and where to look. Never what it is."""
    for booking in bookings:
        for person in people_of(booking):
            key = f"office-hours:{booking.uid}:way-in:{at.timestamp()}:{person.id}"
            outbox.post(session, "office_hours/way_in", to=person.email, key=key, at=at,
                        context=context_of(booking, person))  # fmt: skip


def _put(
    session: Session, place: str, number: int, url: str, vault: Vault, *, by: int, at: datetime, scope: str
) -> int:
    """Seal the address with a new seed, and tell those who have booked, if there was another one before."""
    told = links.booked_in(session, links.slots_at(place, number), Booking.ends_at > at)
    before = links.ways(session, list({booking.slot.id: booking.slot for booking in told}.values()))
    link = links.link_at(session, place, number)
    if link is None:
        link = MeetingLink(**{place: number}, changed_at=at, varying=False)
        session.add(link)
        with conflicts():
            session.flush()
    content = {"url": url, "seed": secrets.token_hex(16)}
    link.sealed, link.varying = vault.seal(content, subject(link.id)), SECRET in url
    link.changed_at, link.changed_by_id = at, by
    session.flush()
    _note(session, "set-link", place, number, {"varying": link.varying}, by=by, at=at, scope=scope)
    changed = [booking for booking in told if before[booking.slot_id].link or before[booking.slot_id].wanted]
    tell_of_link(session, changed, at=at)
    return len(changed)


def _note(
    session: Session, verb: str, place: str, number: int, after: dict[str, object], *, by: int, at: datetime, scope: str
) -> None:
    about = f"{SUBJECTS[place]}:{number}"
    audit.record(session, f"office_hours:{verb}", about, by=by, at=at, scope=scope, after=after)
