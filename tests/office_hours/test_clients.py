"""Real calendar programs: khal opens the attachments of our mails, vdirsyncer carries them to a CalDAV server and from
there to another computer, and both subscribe to a feed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from portal.core import mail
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions
from portal.office_hours.models import Booking
from tests.cast import NOON, Cast
from tests.office_hours.conftest import SENDER, Stage
from tests.office_hours.test_calendars import PAGE, STAFF, new_address
from tests.servers import Computer, radicale
from tests.servers.waiting import free_port

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
DAY = "2020-06-15"
CHATHAM, NEW_YORK = "Pacific/Chatham", "America/New_York"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The calendar server of these tests."""
    with radicale() as url:
        yield url


@pytest.fixture
def computers(server: str, tmp_path: Path) -> tuple[Computer, Computer]:
    """The researcher's two: mails are read on the first one."""
    first = Computer(tmp_path / "first", CHATHAM, server, tmp_path.name)
    return first, Computer(tmp_path / "second", NEW_YORK, server, tmp_path.name)


@pytest.fixture
def attachment(client: FlaskClient, cast: Cast, mails: Callable[[], list[OutgoingMail]]) -> Callable[[], bytes]:
    """What is attached to the last mail to the researcher."""

    def last() -> bytes:
        row = [each for each in mails() if each.to == cast.researcher.email][-1]
        content = mail.message(row, client.application.extensions["portal.config"]).content
        (attached,) = message_from_bytes(content, policy=policy.default).iter_attachments()
        octets = attached.get_payload(decode=True)
        assert isinstance(octets, bytes)
        return octets

    return last


def arrive(computers: tuple[Computer, Computer], octets: bytes) -> None:
    """Open an attachment on one computer, and let the server tell the other."""
    first, second = computers
    first.accept(octets)
    first.sync()
    second.sync()


@pytest.fixture
def booking(stage: Stage, attachment: Callable[[], bytes], computers: tuple[Computer, Computer]) -> Booking:
    """A booking of Wednesday 17 June 2020, 16:00 to 16:30 UTC, whose invitation has been accepted."""
    made = stage.book(stage.slots(stage.series())[0])
    arrive(computers, attachment())
    return made


def test_an_invitation_is_at_the_right_time_on_every_clock(
    booking: Booking, computers: tuple[Computer, Computer]
) -> None:
    first, second = computers

    assert first.shown(DAY) == ["2020-06-18 04:45 2020-06-18 05:15 Office hours"]
    assert second.shown(DAY) == ["2020-06-17 12:00 2020-06-17 12:30 Office hours"]
    assert [booking.uid.encode() in file for file in second.files()] == [True]


def test_an_update_moves_the_same_event(
    session: Session, cast: Cast, stage: Stage, booking: Booking, attachment: Callable[[], bytes],
    computers: tuple[Computer, Computer],
) -> None:  # fmt: skip
    target = stage.slots(booking.slot.sitting.series)[5]
    actions.reschedule_booking(session, booking, target, by=cast.researcher.id, at=NOON, sender=SENDER)

    arrive(computers, attachment())

    assert computers[0].shown(DAY) == ["2020-06-25 05:15 2020-06-25 05:45 Office hours"]
    assert computers[1].shown(DAY) == ["2020-06-24 12:30 2020-06-24 13:00 Office hours"]
    assert [booking.uid.encode() in file for file in computers[1].files()] == [True]


def test_a_cancellation_calls_the_same_event_off(
    session: Session, cast: Cast, booking: Booking, attachment: Callable[[], bytes],
    computers: tuple[Computer, Computer],
) -> None:  # fmt: skip
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=NOON, sender=SENDER)

    arrive(computers, attachment())

    assert computers[0].shown(DAY) == ["2020-06-18 04:45 2020-06-18 05:15 Office hours CANCELLED"]
    assert computers[1].shown(DAY) == ["2020-06-17 12:00 2020-06-17 12:30 Office hours CANCELLED"]
    assert [booking.uid.encode() in file for file in computers[1].files()] == [True]


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application on a port, on the tests' clock."""
    port = free_port()
    served = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=served.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """Where calendar programs find the portal."""
    with serving(app) as url:
        yield url


def test_a_subscribed_feed_follows_a_booking_until_it_is_gone(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, site: str, tmp_path: Path
) -> None:
    slots = stage.slots(stage.series())
    made = stage.book(slots[0])
    stage.book(slots[8])
    stays = "2020-07-02 04:45 2020-07-02 05:15 Office hours"
    address = site + new_address(client, cast.researcher, PAGE)
    program = Computer(tmp_path / "one", CHATHAM, address, "feed", subscribed=True)

    program.sync()
    assert program.shown(DAY) == ["2020-06-18 04:45 2020-06-18 05:15 Office hours", stays]
    actions.reschedule_booking(session, made, slots[5], by=cast.researcher.id, at=NOON, sender=SENDER)
    session.commit()
    program.sync()
    assert program.shown(DAY) == ["2020-06-25 05:15 2020-06-25 05:45 Office hours", stays]
    actions.cancel_booking(session, made, by=cast.researcher.id, at=NOON, sender=SENDER)
    session.commit()
    program.sync()
    assert (program.shown(DAY), len(program.files())) == ([stays], 1)


def test_a_host_and_the_public_subscribe_in_their_own_zones(
    client: FlaskClient, cast: Cast, stage: Stage, site: str, tmp_path: Path
) -> None:
    slots = stage.slots(stage.series(count=1))
    stage.book(slots[1])
    held = site + new_address(client, cast.host, STAFF)
    public = site + new_address(client, cast.lead, STAFF, "busy-calendar")

    host = Computer(tmp_path / "host", NEW_YORK, held, "feed", subscribed=True)
    anybody = Computer(tmp_path / "anybody", CHATHAM, public, "feed", subscribed=True)
    for program in (host, anybody):
        program.sync()

    assert host.shown(DAY) == ["2020-06-17 12:30 2020-06-17 13:00 Office hours"]
    assert anybody.shown(DAY) == ["2020-06-18 04:45 2020-06-18 06:45 Busy"]
    assert not [file for file in anybody.files() if b"ATTENDEE" in file]
