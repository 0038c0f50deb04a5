"""What is written is what was meant, whatever people are called: read back by a library and by the grammar itself."""

import unicodedata
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import icalendar
from hypothesis import given
from hypothesis import strategies as some

from portal.office_hours.ics import BUSY_SUMMARY, Busy, Meeting, Sender, busy_feed, feed, invitation, writable
from tests.office_hours.lines import Component, calendar_of

# Everything that a keyboard, a paste or a program can bring, and the signs that mean something in iCalendar.
NASTY = "\r\n\0\x0b\x85\u2028\\;,:\"'^n=BEGIN END"
TEXTS = some.text(some.characters(exclude_categories=["Cs"])) | some.text(NASTY, max_size=90)
# The library reads a backslash in a parameter as an escape, which the grammar does not know, and drops mere blanks.
NAMES = TEXTS.filter(lambda text: not {"\n", "\\"} & set(writable(text)) and not (text and text.isspace()))
LOCAL = some.text("abcxyz.!#$%&'*+/=?^_`{|}~-éß漢😀", min_size=1, max_size=40)
HOSTS = some.sampled_from(["example.org", "mail.example.org", "bücher.example", "x" * 60 + ".example.org"])
ADDRESSES = some.tuples(LOCAL, HOSTS).map("@".join)
EARLY, LATE = datetime(2020, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001
INSTANTS = some.datetimes(EARLY, LATE).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
LENGTHS = some.integers(1, 12 * 60).map(lambda minutes: timedelta(minutes=minutes))


@some.composite
def meetings(draw: some.DrawFn) -> Meeting:
    """Any meeting, with a subject that no form of ours would let through."""
    starts_at = draw(INSTANTS)
    uid = str(draw(some.uuids(version=4)))
    return Meeting(
        uid, draw(some.integers(0, 2**31 - 1)), starts_at, starts_at + draw(LENGTHS), draw(INSTANTS),
        f"/challenges/pluto/office-hours/bookings/{uid}", draw(some.booleans()), draw(TEXTS),
    )  # fmt: skip


@some.composite
def senders(draw: some.DrawFn) -> Sender:
    """Any sender."""
    return Sender(draw(ADDRESSES), "https://research.example.org", draw(NAMES))


def event_of(octets: bytes, *, method: str) -> tuple[Component, icalendar.Event]:
    """The one event, as both read it."""
    calendar, other = calendar_of(octets), icalendar.Calendar.from_ical(octets)
    assert calendar.one("METHOD").value == other["METHOD"] == method
    (event,) = calendar.parts
    (its,) = other.walk("VEVENT")
    assert event.name == "VEVENT"
    assert not its.errors
    assert sorted(line.name for line in event.lines) == sorted(name for name, _ in its.property_items(recursive=False)
                                                             if name not in ("BEGIN", "END"))  # fmt: skip
    return event, its


@given(meetings(), senders(), ADDRESSES)
def test_an_invitation_reads_back_equal(meeting: Meeting, sender: Sender, attendee: str) -> None:
    made = invitation(meeting, sender, attendee=attendee)

    assert made.method == ("CANCEL" if meeting.cancelled else "REQUEST")
    event, its = event_of(made.text.encode(), method=made.method)
    assert (event.one("UID").text, event.one("SEQUENCE").value) == (meeting.uid, str(meeting.sequence))
    assert event.one("STATUS").value == ("CANCELLED" if meeting.cancelled else "CONFIRMED")
    for name, instant in (
        ("DTSTART", meeting.starts_at), ("DTEND", meeting.ends_at), ("DTSTAMP", meeting.changed_at),
        ("LAST-MODIFIED", meeting.changed_at),
    ):  # fmt: skip
        assert event.one(name).instant == its[name].dt == instant
    assert event.one("SUMMARY").text == str(its["SUMMARY"]) == writable(meeting.subject)
    for name, address in (("ORGANIZER", sender.address), ("ATTENDEE", attendee)):
        assert event.one(name).value == str(its[name])
        assert event.one(name).value.isascii()
        assert unquote(event.one(name).value) == f"mailto:{address}"
    assert event.one("ORGANIZER").parameters["CN"] == its["ORGANIZER"].params["CN"] == writable(sender.name)


@given(some.lists(meetings(), max_size=5), senders(), NAMES)
def test_a_feed_reads_back_equal(told: list[Meeting], sender: Sender, title: str) -> None:
    octets = feed(told, sender, title=title)

    calendar = calendar_of(octets)
    assert calendar.one("NAME").text == calendar.one("X-WR-CALNAME").text == writable(title)
    assert calendar.one("REFRESH-INTERVAL").value == calendar.one("X-PUBLISHED-TTL").value == "PT1H"
    assert [event.one("UID").text for event in calendar.parts] == [meeting.uid for meeting in told]
    assert not any(event.all("ATTENDEE") for event in calendar.parts)
    assert octets == feed(told, sender, title=title)


@given(some.lists(some.tuples(INSTANTS, LENGTHS, INSTANTS), max_size=5, unique_by=lambda each: each[0]), senders())
def test_busy_times_tell_when_and_nothing_else(
    spans: list[tuple[datetime, timedelta, datetime]], sender: Sender
) -> None:
    told = [Busy(start, start + length, noted) for start, length, noted in spans]

    calendar = calendar_of(busy_feed(told, sender, title="Busy times", whose="challenge:1"))

    assert [(event.one("DTSTART").instant, event.one("DTEND").instant) for event in calendar.parts] == [
        (span.starts_at, span.ends_at) for span in told
    ]
    assert {event.one("SUMMARY").text for event in calendar.parts} <= {BUSY_SUMMARY}
    assert {line.name for event in calendar.parts for line in event.lines} <= {
        "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "TRANSP", "ORGANIZER",
    }  # fmt: skip
    assert len({event.one("UID").text for event in calendar.parts}) == len(told)


@given(TEXTS)
def test_only_what_iCalendar_cannot_hold_is_left_out(text: str) -> None:  # noqa: N802
    kept = writable(text)

    assert writable(kept) == kept
    assert not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in kept if sign not in "\n\t")
    if text.isprintable():
        assert kept == text


def test_a_busy_time_of_another_calendar_is_another_one() -> None:
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    span, sender = Busy(noon, noon + timedelta(hours=1), noon), Sender("portal@example.org", "https://example.org")

    made = {busy_feed([span], sender, title="Busy", whose=whose) for whose in ("challenge:1", "challenge:2")}

    assert len(made) == 2
