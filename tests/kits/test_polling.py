"""Asking for news: when, how often, and what a service may do to us. The service is a server on this machine."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.config import Config, load_config
from portal.core.db import db
from portal.kits import actions, follow
from portal.kits.actions import polls
from portal.kits.jobs import JOBS
from portal.kits.models import Shipment, TrackingPoll
from portal.kits.queries import tracking
from portal.kits.rules import polling
from portal.kits.rules.payloads import News
from portal.kits.rules.polling import Adapter, Asked, Unanswered
from portal.kits.shipstation import MOST_BYTES, ShipStation, adapters_of
from portal.kits.states import ShipmentState, Word
from tests.cast import NOON, Cast, make_account, make_participant
from tests.conftest import Clock
from tests.kits import services
from tests.kits.conftest import Bench
from tests.kits.services import hours

S = ShipmentState
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATER = NOON + 24 * HOUR
PARCEL = Asked(1, "DHL", "JD000001", S.IN_TRANSIT)
SCANS = [("AC", "", hours(1)), ("IT", "IN_TRANSIT", hours(3)), ("IT", "OUT_FOR_DELIVERY", hours(9))]
RIGHT = json.dumps(services.shipstation_tracking("JD000001", SCANS)).encode()
# (status, headers, body), or something that talks to the connection itself.
Answer = tuple[int, dict[str, str], bytes] | Callable[[socket.socket], None]


class Server:
    """A service on this machine that answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = (200, {}, RIGHT)
        self.asked: list[tuple[str, str | None]] = []
        self.over = Event()
        self.url = ""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The service, for all of these tests."""
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers["API-Key"]))
            if callable(made.answer):
                made.answer(self.connection)
                return
            status, headers, body = made.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        made.url = f"http://127.0.0.1:{listening.server_port}/v1/tracking"
        yield made
        made.over.set()
        listening.shutdown()


@pytest.fixture
def service(server: Server) -> ShipStation:
    """What asks it, with little patience."""
    server.answer, server.asked = (200, {}, RIGHT), []
    server.over.clear()
    return ShipStation(server.url, "token-of-ours", patience=0.3)


def test_a_right_answer_is_news(server: Server, service: ShipStation) -> None:
    told = service.ask([PARCEL])

    assert server.asked == [("/v1/tracking?carrier_code=dhl_express&tracking_number=JD000001", "token-of-ours")]
    assert [(news.status, news.occurred_at) for news in told] == [
        (S.HANDED_OVER, hours(1)), (S.IN_TRANSIT, hours(3)), (S.OUT_FOR_DELIVERY, hours(9)),
    ]  # fmt: skip
    assert [secret for secret in services.PRIVATE if secret in repr(told)] == []


def _dribble(head: bytes, server: Server) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        # Each byte comes well in time; nothing but the end of all patience ends it.
        while not server.over.wait(0.02):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    return talk


def _cut(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    connection.shutdown(socket.SHUT_RDWR)


BUSY = "It is asked too often (429)."
ANSWERS: list[tuple[str, Any, str, float, bool]] = [
    ("busy", (429, {"Retry-After": "120"}, b""), BUSY, 120, True),
    ("busy until", (429, {"Retry-After": "Mon, 15 Jun 2020 13:00:00 GMT"}, b""), BUSY, 3600, True),
    ("busy for ever", (429, {"Retry-After": "9" * 30}, b""), BUSY, 86_400, True),
    ("busy until then", (429, {"Retry-After": "yesterday"}, b""), BUSY, 0, True),
    ("busy since", (429, {"Retry-After": "Mon, 15 Jun 2020 11:00:00 GMT"}, b""), BUSY, 0, True),
    ("down", (503, {"Retry-After": "60"}, b"Rosa Researcher"), "It answers 503.", 60, True),
    ("broken", (500, {}, b"<html>Rosa Researcher"), "It answers 500.", 0, False),
    ("unknown", (404, {}, b"{}"), "It answers 404.", 0, False),
    ("stranger", (401, {}, b""), "It refuses our token (401).", 0, True),
    ("empty", (200, {}, b""), "Its answer cannot be read.", 0, False),
    ("garbage", (200, {}, b"\xff\x00<html>"), "Its answer cannot be read.", 0, False),
    ("deep", (200, {}, b"[" * 100_000), "Its answer cannot be read.", 0, False),
    ("a list", (200, {}, b"[]"), "Its answer cannot be read.", 0, False),
    ("no number", (200, {}, b"{}"), "Its answer cannot be read.", 0, False),
    ("huge", (200, {}, b" " * (MOST_BYTES + 1)), "Its answer is too long.", 0, False),
    ("another parcel", (200, {}, RIGHT.replace(b"JD000001", b"JD000002")), "It answers for another parcel.", 0, False),
    ("cut", _cut, "Its answer cannot be read.", 0, False),
    ("no http", lambda connection: connection.sendall(b"SSH-2.0-x\r\n"), "No answer: BadStatusLine.", 0, True),
    ("nothing", lambda connection: connection.shutdown(socket.SHUT_RDWR), "No answer: RemoteDisconnected.", 0, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason", "wait", "stop"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_any_other_answer_is_none(
    server: Server,
    service: ShipStation,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    reason: str,
    wait: float,
    stop: bool,
) -> None:
    monkeypatch.setattr("portal.core.clock.now", lambda: NOON)
    server.answer = answer

    with pytest.raises(Unanswered) as raised:
        service.ask([PARCEL])

    found = raised.value
    assert (found.reason, found.wait.total_seconds(), found.stop) == (reason, wait, stop)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Server, service: ShipStation, status: int) -> None:
    server.answer = (status, {"Location": f"{server.url}/elsewhere"}, b"")

    with pytest.raises(Unanswered, match=f"sends us elsewhere \\({status}\\)"):
        service.ask([PARCEL])

    assert len(server.asked) == 1


@pytest.mark.parametrize("head", [
    b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\n\r\n" + RIGHT,
], ids=["before", "head", "length", "body"])  # fmt: skip
def test_who_is_slow_byte_by_byte_is_left(server: Server, service: ShipStation, head: bytes) -> None:
    server.answer = _dribble(head, server)

    with pytest.raises(Unanswered) as raised:
        service.ask([PARCEL])
    server.over.set()

    assert raised.value.stop


def test_who_is_silent_or_not_there_is_left(server: Server, service: ShipStation) -> None:
    server.answer = lambda _connection: server.over.wait(5) and None

    with pytest.raises(Unanswered) as raised:
        service.ask([PARCEL])
    server.over.set()
    assert raised.value.stop

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = ShipStation(f"http://127.0.0.1:{taken.getsockname()[1]}/", "t", patience=0.3)
        with pytest.raises(Unanswered, match="No answer: ConnectionRefusedError"):
            nobody.ask([PARCEL])


def test_who_speaks_no_tls_is_not_believed(server: Server) -> None:
    plain = ShipStation(server.url.replace("http:", "https:"), "token-of-ours", patience=0.3)

    with pytest.raises(Unanswered, match="No answer: SSL"):
        plain.ask([PARCEL])


def test_nobody_is_asked_whom_the_settings_do_not_name() -> None:
    settings = {"PORTAL_SECRET_KEY": "s" * 40, "PORTAL_DATA": "/nowhere"}
    assert adapters_of(load_config(settings)) == ()
    named = {"PORTAL_TRACKING_URL": "https://api.example.org/v1/tracking", "PORTAL_TRACKING_TOKEN": "t"}
    [made] = adapters_of(load_config(settings | named))
    assert (made.name, made.most, sorted(made.carriers)) == ("shipstation", 1, ["DHL", "FedEx", "UPS", "USPS"])


# When


def test_waiting_doubles_up_to_a_day_and_is_the_same_for_the_same_parcel() -> None:
    waits = [polling.back_off(7, failures) for failures in range(1, 30)]

    for number, wait in enumerate(waits):
        base = min(24 * HOUR, 15 * MINUTE * 2**number)
        assert base <= wait <= base * 1.2
    assert waits == [polling.back_off(7, failures) for failures in range(1, 30)]
    assert len({polling.back_off(parcel, 1) for parcel in range(50)}) == 50
    assert polling.back_off(7, 1, 5 * HOUR) == 5 * HOUR


class Told:
    """A service that answers what a test says, and notes what it was asked and whether a transaction was open."""

    most = 1

    def __init__(self, session: Session, name: str = "told", carriers: Sequence[str] = ("DHL", "UPS")) -> None:
        self.session, self.name, self.carriers = session, name, frozenset(carriers)
        self.asked: list[str] = []
        self.problem: Exception | None = None
        self.answers: dict[str, list[News]] = {}

    def ask(self, parcels: Sequence[Asked]) -> Sequence[News]:
        """What the test says."""
        assert not self.session.in_transaction()
        self.asked += [parcel.number for parcel in parcels]
        if self.problem:
            raise self.problem
        return [news for parcel in parcels for news in self.answers.get(parcel.number, [])]


def state(session: Session) -> list[tuple[int, datetime, int, str | None]]:
    session.commit()
    rows = session.scalars(sa.select(TrackingPoll).order_by(TrackingPoll.shipment_id)).all()
    return [(row.shipment_id, row.next_at, row.failures, row.last_error) for row in rows]


def many(session: Session, cast: Cast, bench: Bench, count: int) -> list[Shipment]:
    """Parcels of as many participants, all with the carrier."""
    units = bench.units(*(f"KIT-{number}" for number in range(count)))
    made = []
    for number, unit in enumerate(units):
        participant = make_participant(session, cast.challenge, make_account(session, f"Many {number}"))
        parcel = bench.parcel(participant)
        bench.address(participant.members[0])
        actions.assign_unit(session, bench.again(parcel), unit, by=bench.by, at=NOON)
        bench.advance(bench.again(parcel), "ready", "pack", "label", "hand-over")
        made.append(parcel)
    session.commit()
    return made


def test_what_is_on_its_way_is_asked_for_and_its_news_taken(
    session: Session, bench: Bench, server: Server, service: ShipStation
) -> None:
    parcel = bench.at(S.LABELLED)

    assert follow.ask_all(session, [service], LATER) == 1
    assert follow.ask_all(session, [service], LATER) == 0
    assert follow.take_news(session, LATER) == 3

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.handed_over_at) == (S.OUT_FOR_DELIVERY, hours(1))
    [(_, next_at, failures, error)] = state(session)
    assert LATER + 6 * HOUR <= next_at <= LATER + 7.2 * HOUR
    assert (failures, error) == (0, None)
    # Asked again, it tells the same: nothing new.
    assert follow.ask_all(session, [service], next_at) == 1
    assert follow.take_news(session, next_at) == 0
    assert len(server.asked) == 2


def test_the_job_asks_whom_the_settings_name(
    app: Flask, session: Session, bench: Bench, server: Server, service: ShipStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.at(S.HANDED_OVER)
    job = next(job for job in JOBS if job.name == "kits-ask-carriers")
    config: Config = app.extensions["portal.config"]
    assert config.tracking_url is None
    assert job.run(session, LATER) == 0
    environ = {
        "PORTAL_SECRET_KEY": "s" * 40, "PORTAL_TRACKING_URL": server.url, "PORTAL_TRACKING_TOKEN": "token-of-ours",
    }  # fmt: skip
    monkeypatch.setitem(app.extensions, "portal.config", load_config(environ))

    assert job.run(session, LATER) == 1
    assert server.asked[0][1] == "token-of-ours"


@pytest.mark.parametrize("end", ["deliver", "receive", "lose", "cancel", "say"])
def test_what_has_arrived_or_is_over_is_asked_for_no_more(session: Session, bench: Bench, end: str) -> None:
    told = Told(session)
    parcel = bench.at(S.LABELLED if end == "cancel" else S.HANDED_OVER)
    follow.ask_all(session, [told], NOON)
    parcel = bench.again(parcel)
    if end == "deliver":
        actions.note_scan(session, parcel, actions.Scan("x", "1", S.DELIVERED, NOON), by=None, at=NOON)
    elif end == "say":
        actions.say(session, parcel, Word.RECEIVED, "", by=bench.cast.researcher.id, at=NOON)
    else:
        bench.advance(parcel, end)
    session.commit()

    assert follow.ask_all(session, [told], LATER) == 0
    assert told.asked == ["JD000001"]
    assert state(session) == []


def test_only_carriers_that_a_service_knows(session: Session, bench: Bench) -> None:
    bench.at(S.HANDED_OVER)
    stranger = Told(session, carriers=["FedEx"])

    assert follow.ask_all(session, [stranger], LATER) == 0
    assert state(session) == []


def test_failures_are_counted_and_forgotten_with_an_answer(session: Session, bench: Bench) -> None:
    told = Told(session)
    parcel = bench.at(S.HANDED_OVER)
    told.problem = Unanswered("It answers 500.")
    at = LATER
    for failures in (1, 2, 3):
        assert follow.ask_all(session, [told], at) == 1
        [row] = state(session)
        assert row == (parcel.id, at + polling.back_off(parcel.id, failures), failures, "It answers 500.")
        assert follow.ask_all(session, [told], row[1] - timedelta(seconds=1)) == 0
        at = row[1]

    told.problem = None
    follow.ask_all(session, [told], at)

    assert [row[2:] for row in state(session)] == [(0, None)]


def test_who_wants_to_be_left_alone_is_for_all_parcels(session: Session, cast: Cast, bench: Bench) -> None:
    told = Told(session)
    many(session, cast, bench, 4)
    told.problem = Unanswered("It is asked too often (429).", wait=2 * HOUR, stop=True)

    assert follow.ask_all(session, [told], LATER) == 1

    assert len(told.asked) == 1
    first, *rest = state(session)
    assert first[1:] == (LATER + 2 * HOUR, 1, "It is asked too often (429).")
    assert [row[1:] for row in rest] == [(LATER + 2 * HOUR, 0, None)] * 3


def test_one_services_failure_stops_no_other(session: Session, bench: Bench) -> None:
    broken, well = Told(session, "broken", ["DHL"]), Told(session, "well", ["UPS"])
    bench.at(S.HANDED_OVER)
    other = bench.parcel(bench.cast.team)
    bench.address(bench.cast.team.members[0])
    actions.assign_unit(session, bench.again(other), bench.units("KIT-2")[0], by=bench.by, at=NOON)
    bench.advance(bench.again(other), "ready", "pack", "label", carrier="ups_walleted", tracking_number="1Z0001")
    session.commit()
    broken.problem = ZeroDivisionError("Rosa Researcher")

    assert follow.ask_all(session, [broken, well], LATER) == 2

    assert well.asked == ["1Z0001"]
    assert [row[3] for row in state(session)] == ["A fault of ours: ZeroDivisionError.", None]


def test_no_more_than_so_many_in_a_run_and_the_rest_in_the_next(
    session: Session, cast: Cast, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "AT_MOST", 3)
    told = Told(session)
    made = many(session, cast, bench, 5)

    assert [follow.ask_all(session, [told], LATER) for _ in range(3)] == [3, 2, 0]
    assert sorted(told.asked) == sorted(f"JD{parcel.id:06}" for parcel in made)


def test_a_run_that_takes_too_long_gives_the_rest_back(
    session: Session, cast: Cast, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "ENOUGH", -1.0)
    told = Told(session)
    many(session, cast, bench, 3)

    assert follow.ask_all(session, [told], LATER) == 1
    assert [row[1] for row in state(session)][1:] == [LATER + 10 * MINUTE] * 2


def test_two_workers_do_not_ask_for_the_same_parcel(session: Session, bench: Bench) -> None:
    parcel_id = bench.at(S.HANDED_OVER).id
    polls.plan(session, {"told": ["DHL"]}, at=NOON)
    session.commit()
    with Session(db.engine) as other:
        assert [each.shipment_id for each in polls.claim(other, "told", at=NOON, limit=9)] == [parcel_id]
        other.commit()

    assert polls.claim(session, "told", at=NOON, limit=9) == []
    session.commit()
    # A worker that died while it asked has the parcel for a quarter of an hour.
    assert len(polls.claim(session, "told", at=NOON + polls.LEASE, limit=9)) == 1


def test_what_is_asked_for_is_seen_by_challenge(session: Session, cast: Cast, bench: Bench) -> None:
    told = Told(session)
    many(session, cast, bench, 2)
    told.problem = Unanswered("It answers 500.")
    follow.ask_all(session, [told], LATER)

    seen = tracking.polls(session, cast.challenge.id)

    assert [(poll.failures, poll.last_at, poll.shipment.state) for poll in seen] == [(1, LATER, S.HANDED_OVER)] * 2
    assert tracking.polls(session, cast.challenge.id + 1) == []


def test_an_adapter_is_what_the_interface_says(session: Session, clock: Clock) -> None:
    services: tuple[Adapter, ...] = (Told(session), ShipStation("https://api.example.org/", "t"))

    assert [service.most for service in services] == [1, 1]
