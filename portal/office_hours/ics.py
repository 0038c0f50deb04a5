"""Bookings as iCalendar (RFC 5545): the objects in invitations (RFC 5546) and the feeds.

Everything is neutral: no topic, no question, no name of a participant. Times are UTC, one attendee an object. A UID is
a random UUID and nothing else: RFC 7986, 5.3, lets it name neither people nor hosts.
"""

import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from portal.config import Config
from portal.core.outbox import Calendar

if TYPE_CHECKING:  # loaded where a calendar is written: most processes write none
    import icalendar

PRODUCT = "-//Research challenge portal//Office hours//EN"
SUMMARY = "Office hours"
BUSY_SUMMARY = "Busy"
REFRESH = timedelta(hours=1)
# What RFC 5545 allows in no text, and what some programs take for the end of a line.
_UNWRITABLE = {"Cc": "", "Cs": "", "Zl": "\n", "Zp": "\n"}


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


class Busy(NamedTuple):
    """A time at which somebody has no time. `noted_at` is when that became so."""

    starts_at: datetime
    ends_at: datetime
    noted_at: datetime


def writable(text: str) -> str:
    """Text as iCalendar can hold it: no control characters but tabs, and one kind of line break."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign if sign in "\n\t" else _UNWRITABLE.get(unicodedata.category(sign), sign) for sign in lines)


def mailto(address: str) -> str:
    """An address as a URI (RFC 6068): what has a meaning in URIs, and every sign beyond ASCII, is percent-encoded."""
    return "mailto:" + quote(address, safe="!$'*+@")


def _person(address: str, **parameters: str) -> "icalendar.vCalAddress":
    import icalendar

    person = icalendar.vCalAddress(mailto(address))
    for name, value in parameters.items():
        person.params[name] = value
    return person


def _event(meeting: Meeting, sender: Sender) -> "icalendar.Event":
    link = f"{sender.public_url}{meeting.path}"
    import icalendar

    event = icalendar.Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", meeting.changed_at.astimezone(UTC))
    event.add("last-modified", meeting.changed_at.astimezone(UTC))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("summary", writable(meeting.subject))
    event.add("description", f"Topic, people and the way in: {link}")
    event.add("url", link)
    event.add("status", "CANCELLED" if meeting.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if meeting.cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    event.add("organizer", _organizer(sender))
    return event


def _organizer(sender: Sender) -> "icalendar.vCalAddress":
    return _person(sender.address, CN=writable(sender.name))


def _busy(span: Busy, sender: Sender, whose: str) -> "icalendar.Event":
    import icalendar

    event = icalendar.Event()
    event.add("uid", str(uuid.uuid5(uuid.NAMESPACE_URL, f"{sender.public_url}/{whose}#{span.starts_at.timestamp()}")))
    event.add("dtstamp", span.noted_at.astimezone(UTC))
    event.add("dtstart", span.starts_at.astimezone(UTC))
    event.add("dtend", span.ends_at.astimezone(UTC))
    event.add("summary", BUSY_SUMMARY)
    event.add("transp", "OPAQUE")
    event.add("organizer", _organizer(sender))
    return event


def _calendar() -> "icalendar.Calendar":
    import icalendar

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
    return _published(title, (_event(meeting, sender) for meeting in meetings))


def busy_feed(spans: Iterable[Busy], sender: Sender, *, title: str, whose: str) -> bytes:
    """Times at which somebody is busy, and nothing else. `whose` tells the calendars of a portal apart.

    They are events, although RFC 5545 has VFREEBUSY: hardly any program shows that in a subscribed calendar.
    """
    return _published(title, (_busy(span, sender, whose) for span in spans))


def _published(title: str, events: Iterable["icalendar.Event"]) -> bytes:
    import icalendar

    calendar = _calendar()
    calendar.add("method", "PUBLISH")
    # The library escapes only where it knows that a property is text.
    for name in ("name", "x-wr-calname"):
        calendar.add(name, icalendar.vText(writable(title)))
    # How often to ask (RFC 7986, 5.7), and the same in the words of programs that are older than it.
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for event in events:
        calendar.add_component(event)
    return bytes(calendar.to_ical())
