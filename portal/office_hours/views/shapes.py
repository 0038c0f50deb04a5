"""What the templates are given: slots by day on the viewer's clock, and what stands in the way of each."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from flask import current_app

from portal.accounts.models import Account
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.mail import config_of
from portal.kits.vault import Vault
from portal.office_hours import rules
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Series, Slot
from portal.office_hours.queries import Offer
from portal.office_hours.queries.components import Known
from portal.office_hours.queries.days import lateness
from portal.office_hours.queries.links import ways
from portal.office_hours.rules.links import address, shown, subject
from portal.office_hours.states import BookingState, SlotState, Source
from portal.office_hours.time import Face, face, iso_week, shift

HELD_NOW, FULL = "Held for somebody just now; it may open again.", "All seats are taken."


class Card(NamedTuple):
    """One slot for one viewer. `why_not` is empty where it can be booked, `mine` says that a seat is held for them.

    `knows` are the components that its hosts know.
    """

    slot: Slot
    series: Series
    begin: Face
    end: Face
    free: int
    shifted: str
    why_not: str
    mine: bool = False
    knows: Sequence[str] = ()

    @property
    def full(self) -> bool:
        """Whether nothing but the lack of seats stands in the way, so that one can wait for one."""
        return self.why_not in (HELD_NOW, FULL)


class Day(NamedTuple):
    """The slots of one day on the viewer's clock."""

    date: date
    cards: list[Card]


class Quota(NamedTuple):
    """How many bookings of a week are left."""

    week: str
    left: int
    of: int


class Entry(NamedTuple):
    """One line of a booking's timeline."""

    at: datetime
    title: str
    detail: str = ""
    actor: str = ""


def sender() -> Sender:
    """Who invites: the portal under its configured address."""
    return Sender.of(config_of(current_app))


def way_into(slots: Sequence[Slot], at: datetime) -> dict[int, str]:
    """The addresses of slots whose doors are open now. Only for those who may enter."""
    late = lateness(db.session, {slot.sitting_id for slot in slots})
    now = [
        slot
        for slot in slots
        if slot.state is SlotState.OPEN and shown(slot.starts_at, slot.ends_at, at, late.get(slot.sitting_id, 0))
    ]
    found, vault = ways(db.session, now) if now else {}, Vault.of(config_of(current_app))
    told = {}
    for slot_id, way in found.items():
        if way.link is not None and way.link.sealed is not None:
            # A link whose key is lost is as good as none: its hosts give a new one.
            with suppress(Refused):
                content = vault.open(way.link.sealed, subject(way.link.id))
                told[slot_id] = address(content, slot_id, way.turn)
    return told


def days(
    offers: Sequence[Offer], record: rules.Record, viewer: Account, at: datetime, known: Known | None = None
) -> list[Day]:
    """Offers as cards, grouped by day; what is not open for booking yet is left out."""
    cards = [
        _card(offer, record, viewer, at, known)
        for offer in offers
        if offer.slot.starts_at <= at + timedelta(days=offer.slot.sitting.series.advance_days)
    ]
    return [Day(day, list(group)) for day, group in groupby(cards, key=lambda card: card.begin.day)]


def _card(offer: Offer, record: rules.Record, viewer: Account, at: datetime, known: Known | None) -> Card:
    slot, series = offer.slot, offer.slot.sitting.series
    free = offer.seats - offer.taken
    others = record.without_holds()
    mine = any(seat.slot_id == slot.id for seat in record.taken) and not any(
        seat.slot_id == slot.id for seat in others.taken
    )
    spent = len(others.numbers(iso_week(slot.starts_at, series.challenge.zone))) >= series.weekly_quota
    # The page says once why that is.
    struck = rules.why_not_strikes(others.lapses, slot.starts_at, series, at)
    why_not = (
        rules.why_not_slot(slot, series, at)
        or (f"For you it opens {rules.hours(series.strike_hours)} before." if struck else None)
        or rules.why_not_record(others, slot, series, at, Source.PAGE)
        or (_full(offer) if free < 1 and not mine else None)
        or ("Your bookings of this week are used up." if spent else None)
        or ""
    )
    return Card(
        slot, series, face(slot.starts_at, viewer.zone, series.zone), face(slot.ends_at, viewer.zone, series.zone),
        free, _shifted(slot, series, viewer), why_not, mine, known.here(slot) if known else (),
    )  # fmt: skip


def _full(offer: Offer) -> str:
    return HELD_NOW if offer.held else FULL


def _shifted(slot: Slot, series: Series, viewer: Account) -> str:
    by = shift(slot.sitting.local, series.zone, viewer.zone)
    if not by:
        return ""
    return f"{rules.length(abs(by))} {'later' if by > timedelta() else 'earlier'} than usual for you"


def quota_of(series: Sequence[Series], record: rules.Record, week: str) -> Quota:
    """What is left of a week; where series differ, the most generous one counts."""
    most = max((each.weekly_quota for each in series), default=0)
    return Quota(week, max(0, most - len(record.without_holds().numbers(week))), most)


def timeline_of(booking: Booking) -> list[Entry]:
    """How the booking came to be what it is."""
    actor = booking.booked_by or booking.account
    entries = [Entry(booking.booked_at, "Booked", actor=actor.name)]
    moved = booking.sequence and booking.state in (BookingState.CONFIRMED, BookingState.ATTENDED, BookingState.NO_SHOW)
    if moved:
        entries.append(Entry(booking.changed_at, "Moved to its present time"))
    if booking.state is not BookingState.CONFIRMED:
        entries.append(Entry(booking.state_since, booking.state.replace("_", " ").capitalize()))
    return entries
