"""The portal's own way from ASGI: requests as WSGI has them, bodies that a thread stops waiting for, HTTP/2."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, Any

import pytest

from portal.core.pace import TooSlow
from portal.core.web.serving import AHEAD, Body
from tests.servers import Site, web
from tests.servers.site import ROOT
from tests.servers.waiting import until

DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
END_STREAM, END_HEADERS = 1, 4
FILE = bytes(range(256)) * 10_000
# More than the buffers of two sockets hold.
MUCH = 1 << 25
# What a server made of a request, as JSON; the same application both ways.
MIRROR = """
import os
from pathlib import Path
from flask import Flask, request, send_file
from portal.core.pace import Pace
from portal.core.web.patience import init_patience
from portal.core.web.serving import Serving

app = Flask("mirror")
app.config["PACE"] = Pace(window=float(os.environ["WINDOW"]), notice=0.1, slow_at_once=1)
init_patience(app)
app.asgi = Serving(app, 4)


@app.route("/", defaults={"path": ""}, methods=["GET", "HEAD", "POST", "PATCH", "DELETE"])
@app.route("/<path:path>", methods=["GET", "HEAD", "POST", "PATCH", "DELETE"])
def mirror(path: str):
    if path == "stream":
        return app.response_class(piece * 100_000 for piece in (b"a", b"b", b"c"))
    if path == "much":
        made = Path(os.environ["SENT"]).with_name("made")
        answer = app.response_class(made.write_text(str(number)) and bytes(1 << 16) for number in range(512))
        answer.content_length = 1 << 25
        answer.call_on_close(Path(os.environ["SENT"]).with_name("closed").touch)
        return answer
    if path == "file":
        return send_file(os.environ["SENT"])
    if path == "nothing":
        return "", 204
    if path == "healthz":
        return {}
    told = {name: value for name, value in request.environ.items() if isinstance(value, str) and name.isupper()}
    told |= {"body": request.get_data().decode("latin-1"), "scheme": request.environ["wsgi.url_scheme"]}
    return told | {"PATH_INFO": request.path}
"""
REQUESTS = {
    "plain": b"GET / HTTP/1.1\r\nHost: here:80\r\n\r\n",
    "no host": b"GET / HTTP/1.0\r\n\r\n",
    "odd path": b"GET /a%20b//%C3%A9/%2F;x=1?q=%20&q=\xc3\xa9&& HTTP/1.1\r\nHost: here\r\n\r\n",
    "no UTF-8": b"GET /%ff%00 HTTP/1.1\r\nHost: here\r\n\r\n",
    "headers": b"GET / HTTP/1.1\r\nHost: here\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n",
    "cookies": b"GET / HTTP/1.1\r\nHost: here\r\nCookie: a=b; c=d\r\n\r\n",
    "form": b"POST /f HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\na=b",
    "chunked": b"PATCH /f HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "empty": b"POST /f HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n",
    "no length": b"POST /f HTTP/1.1\r\nHost: here\r\n\r\n",
    "whole address": b"GET http://here/x?y HTTP/1.1\r\nHost: here\r\n\r\n",
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the application lies."""
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "mirror.py").write_text(MIRROR)
    (folder / "file.bin").write_bytes(FILE)
    return folder


def served(folder: Path, interface: str, window: float) -> AbstractContextManager[Site]:
    """The application, which waits for so many seconds."""
    given = {"PYTHONPATH": str(ROOT), "WINDOW": str(window), "SENT": str(folder / "file.bin")}
    return web(given, app="mirror:app", folder=folder, migrate=False, interface=interface)


@pytest.fixture(scope="module")
def ports(mirror: Path) -> Iterator[dict[str, int]]:
    """Where the same application is served in each way."""
    with ExitStack() as stack:
        yield {each: stack.enter_context(served(mirror, each, 0.3)).port for each in ("asginl", "wsgi")}


def answered(port: int, request: bytes) -> tuple[bytes, dict[str, object]]:
    """The status line and the JSON of an answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as line, line.makefile("rb") as file:
        line.sendall(request)
        status = file.readline()
        headers = dict(each.lower().split(b": ", 1) for each in iter(lambda: file.readline().strip(), b""))
        body = file.read(int(headers[b"content-length"]))
    return status, json.loads(body) if headers[b"content-type"] == b"application/json" else {}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_request_looks_as_it_does_over_wsgi(ports: dict[str, int], request_: bytes) -> None:
    ours, theirs = answered(ports["asginl"], request_), answered(ports["wsgi"], request_)

    assert ours[0] == theirs[0]
    # Over WSGI this server shows the environment of its process besides.
    assert ours[1].keys() - theirs[1].keys() == {"REMOTE_PORT"}
    assert not {name for name in theirs[1].keys() - ours[1].keys() if name.startswith("HTTP_")}
    compared = ours[1].keys() & theirs[1].keys() - {"SERVER_PORT"}
    assert {name: ours[1][name] for name in compared} == {name: theirs[1][name] for name in compared}


def test_a_header_with_an_underscore_is_not_taken_for_one_that_a_proxy_vouches_for(ports: dict[str, int]) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: here\r\nX_Forwarded_For: 192.0.2.1\r\nX-Forwarded_Proto: https\r\n\r\n"

    status, told = answered(ports["asginl"], asked)

    assert status.startswith(b"HTTP/1.1 200")
    assert not {name for name in told if "FORWARDED" in name}


def test_a_header_that_is_no_text_comes_octet_by_octet(ports: dict[str, int]) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: here\r\nX-Odd: \xe9\r\n\r\n"

    assert answered(ports["asginl"], asked)[1]["HTTP_X_ODD"] == "\xe9"


@pytest.mark.parametrize("way", ["asginl", "wsgi"])
def test_an_answer_may_come_in_pieces_or_have_none(ports: dict[str, int], way: str) -> None:
    with closing(HTTPConnection("127.0.0.1", ports[way], timeout=10)) as line:
        line.request("GET", "/stream")
        assert line.getresponse().read() == b"a" * 100_000 + b"b" * 100_000 + b"c" * 100_000
        line.request("GET", "/file")
        assert line.getresponse().read() == FILE
        line.request("GET", "/file", headers={"Range": "bytes=1000-2000000"})
        assert line.getresponse().read() == FILE[1000:2_000_001]
        line.request("HEAD", "/")
        answer = line.getresponse()
        assert (answer.status, answer.headers["Content-Type"], answer.read()) == (200, "application/json", b"")
        line.request("GET", "/nothing")
        answer = line.getresponse()
        assert (answer.status, answer.read()) == (204, b"")


def test_silent_clients_take_no_thread_at_all(mirror: Path) -> None:
    """More of them than there are threads, each of whom would be waited for longer than this test may take."""
    begun = b"POST /f HTTP/1.1\r\nHost: here\r\nContent-Length: 60000\r\n"
    with served(mirror, "asginl", 600) as site, ExitStack() as stack:
        for rest in (b"\r\n", b"\r\nsome", b"Expect: 100-continue\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n") * 5:
            line = stack.enter_context(closing(socket.create_connection(("127.0.0.1", site.port), timeout=10)))
            line.sendall(begun + rest if b"chunked" not in rest else begun.replace(b"Content-Length: 60000\r\n", rest))
        for _ in range(5):
            assert answered(site.port, REQUESTS["form"])[1]["body"] == "a=b"


@contextmanager
def asked_for_much(port: int) -> Iterator[IO[bytes]]:
    """A connection on which a large answer has begun to come: its content, of which nothing more is taken so far."""
    with closing(socket.socket()) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        line.settimeout(30)
        line.connect(("127.0.0.1", port))
        line.sendall(b"GET /much HTTP/1.1\r\nHost: here\r\n\r\n")
        with line.makefile("rb") as file:
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            while file.readline().strip():
                pass
            yield file


def test_who_takes_nothing_takes_no_thread(mirror: Path) -> None:
    """More of them than there are threads, each of whom would be waited for longer than this test may take."""
    with served(mirror, "asginl", 600) as site, ExitStack() as stack:
        contents = [stack.enter_context(asked_for_much(site.port)) for _ in range(20)]
        for _ in range(5):
            assert answered(site.port, REQUESTS["form"])[1]["body"] == "a=b"
        # Who takes it after all gets it whole.
        assert len(contents[7].read(MUCH)) == MUCH


def test_who_takes_nothing_is_let_go_and_sees_that_it_is_not_all(ports: dict[str, int], mirror: Path) -> None:
    (mirror / "closed").unlink(missing_ok=True)
    with asked_for_much(ports["asginl"]) as content:
        until((mirror / "closed").exists, "the answer to be let go")
        assert len(content.read(MUCH)) < MUCH


def test_for_whoever_has_left_nothing_more_is_made(mirror: Path) -> None:
    (mirror / "closed").unlink(missing_ok=True)
    with served(mirror, "asginl", 600) as site:
        with asked_for_much(site.port):
            pass
        until((mirror / "closed").exists, "the answer to be let go")
    assert int((mirror / "made").read_text()) < 500


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return len(content).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + content


def fields(method: str, path: str) -> bytes:
    """Header fields, each literal and never indexed (RFC 7541, section 6.2.3)."""
    pairs = {":method": method, ":scheme": "http", ":authority": "here", ":path": path}
    return b"".join(b"\x10" + b"".join(bytes([len(word)]) + word.encode() for word in pair) for pair in pairs.items())


def test_of_two_streams_of_a_connection_only_the_silent_one_ends(ports: dict[str, int]) -> None:
    """HTTP/2 by prior knowledge: one stream is silent, the others are answered meanwhile and after it."""
    with (
        closing(socket.create_connection(("127.0.0.1", ports["asginl"]), timeout=10)) as line,
        line.makefile("rb") as file,
    ):
        line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
        line.sendall(frame(HEADERS, END_HEADERS, 1, fields("POST", "/silent")) + frame(DATA, 0, 1, b"some"))
        line.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 3, fields("GET", "/meanwhile")))
        assert b'"/meanwhile"' in finished(file, {1, 3}, 3)
        assert b"408" in finished(file, {1}, 1)
        line.sendall(frame(HEADERS, END_HEADERS, 5, fields("POST", "/after")))
        line.sendall(frame(DATA, 0, 5, b"one") + frame(DATA, 0, 5) + frame(DATA, END_STREAM, 5, b"two"))
        assert b'"onetwo"' in finished(file, {5}, 5)


def finished(file: IO[bytes], open_: set[int], wanted: int) -> bytes:
    """The content of the first of these streams to end, which has to be the one that is wanted."""
    content: dict[int, bytes] = dict.fromkeys(open_, b"")
    while True:
        head = file.read(9)
        length, kind, flags, stream = int.from_bytes(head[:3]), head[3], head[4], int.from_bytes(head[5:])
        data = file.read(length)
        assert kind != GOAWAY
        if stream in content and kind == DATA:
            content[stream] += data
        if stream in content and kind in (DATA, HEADERS) and flags & END_STREAM:
            assert stream == wanted
            return content[stream]


class Slowly:
    """Where chunks come from: each when it is let come."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.given = 0

    async def __call__(self) -> dict[str, Any]:
        if not self.chunks:
            return {"type": "http.request", "body": b"", "more_body": False}
        self.given += len(self.chunks[0])
        return {"type": "http.request", "body": self.chunks.pop(0), "more_body": True}


async def held(source: Slowly) -> tuple[Body, "asyncio.Task[None]"]:
    body = Body(asyncio.get_running_loop(), source)
    return body, asyncio.create_task(body.follow())


def test_a_thread_reads_what_the_loop_takes_in() -> None:
    data = [bytes([number]) * 70_000 for number in range(100)]

    async def run() -> None:
        body, following = await held(Slowly(*data, b""))
        assert await asyncio.to_thread(body.read, 0) == b""
        assert await asyncio.to_thread(body.read, 10) == data[0][:10]
        read = [data[0][:10]]
        room = memoryview(bytearray(100_000))
        while some := await asyncio.to_thread(body.read, 100_000):
            assert len(some) <= 100_000
            read.append(some)
            read.append(bytes(room[: await asyncio.to_thread(body.readinto, room)]))
        assert b"".join(read) == b"".join(data)
        await following

    asyncio.run(run())


def test_no_more_is_taken_in_than_is_asked_for() -> None:
    source = Slowly(*[bytes(1000)] * 10_000)

    async def run() -> None:
        body, following = await held(source)
        await asyncio.sleep(0)
        assert source.given == 0
        await body.fill(1)
        assert source.given == 1000
        assert await asyncio.to_thread(body.read, 1000) == bytes(1000)
        while source.given < AHEAD:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert source.given < AHEAD + 2000
        following.cancel()

    asyncio.run(run())


def test_after_hanging_up_what_has_come_is_given_and_no_more() -> None:
    class Silent(Slowly):
        async def __call__(self) -> dict[str, Any]:
            if not self.chunks:
                await asyncio.Event().wait()
            return await super().__call__()

    async def run() -> None:
        body, following = await held(Silent(b"some"))
        assert await asyncio.to_thread(body.read, 2) == b"so"
        assert await asyncio.to_thread(body.read, 9) == b"me"
        waiting = asyncio.create_task(asyncio.to_thread(body.read, 9))
        await asyncio.sleep(0)
        body.hang_up()
        for read in (waiting, asyncio.to_thread(body.read, 9)):
            with pytest.raises(TooSlow):
                await read
        following.cancel()

    asyncio.run(run())


def test_hanging_up_after_the_end_changes_nothing() -> None:
    async def run() -> None:
        body, following = await held(Slowly(b"all"))
        await body.fill(9)
        body.hang_up()
        assert (body.read(), body.read()) == (b"all", b"")
        following.cancel()

    asyncio.run(run())
