"""Hosts' calendars: what they say, what they may not do to the portal, and what is kept of them."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.config import Config
from portal.core.audit import AuditEntry
from portal.core.errors import Refused
from portal.core.mail import config_of
from portal.kits.actions.rotation import Step, reseal_kept
from portal.kits.queries.sealed import counts_by_key, everything
from portal.kits.vault import Vault
from portal.office_hours import busy as busy_module
from portal.office_hours import fetch as fetch_module
from portal.office_hours import jobs, queries
from portal.office_hours.actions import calendars
from portal.office_hours.actions.calendars import give_address, give_file, take_back_calendar
from portal.office_hours.busy import Busy, Unreadable, busy, read_apart
from portal.office_hours.fetch import fetch, why_not_address
from portal.office_hours.models import BusySpan, HostCalendar
from portal.office_hours.rules import Share
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, Stage

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def calendar(*events: str, before: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\n{event.strip()}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{before}{body}END:VCALENDAR\r\n".encode()


def told(data: bytes, zone: str = "Europe/Berlin", weeks: int = 4) -> list[str]:
    found = busy(data, zone, NOON, NOON + weeks * WEEK)
    return [f"{each.since:%m-%d %H:%M} {(each.until - each.since).total_seconds() / 3600:g}" for each in found]


WEEKLY = (
    "UID:a\nDTSTART;TZID=Europe/Berlin:20200101T100000\nDTEND;TZID=Europe/Berlin:20200101T110000\nRRULE:FREQ=WEEKLY"
)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["UID:a\nDTSTART:20200617T160000Z\nDTEND:20200617T170000Z"], ["06-17 16:00 1"]),
        (["UID:a\nDTSTART:20200617T160000Z\nDURATION:PT90M"], ["06-17 16:00 1.5"]),
        # A floating time is on the owner's clock; so is a zone that nobody knows.
        (["UID:a\nDTSTART:20200617T160000\nDTEND:20200617T170000"], ["06-17 14:00 1"]),
        (["UID:a\nDTSTART;TZID=Mars/Olympus:20200617T160000\nDURATION:PT1H"], ["06-17 14:00 1"]),
        (["UID:a\nDTSTART;TZID=Pacific Standard Time:20200617T090000\nDURATION:PT1H"], ["06-17 16:00 1"]),
        (["UID:a\nDTSTART;TZID=\"/free.net/Tzfile/Asia/Tokyo\":20200617T090000\nDURATION:PT1H"], ["06-17 00:00 1"]),
        # A day is the owner's, from midnight to midnight.
        (["UID:a\nDTSTART;VALUE=DATE:20200617"], ["06-16 22:00 24"]),
        (["UID:a\nDTSTART;VALUE=DATE:20200617\nDTEND;VALUE=DATE:20200620"], ["06-16 22:00 72"]),
        (["UID:a\nDTSTART:20200617T160000Z\nDTEND:20200617T170000Z\nTRANSP:TRANSPARENT"], []),
        (["UID:a\nDTSTART:20200617T160000Z\nDTEND:20200617T170000Z\nSTATUS:CANCELLED"], []),
        (["UID:a\nDTSTART:20200617T160000Z"], []),
        ([WEEKLY], ["06-17 08:00 1", "06-24 08:00 1", "07-01 08:00 1", "07-08 08:00 1"]),
        ([f"{WEEKLY};UNTIL=20200624T080000Z"], ["06-17 08:00 1", "06-24 08:00 1"]),
        ([f"{WEEKLY};UNTIL=20200624"], ["06-17 08:00 1", "06-24 08:00 1"]),
        ([f"{WEEKLY};COUNT=25"], ["06-17 08:00 1"]),
        ([f"{WEEKLY};COUNT=25\nEXDATE;TZID=Europe/Berlin:20200617T100000"], []),
        ([f"{WEEKLY};COUNT=25\nEXDATE:20200617T080000Z"], []),
        ([f"{WEEKLY};COUNT=1\nRDATE;TZID=Europe/Berlin:20200618T100000"], ["06-18 08:00 1"]),
        # One of them is moved, another one called off.
        ([f"{WEEKLY};COUNT=26",
          "UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20200617T100000\nDTSTART:20200618T120000Z\nDTEND:20200618T130000Z",
          "UID:a\nRECURRENCE-ID:20200624T080000Z\nSTATUS:CANCELLED\nDTSTART:20200624T080000Z\nDURATION:PT1H"],
         ["06-18 12:00 1"]),
        # Times that touch are one time.
        (["UID:a\nDTSTART:20200617T160000Z\nDURATION:PT1H", "UID:b\nDTSTART:20200617T163000Z\nDURATION:PT1H"],
         ["06-17 16:00 1.5"]),
        # Begun before, and it lasts.
        (["UID:a\nDTSTART:20200601T000000Z\nDTEND:20200616T000000Z"], ["06-15 12:00 12"]),
    ],
)  # fmt: skip
def test_when_a_calendar_says_that_its_owner_is_busy(events: list[str], expected: list[str]) -> None:
    assert told(calendar(*(event.replace("\n", "\r\n") for event in events))) == expected


def test_a_meeting_stays_on_its_clock_when_clocks_change() -> None:
    assert told(calendar(WEEKLY.replace("\n", "\r\n")), weeks=22)[-3:] == [
        "10-28 09:00 1", "11-04 09:00 1", "11-11 09:00 1",
    ]  # fmt: skip


def test_lines_are_unfolded_wherever_they_were_folded() -> None:
    data = calendar("SUMMARY:A very long\n  story\nDTSTA\n RT:20200617T1\n\t60000Z\nDURATION:PT1H")

    assert told(data) == ["06-17 16:00 1"]


EVENT = "UID:a\r\nDTSTART:20200101T000000Z\r\nDURATION:PT1M\r\nRRULE:"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "It is not an iCalendar file."),
        (b"\x89PNG\r\n", "It is not an iCalendar file."),
        (b"<html>BEGIN:VCALENDAR", "It is not an iCalendar file."),
        (b"BEGIN:VCALENDAR" + b"x" * busy_module.LARGEST, "It is larger than 8 MB."),
        (calendar(*["UID:a"] * 20_001), "It has more than 20,000 entries."),
        (calendar(EVENT + "FREQ=SECONDLY"), "Its rules give more dates than anybody keeps."),
        (calendar(EVENT.replace("20200101", "20200615") + "FREQ=MINUTELY"), "It has more than 5,000 times"),
        (calendar("UID:a\r\nDTSTART:yesterday\r\nDURATION:PT1H"), "It cannot be read as a calendar."),
        (calendar(EVENT + "FREQ=NEVER"), "It cannot be read as a calendar."),
        (calendar(EVENT + "FREQ=WEEKLY;UNTIL=99999999T999999Z"), "It cannot be read as a calendar."),
        (calendar("UID:a\r\nDTSTART:99991231T235959Z\r\nDURATION:P9999999999W"), "It cannot be read as a calendar."),
    ],
)
def test_a_calendar_that_cannot_be_used_says_why(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_apart(data, "Europe/Berlin", NOON, NOON + 52 * WEEK)


def test_a_rule_that_never_gives_a_date_is_ended_from_outside() -> None:
    never = calendar(EVENT + "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")

    with pytest.raises(Unreadable, match="It could not be read within 2 seconds"):
        read_apart(never, "UTC", NOON, NOON + WEEK, seconds=2)


def test_zones_that_the_calendar_defines_itself_are_passed_over() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19000101T000000\r\nTZOFFSETFROM:+0900\r\n"
        "TZOFFSETTO:+0900\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )

    assert told(calendar(f"{WEEKLY};COUNT=25".replace("\n", "\r\n"), before=zone)) == ["06-17 08:00 1"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://calendar.example.org/private-1/basic.ics", None),
        ("https://CALENDAR.example.org/x", None),
        ("http://127.0.0.1:5232/x", None),
        ("http://calendar.example.org/x", "Write an address that begins with https://"),
        ("ftp://calendar.example.org/x", "Write an address that begins with https://"),
        ("https://elsewhere.example.org/x", "Calendars are only read from the servers"),
        ("https://calendar.example.org:8443/x", "Calendars are only read from the servers"),
        ("https://calendar.example.org.evil.example/x", "Calendars are only read from the servers"),
        ("https://calendar.example.org@evil.example/x", "without a name or password"),
        ("https://calendar.example.org/x y", "without a name or password"),
        ("file:///etc/passwd", "Calendars are only read from the servers"),
        ("http://[::1", "This is not an address."),
    ],
)
def test_only_servers_of_the_settings_are_asked(url: str, why: str | None) -> None:
    answer = why_not_address(url, {"calendar.example.org", "127.0.0.1:5232"})

    assert (answer is None) == (why is None)
    assert (why or "") in (answer or "")


class Server(BaseHTTPRequestHandler):
    """A calendar server; `answer` says what it does."""

    answer: ClassVar[Callable[["Server"], None]]
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        type(self).asked.append(self.headers.get("If-None-Match"))
        type(self).answer(self)

    def say(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[type[Server], str]]:
    """A server on the loopback address, and its name as the settings write it."""

    class Own(Server):
        asked: ClassVar[list[str | None]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Own, f"127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


def test_an_answer_with_its_version_and_nothing_when_it_is_the_same(server: tuple[type[Server], str]) -> None:
    own, name = server
    own.answer = lambda self: self.say(304) if self.headers.get("If-None-Match") else self.say(200, b"hi", ETag='"1"')

    first = fetch(f"http://{name}/x", {name})
    again = fetch(f"http://{name}/x", {name}, first.etag)

    assert (first, again, own.asked) == ((b"hi", '"1"'), (None, '"1"'), [None, '"1"'])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda self: self.say(302, Location="http://127.0.0.1:1/elsewhere"), "sends the portal elsewhere"),
        (lambda self: self.say(302, Location="file:///etc/passwd"), "sends the portal elsewhere"),
        (lambda self: self.say(404), "answered with 404"),
        (lambda self: self.say(304), "answered with 304"),
        (lambda self: self.say(200, b"x" * 2000), "It is larger than"),
        (lambda self: self.wfile.write(b"nonsense\r\n\r\n"), "cannot be reached"),
    ],
)
def test_what_a_server_may_not_do(
    server: tuple[type[Server], str], monkeypatch: pytest.MonkeyPatch, answer: Callable[[Server], None], why: str
) -> None:
    own, name = server
    own.answer = answer
    monkeypatch.setattr(fetch_module, "LARGEST", 1000)

    with pytest.raises(Unreadable, match=why):
        fetch(f"http://{name}/x", {name})
    assert len(own.asked) == 1


def spans(session: Session) -> list[tuple[int, datetime, datetime]]:
    return [tuple(row) for row in session.execute(sa.select(BusySpan.account_id, BusySpan.since, BusySpan.until))]


def test_slots_that_collide_are_not_offered_and_cannot_be_booked(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slots = stage.slots(series)
    give_file(session, cast.host.id, [Busy(FIRST, FIRST + HOUR / 2)], at=NOON)
    session.commit()

    table = queries.offers(session, cast.challenge.id, NOON, NOON + WEEK)

    assert [offer.slot.collides for offer in table] == [True, False, False, False]
    with pytest.raises(Refused, match="Its host cannot come then"):
        stage.book(slots[0])
    assert stage.book(slots[1]).starts_at == FIRST + HOUR / 2
    take_back_calendar(session, cast.host.id, at=NOON)
    assert stage.book(slots[0], cast.team.members[0]).starts_at == FIRST


def test_what_a_second_engineer_has_besides_counts_too(session: Session, cast: Cast, stage: Stage) -> None:
    stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id)), engineers=2)
    give_file(session, cast.second_host.id, [Busy(FIRST, FIRST + HOUR)], at=NOON)
    session.commit()

    table = queries.offers(session, cast.challenge.id, NOON, NOON + WEEK)

    assert [offer.slot.collides for offer in table] == [True, True, False, False]


def test_new_sessions_are_made_around_busy_times(session: Session, cast: Cast, stage: Stage) -> None:
    give_file(session, cast.host.id, [Busy(FIRST - DAY, FIRST + HOUR)], at=NOON)

    series = stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id, 1, 1)))

    # Hana's week is full after one, and Hugo is away in the first hour.
    assert [slot.starts_at - FIRST for slot in stage.slots(series)[:3]] == [0 * HOUR, HOUR, 3 * HOUR / 2]


def given(session: Session, app: Flask, cast: Cast, name: str, path: str = "/private-secret.ics") -> str:
    url = f"http://{name}{path}"
    sealed = Vault.of(config_of(app)).seal({"url": url}, calendars.subject(cast.host.id))
    give_address(session, cast.host.id, sealed, at=NOON)
    session.commit()
    return url


def config_with(app: Flask, name: str) -> Config:
    return dataclasses.replace(config_of(app), calendar_hosts=frozenset({name}))


def test_an_address_is_read_by_the_job_and_again_after_an_hour(
    session: Session, app: Flask, cast: Cast, server: tuple[type[Server], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, name = server
    monkeypatch.setattr(jobs, "config_of", lambda app: config_with(app, name))
    own.answer = lambda self: self.say(
        200, calendar("UID:a\r\nDTSTART:20200617T160000Z\r\nDURATION:PT1H\r\nSUMMARY:My divorce"), ETag='"1"'
    )
    url = given(session, app, cast, name)

    assert [jobs.refresh_calendars(session, at) for at in (NOON, NOON + HOUR / 2)] == [1, 0]

    assert spans(session) == [(cast.host.id, FIRST, FIRST + HOUR)]
    found = session.scalars(sa.select(HostCalendar)).one()
    assert (found.etag, found.error, found.read_at) == ('"1"', None, NOON)
    # Neither the address nor a title is anywhere in the database as it is.
    assert url.encode() not in (found.sealed or b"")
    assert "divorce" not in str([vars(row) for row in session.scalars(sa.select(BusySpan))])
    assert "secret" not in str([entry.detail for entry in session.scalars(sa.select(AuditEntry))])
    own.answer = lambda self: self.say(304)
    assert jobs.refresh_calendars(session, NOON + HOUR) == 1
    assert (own.asked, len(spans(session))) == ([None, '"1"'], 1)


def test_after_an_error_the_known_times_stay_and_the_owner_is_told(
    session: Session, app: Flask, cast: Cast, server: tuple[type[Server], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, name = server
    monkeypatch.setattr(jobs, "config_of", lambda app: config_with(app, name))
    own.answer = lambda self: self.say(200, calendar("UID:a\r\nDTSTART:20200617T160000Z\r\nDURATION:PT1H"))
    given(session, app, cast, name)
    jobs.refresh_calendars(session, NOON)
    own.answer = lambda self: self.say(500)

    assert jobs.refresh_calendars(session, NOON + HOUR) == 0

    found = session.scalars(sa.select(HostCalendar).execution_options(populate_existing=True)).one()
    assert (found.error, found.read_at, len(spans(session))) == ("Its server answered with 500.", NOON, 1)


def test_a_server_that_is_no_longer_allowed_is_not_asked(
    session: Session, app: Flask, cast: Cast, server: tuple[type[Server], str]
) -> None:
    own, name = server
    given(session, app, cast, name)

    assert jobs.refresh_calendars(session, NOON) == 0

    found = session.scalars(sa.select(HostCalendar).execution_options(populate_existing=True)).one()
    assert ((found.error or "")[:30], own.asked) == ("Calendars are only read from t", [])


def test_an_address_follows_a_new_key(session: Session, app: Flask, cast: Cast) -> None:
    url = given(session, app, cast, "calendar.example.org")
    [kept] = [each for each in everything if each.what == "calendars"]
    now = Vault("a newer key for tests, " * 2, [config_of(app).secret_key])

    assert reseal_kept(session, now, kept) == Step(cast.host.id, 1, 0)
    session.commit()

    assert counts_by_key(session, kept) == {now.key: 1}
    sealed = session.scalars(sa.select(HostCalendar.sealed)).one()
    assert now.open(sealed or b"", calendars.subject(cast.host.id)) == {"url": url}
