"""What calendar programs are given, read back by a parser."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest

from portal.config import load_config
from portal.office_hours.ics import Meeting, Sender, feed, invitation
from tests.office_hours.lines import calendar_of

SENDER = Sender("portal@research.example.org", "https://research.example.org")
MEETING = Meeting(
    uid="0f0e0d0c-0000-4000-8000-000000000001",
    sequence=2,
    starts_at=datetime(2026, 3, 9, 21, tzinfo=UTC),
    ends_at=datetime(2026, 3, 9, 21, 30, tzinfo=UTC),
    changed_at=datetime(2026, 3, 1, 8, tzinfo=UTC),
    path="/challenges/pluto/office-hours/bookings/0f0e0d0c-0000-4000-8000-000000000001",
)


def event_of(text: str | bytes) -> icalendar.Event:
    [event] = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return event


def test_an_invitation_reads_back_as_it_was_meant() -> None:
    made = invitation(MEETING, SENDER, attendee="rosa@example.org")

    calendar, event = icalendar.Calendar.from_ical(made.text), event_of(made.text)
    assert (made.method, calendar["METHOD"], calendar["VERSION"]) == ("REQUEST", "REQUEST", "2.0")
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (MEETING.uid, 2, "CONFIRMED")
    assert (event["DTSTART"].dt, event["DTEND"].dt, event["DTSTAMP"].dt) == (
        MEETING.starts_at, MEETING.ends_at, MEETING.changed_at,
    )  # fmt: skip
    assert event["SUMMARY"] == "Office hours"
    assert event["ORGANIZER"] == "mailto:portal@research.example.org"
    assert event["ATTENDEE"] == "mailto:rosa@example.org"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert event["URL"] == f"https://research.example.org{MEETING.path}"


def test_times_are_written_in_utc_wherever_they_come_from() -> None:
    start = MEETING.starts_at.astimezone(ZoneInfo("Asia/Tokyo"))

    text = invitation(replace(MEETING, starts_at=start), SENDER, attendee="a@example.org").text

    assert "DTSTART:20260309T210000Z\r\n" in text
    assert "DTEND:20260309T213000Z\r\n" in text
    assert "TZID" not in text


def test_a_cancellation_names_the_same_event_with_its_new_sequence() -> None:
    made = invitation(replace(MEETING, sequence=3, cancelled=True), SENDER, attendee="rosa@example.org")

    event = event_of(made.text)
    assert (made.method, icalendar.Calendar.from_ical(made.text)["METHOD"]) == ("CANCEL", "CANCEL")
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (MEETING.uid, 3, "CANCELLED")
    assert event["ATTENDEE"] == "mailto:rosa@example.org"


def test_lines_are_folded_at_75_octets_and_end_as_the_standard_says() -> None:
    lines = invitation(MEETING, SENDER, attendee="x" * 60 + "@example.org").text.split("\r\n")

    assert max(len(line.encode()) for line in lines) <= 75
    assert not any("\n" in line or "\r" in line for line in lines)


@pytest.mark.parametrize(
    "evil", ["\r\nATTENDEE:mailto:b@example.org", "\rX-EVIL:1", "\nX-EVIL:1", "\0", "\u2028X-EVIL:1"]
)
def test_nothing_can_bring_a_line_of_its_own(evil: str) -> None:
    sender = replace(SENDER, name=f"Portal{evil}", address=f"portal@example.org{evil}")
    usual = sorted(line.name for line in calendar_of(feed([MEETING], SENDER, title="T")).parts[0].lines)

    made = feed([replace(MEETING, subject=f"Office hours{evil}")], sender, title=f"T{evil}")
    asked = invitation(MEETING, SENDER, attendee=f"a@example.org{evil}").text.encode()

    assert sorted(line.name for line in calendar_of(made).parts[0].lines) == usual
    assert sorted(line.name for line in calendar_of(asked).parts[0].lines) == ["ATTENDEE", *usual]


def test_a_feed_publishes_without_naming_attendees() -> None:
    later = replace(MEETING, uid="other", starts_at=MEETING.starts_at + timedelta(days=7),
                    ends_at=MEETING.ends_at + timedelta(days=7))  # fmt: skip

    calendar = icalendar.Calendar.from_ical(feed([MEETING, later], SENDER, title="My office hours"))

    events = calendar.walk("VEVENT")
    assert (calendar["METHOD"], calendar["X-WR-CALNAME"]) == ("PUBLISH", "My office hours")
    assert [event["UID"] for event in events] == [MEETING.uid, "other"]
    assert not any("ATTENDEE" in event for event in events)


def test_the_same_meetings_give_the_same_bytes_and_a_change_gives_others() -> None:
    first = feed([MEETING], SENDER, title="My office hours")

    assert feed([MEETING], SENDER, title="My office hours") == first
    assert feed([replace(MEETING, sequence=3)], SENDER, title="My office hours") != first


def test_an_empty_feed_is_a_calendar_too() -> None:
    calendar = icalendar.Calendar.from_ical(feed([], SENDER, title="My office hours"))

    assert calendar.walk("VEVENT") == []


def test_the_sender_is_the_one_of_the_settings() -> None:
    config = load_config(
        {
            "PORTAL_SECRET_KEY": "x" * 32,
            "PORTAL_PUBLIC_URL": "https://research.example.org",
            "PORTAL_MAIL_FROM": "challenge@example.org",
        }
    )

    assert Sender.of(config) == Sender("challenge@example.org", "https://research.example.org")
