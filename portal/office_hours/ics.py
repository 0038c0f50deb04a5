"""Bookings as iCalendar (RFC 5545): the objects in invitations (RFC 5546) and the feeds.

Everything is neutral: no topic, no question, no name of a participant. Times are UTC, one attendee an object.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import icalendar

from portal.config import Config
from portal.core.outbox import Calendar

PRODUCT = "-//Research challenge portal//Office hours//EN"
SUMMARY = "Office hours"
REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the portal's own mail address, which is every meeting's organizer, and its public address."""

    address: str
    public_url: str
    name: str = "Research challenge"

    @classmethod
    def of(cls, config: Config) -> "Sender":
        """The sender that the settings name."""
        return cls(config.mail_from, config.public_url)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a calendar program may know of a booking. Instants are aware; `path` leads to its page in the portal."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    path: str
    cancelled: bool = False
    subject: str = SUMMARY


def _person(address: str, **parameters: str) -> icalendar.vCalAddress:
    person = icalendar.vCalAddress(f"mailto:{address}")
    for name, value in parameters.items():
        person.params[name] = value
    return person


def _event(meeting: Meeting, sender: Sender) -> icalendar.Event:
    link = f"{sender.public_url}{meeting.path}"
    event = icalendar.Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", meeting.changed_at.astimezone(UTC))
    event.add("last-modified", meeting.changed_at.astimezone(UTC))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("summary", meeting.subject)
    event.add("description", f"Topic, people and the way in: {link}")
    event.add("url", link)
    event.add("status", "CANCELLED" if meeting.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if meeting.cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    event.add("organizer", _person(sender.address, CN=sender.name))
    return event


def _calendar() -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    return calendar


def invitation(meeting: Meeting, sender: Sender, *, attendee: str) -> Calendar:
    """The REQUEST or CANCEL for one person's calendar. The attendee asked for the meeting, so it counts as accepted."""
    method = "CANCEL" if meeting.cancelled else "REQUEST"
    calendar, event = _calendar(), _event(meeting, sender)
    calendar.add("method", method)
    person = _person(attendee, CUTYPE="INDIVIDUAL", ROLE="REQ-PARTICIPANT", PARTSTAT="ACCEPTED", RSVP="FALSE")
    event.add("attendee", person)
    calendar.add_component(event)
    return Calendar(method, calendar.to_ical().decode())


def feed(meetings: Iterable[Meeting], sender: Sender, *, title: str) -> bytes:
    """A calendar to subscribe to. The same meetings give the same bytes, so that an ETag tells whether it changed."""
    calendar = _calendar()
    calendar.add("method", "PUBLISH")
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for meeting in meetings:
        calendar.add_component(_event(meeting, sender))
    return bytes(calendar.to_ical())
