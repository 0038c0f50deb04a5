"""Senders that are slow, eager or many, over real sockets against the servers that people run."""

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO

import pytest

from tests.faults.stage import Browser, Reply, Stage, staged
from tests.faults.tus import MIB, Client
from tests.servers import programs
from tests.servers.programs import ROOT
from tests.servers.waiting import free_port, until, until_answering

# The same application, with a patience that tests can wait for.
HASTY = """
from app import app
from portal.core.pace import Pace

app.config["PACE"] = Pace(window=1.0, notice=0.3, least=65536, slow_at_once=1, at_once=2)
"""
GIB = 1 << 30
SIGNING_IN = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
)


@dataclass
class Wire:
    """A connection on which a test writes what it likes."""

    socket: socket.socket

    def send(self, data: bytes) -> bool:
        """Whether the other end still takes it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def answer(self, *, body: bool = True) -> Reply:
        """What the other end has to say, up to the end of its body if it has one."""
        with self.socket.makefile("rb") as file:
            return self.read(file, body=body)

    @staticmethod
    def read(file: IO[bytes], *, body: bool = True) -> Reply:
        """The next answer."""
        status, headers = 100, {}
        while status == 100:
            status = int(file.readline().split()[1])
            lines = [line.decode() for line in iter(lambda: file.readline().strip(), b"")]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Reply(status, headers, file.read(int(headers.get("content-length", 0))) if body else b"")


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """A connection to the server."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as made:
        yield Wire(made)


def head(client: Client, path: str, length: int, *more: str, method: str = "PATCH", offset: int = 0) -> bytes:
    """The beginning of a request with a part."""
    lines = [
        f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {client.secret}",
        "Tus-Resumable: 1.0.0", f"Content-Length: {length}", "Content-Type: application/offset+octet-stream",
        f"Upload-Offset: {offset}", *more, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def eagerly(open_wire: Wire, first: bytes, length: int) -> int:
    """Send everything without listening; how much the other end took."""
    sent, block = 0, bytes(MIB)
    open_wire.send(first)
    while sent < length and open_wire.send(block):
        sent += len(block)
    return sent


@contextmanager
def gunicorn(stage: Stage, folder: Path) -> Iterator[int]:
    """The same portal behind the other server; its port."""
    port, log = free_port(), folder / "gunicorn.log"
    how = ["--bind", f"127.0.0.1:{port}", "--threads", "4", "--no-control-socket"]
    process = programs.begin("gunicorn", *how, "hasty:app", environ=stage.site.environ, output=log)
    try:
        until_answering(port, "/healthz", process, log)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A served portal that has little patience."""
    folder = tmp_path_factory.mktemp("hasty")
    (folder / "hasty.py").write_text(HASTY)
    found = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    with staged("sqlite", folder, found, app="hasty:app") as made:
        yield made


@pytest.fixture(scope="module")
def client(stage: Stage) -> Client:
    """A researcher's program."""
    return Client(stage)


@pytest.fixture(scope="module")
def other(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the other server listens."""
    with gunicorn(stage, tmp_path_factory.mktemp("gunicorn")) as found:
        yield found


@pytest.fixture(params=["granian", "gunicorn"])
def port(request: pytest.FixtureRequest, stage: Stage) -> int:
    """Where each of the two servers listens."""
    if request.param == "granian":
        return stage.site.port
    found: int = request.getfixturevalue("other")
    return found


def begin(client: Client, length: int = 20 * MIB) -> str:
    """A new upload's address."""
    return client.announce(client.begin(), length)


@pytest.mark.parametrize("expects", [False, True], ids=["eager", "asks"])
def test_what_is_too_large_is_answered_in_words(port: int, client: Client, *, expects: bool) -> None:
    """The answer arrives although the sender had a gibibyte to send, and long before it has sent that."""
    path = begin(client)
    first = head(client, path, GIB + 1, *(["Expect: 100-continue"] if expects else []))
    with wire(port) as line:
        sent = eagerly(line, first, 0 if expects else 64 * MIB)
        answer = line.answer()

    assert (answer.status, answer.headers["upload-refused"]) == (413, "too-large")
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.text.startswith("The file is larger than 1,073,741,824 bytes")
    assert sent <= 32 * MIB


def test_a_lie_about_the_offset_is_answered_before_its_bytes_have_all_come(port: int, client: Client) -> None:
    path = begin(client)
    with wire(port) as line:
        sent = eagerly(line, head(client, path, 20 * MIB, offset=5), 20 * MIB)
        assert line.answer().status == 409
    assert sent < 20 * MIB
    assert client.offset(path) == 0


def test_a_part_of_the_usual_size_that_is_refused_does_not_cost_the_connection(client: Client, stage: Stage) -> None:
    path = begin(client)
    with wire(stage.site.port) as line:
        assert line.send(head(client, path, 8 * MIB) + b"This is not sealed." + bytes(8 * MIB - 19))
        refused = line.answer()
        assert (refused.status, refused.headers["upload-refused"]) == (422, "not-openpgp")
        assert "Nothing of it was kept" in refused.text
        assert line.send(head(client, path, 0, method="HEAD"))
        assert line.answer(body=False).status == 410


def chunked(client: Client, path: str, data: bytes, *, offset: int = 0) -> bytes:
    """A part that does not tell its length, as some proxies send it on."""
    first = head(client, path, 0, offset=offset).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    blocks = [data[begin : begin + MIB] for begin in range(0, len(data), MIB)]
    return first + b"".join(b"%x\r\n%b\r\n" % (len(block), block) for block in [*blocks, b""])


def told(port: int, request: bytes) -> Reply:
    """What is answered to a request on a connection of its own."""
    with wire(port) as line:
        assert line.send(request)
        return line.answer()


def test_chunked_transfer_needs_no_length(port: int, client: Client) -> None:
    data = client.sealed(MIB)
    path = begin(client, len(data))

    answer = told(port, chunked(client, path, data[:1000]))
    assert (answer.status, answer.headers["upload-offset"]) == (204, "1000")
    answer = told(port, chunked(client, path, data[1000:], offset=1000))
    assert (answer.status, answer.headers["upload-offset"]) == (204, str(len(data)))


@pytest.mark.parametrize("pieces", [0, 1])
def test_more_than_announced_is_never_silently_lost(port: int, client: Client, pieces: int) -> None:
    """Bytes whose number nobody told beforehand, and more of them than the file has: its end does not count."""
    data = client.sealed(pieces * 8 * MIB + MIB)
    path = begin(client, len(data))

    answer = told(port, chunked(client, path, data + b"too much."))

    assert (answer.status, answer.headers["tus-resumable"]) == (413, "1.0.0")
    assert answer.text.startswith("More bytes come than the file was announced to have")
    offset = client.offset(path)
    assert offset == pieces * 8 * MIB
    answer = told(port, chunked(client, path, data[offset:], offset=offset))
    assert (answer.status, answer.headers["upload-offset"]) == (204, str(len(data)))
    # Nor does anything follow what is whole.
    assert told(port, chunked(client, path, b"9", offset=len(data))).status == 413
    assert told(port, chunked(client, path, b"", offset=len(data))).status == 204


def dribble(line: Wire) -> Reply:
    """Send a little now and then until there is an answer."""
    pause = Event()
    while line.send(bytes(512)) and not pause.wait(0.1):
        if select.select([line.socket], [], [], 0)[0]:
            break
    return line.answer()


def test_who_sends_too_slowly_is_told_and_keeps_what_has_arrived(port: int, client: Client) -> None:
    data = client.sealed(20 * MIB)
    path = begin(client, len(data))
    pause = Event()
    with wire(port) as line:
        line.send(head(client, path, len(data)) + data[: 3 * MIB])
        for sent in range(3 * MIB, 4 * MIB, 2048):
            if not line.send(data[sent : sent + 2048]) or select.select([line.socket], [], [], 0)[0]:
                break
            pause.wait(0.1)
        answer = line.answer()

    assert (answer.status, answer.headers["tus-resumable"]) == (408, "1.0.0")
    assert answer.text.startswith("The bytes came too slowly.")
    assert client.offset(path) >= 3 * MIB
    offset = client.offset(path)
    assert client.patch(path, offset, data[offset:]).status == 204


def test_a_slow_form_ends_too(port: int, stage: Stage, client: Client) -> None:
    browser = Browser(port, stage.behind.cookies(stage.cast.researcher))
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    fields = [
        f"POST {client.base}/new HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookies}", "Content-Length: 9000000",
        "Content-Type: multipart/form-data; boundary=line", "", "--line",
        'Content-Disposition: form-data; name="sealed"; filename="report.pgp"', "", "",
    ]  # fmt: skip
    with wire(port) as line:
        line.send("\r\n".join(fields).encode() + bytes(1000))
        answer = dribble(line)

    assert answer.status == 408
    assert "The bytes came too slowly" in answer.text


def test_a_form_that_is_too_large_is_told_so_on_a_page(port: int, stage: Stage, client: Client) -> None:
    browser = Browser(port, stage.behind.cookies(stage.cast.researcher))
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    fields = [
        f"POST {client.base}/new HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookies}", f"Content-Length: {2 * GIB}",
        "Content-Type: multipart/form-data; boundary=line", "", "",
    ]  # fmt: skip
    with wire(port) as line:
        sent = eagerly(line, "\r\n".join(fields).encode(), 64 * MIB)
        answer = line.answer()

    assert answer.status == 413
    assert "The file is larger than 1,073,741,824 bytes" in answer.text
    assert sent <= 32 * MIB


def test_pages_answer_while_twenty_dribble(stage: Stage, client: Client) -> None:
    """One person with twenty connections, each sending a little now and then: others get their pages meanwhile."""
    path = begin(client)
    reader = stage.browser(stage.cast.team_lead)
    with ExitStack() as stack:
        lines = [stack.enter_context(wire(stage.site.port)) for _ in range(20)]
        for line in lines:
            line.send(head(client, path, MIB) + b"\x85")
        begun = time.monotonic()
        for _ in range(5):
            for line in lines:
                line.send(b"\x01")
            assert reader.get("/challenges/test-challenge/reports/").status == 200
        took = time.monotonic() - begun
        statuses = [dribble(line).status for line in lines]

    assert took < 10
    # One of them counts as the sender; others are told that it has gone on, that they are too many, or too slow.
    assert set(statuses) <= {408, 409, 410, 422, 429, 503}


CAME = {"nothing": 0, "one byte": 1, "some": 5000, "a part": 3 * MIB}


@pytest.mark.parametrize("came", CAME.values(), ids=CAME)
def test_who_falls_silent_is_told_and_keeps_what_has_arrived(port: int, client: Client, came: int) -> None:
    data = client.sealed(4 * MIB)
    path = begin(client, len(data))
    with wire(port) as line:
        line.send(head(client, path, len(data)) + data[:came])
        answer = line.answer()

    assert (answer.status, answer.headers["tus-resumable"]) == (408, "1.0.0")
    assert answer.text.startswith("The bytes came too slowly.")
    assert client.offset(path) == came
    assert client.patch(path, came, data[came:]).status == 204


def test_who_falls_silent_in_a_chunk_is_told(port: int, client: Client) -> None:
    data = client.sealed(MIB)
    path = begin(client, len(data))
    first = head(client, path, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with wire(port) as line:
        line.send(first + b"%x\r\n" % len(data) + data[:100_000])
        assert line.answer().status == 408
    assert client.offset(path) <= 100_000


def test_who_is_asked_for_the_bytes_and_falls_silent_is_told(port: int, client: Client) -> None:
    path = begin(client)
    with wire(port) as line:
        line.send(head(client, path, MIB, "Expect: 100-continue"))
        assert line.answer().status == 408
    assert client.offset(path) == 0


@pytest.mark.parametrize("came", [b"", b"email=ada"], ids=["nothing", "some"])
def test_who_falls_silent_in_any_form_is_told(port: int, came: bytes) -> None:
    with wire(port) as line:
        line.send(SIGNING_IN + came)
        assert line.answer().status == 408


def test_pages_answer_while_twenty_are_silent(port: int, stage: Stage, client: Client) -> None:
    """Two say who they are, others want to be asked, or say nothing at all. Each is told, and no thread is lost."""
    path = begin(client)
    reader = Browser(port, stage.behind.cookies(stage.cast.team_lead))
    asking = SIGNING_IN.replace(b"Host:", b"Expect: 100-continue\r\nHost:")
    heads = [head(client, path, MIB), head(client, path, MIB) + b"\x85", *[SIGNING_IN, asking] * 9]
    with ExitStack() as stack:
        lines = [stack.enter_context(wire(port)) for _ in heads]
        for line, words in zip(lines, heads, strict=True):
            line.send(words)
        assert [reader.get("/challenges/test-challenge/reports/").status for _ in range(5)] == [200] * 5
        statuses = [line.answer().status for line in lines]
        assert reader.get("/challenges/test-challenge/reports/").status == 200

    # The first two are in each other's way; of the others, some may have signed in too often.
    assert set(statuses[:2]) <= {408, 409, 503}
    assert set(statuses[2:]) <= {408, 429}


def test_who_ends_the_sending_is_answered_at_once(port: int, client: Client) -> None:
    """No more can come, so nothing is waited for; what came is kept."""
    data = client.sealed(MIB)
    path = begin(client, len(data))
    with wire(port) as line:
        line.send(head(client, path, len(data)) + data[:200_000])
        line.socket.shutdown(socket.SHUT_WR)
        until(lambda: client.offset(path) == 200_000, "what came to be kept")
    assert client.patch(path, 200_000, data[200_000:]).status == 204


def test_a_request_behind_a_whole_one_is_answered_too(port: int, client: Client) -> None:
    """Both in one packet, and the second one falls silent."""
    data = client.sealed(MIB)
    path = begin(client, len(data))
    with wire(port) as line:
        line.send(head(client, path, 1000) + data[:1000] + head(client, path, 1000, offset=1000) + data[1000:1500])
        with line.socket.makefile("rb") as file:
            first = Wire.read(file, body=False)
            second = Wire.read(file)

    assert (first.status, first.headers["upload-offset"], second.status) == (204, "1000", 408)
    assert client.offset(path) == 1500
