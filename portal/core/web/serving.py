"""The application over ASGI, in which no thread awaits what somebody sends or takes.

Over WSGI a read of Granian cannot be ended: whoever sends nothing more keeps a thread until the connection ends. Here
an event loop takes in what comes. A thread begins once a request has come as far as a form does, and can be told at
any time to wait no longer. What is answered piece by piece is sent by the loop; a thread makes each piece once the one
before has been taken. (Granian's own interface, RSGI, takes all at once into memory, however slowly somebody reads.)
"""

import asyncio
import sys
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Condition
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask
from werkzeug.wsgi import FileWrapper

from portal.config import Config
from portal.core.pace import Pace, TooSlow
from portal.core.web.patience import BODILESS, HANG_UP, pace_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# How many bytes are taken in before they are asked for, once somebody asks; and how many of a file are sent at once.
AHEAD, AT_ONCE = 3 << 20, 1 << 20
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# What WSGI calls otherwise than HTTP_….
PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Body:
    """What one request brings: filled by the event loop, emptied by a thread."""

    def __init__(self, loop: AbstractEventLoop, receive: Receive | None) -> None:
        self._loop, self._receive = loop, receive
        self._chunks: deque[bytes] = deque()
        self._taken = self._held = 0
        self._ended, self._late = receive is None, False
        self._filling = False
        self._changed = Condition()
        self._asked = asyncio.Event()

    async def fill(self, least: int) -> None:
        """Take in at least `least` bytes, or all that come."""
        while self._receive and not self._ended and self._held < least:
            message = await self._receive()
            chunk = message.get("body", b"")
            with self._changed:
                if chunk:
                    self._chunks.append(chunk)
                    self._held += len(chunk)
                # The end, of the body or of the connection.
                self._ended = self._ended or not message.get("more_body")
                self._filling = self._filling and self._held < least
                self._changed.notify()

    async def follow(self) -> None:
        """Take in what comes as long as somebody reads."""
        while not self._ended:
            await self._asked.wait()
            self._asked.clear()
            await self.fill(AHEAD)

    def hang_up(self) -> None:
        """Wait for nothing more."""
        with self._changed:
            self._late = not self._ended
            self._ended = True
            self._changed.notify()

    def read(self, size: int = -1) -> bytes:
        """What has come of the next `size` bytes, at least one; none at the end. Raises TooSlow after `hang_up`."""
        with self._changed:
            self._wait()
            return b"".join(self._take(self._held if size < 0 else min(size, self._held)))

    def readinto(self, room: memoryview) -> int:
        """As `read`, to where the bytes stay; how many it were."""
        with self._changed:
            self._wait()
            end = 0
            for part in self._take(min(len(room), self._held)):
                room[end : (end := end + len(part))] = part
            return end

    def _wait(self) -> None:
        """Until a byte has come, or the end."""
        if self._held < AHEAD // 2 and not self._filling and not self._ended:
            self._filling = True
            self._loop.call_soon_threadsafe(self._asked.set)
        self._changed.wait_for(lambda: self._held or self._ended)
        if self._late and not self._held:
            raise TooSlow

    def _take(self, size: int) -> Iterator[memoryview]:
        """The next `size` bytes, which must be there, in the parts in which they lie."""
        self._held -= size
        while size:
            chunk = self._chunks[0]
            part = memoryview(chunk)[self._taken : self._taken + size]
            yield part
            size -= len(part)
            self._taken += len(part)
            if self._taken == len(chunk):
                self._chunks.popleft()
                self._taken = 0


def init_serving(app: Flask, config: Config) -> None:
    """Give the application a second face, for servers that speak ASGI."""
    app.asgi = Serving(app, config.threads)  # type: ignore[attr-defined]


def serving(app: Flask) -> "Serving":
    """The other face of an application."""
    return app.asgi  # type: ignore[attr-defined, no-any-return]


class Serving:
    """The application as a server of ASGI calls it."""

    def __init__(self, app: Flask, threads: int) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(threads, "request")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        loop = asyncio.get_running_loop()
        bodiless = scope["method"] in BODILESS
        body = Body(loop, None if bodiless else receive)
        asked = environ(scope, body)
        following = None
        if not bodiless:
            if not self._asks_first(asked):
                await self._begin(body)
            following = loop.create_task(body.follow())
        try:
            answer = await loop.run_in_executor(self._threads, self._answer, asked)
            gone = None
            if bodiless and answer.rest is not None:
                following = gone = loop.create_task(leaving(receive))
            await self._send(answer, send, gone)
        finally:
            if following:
                following.cancel()

    def _asks_first(self, asked: "WSGIEnvironment") -> bool:
        """Whether somebody waits to be asked for more than a form has: the answer may be that it is not wanted."""
        length = asked.get("CONTENT_LENGTH", "")
        return (
            "HTTP_EXPECT" in asked
            and length.isdecimal()
            and int(length) > (self._app.config["MAX_CONTENT_LENGTH"] or 0)
        )

    async def _begin(self, body: Body) -> None:
        """Take in as much as has to come within one window. Whoever is slower than that is told so by a read."""
        pace = pace_of(self._app)
        with suppress(TimeoutError):
            async with asyncio.timeout(pace.window):
                await body.fill(pace.least)
            return
        body.hang_up()

    def _answer(self, asked: "WSGIEnvironment") -> "Answer":
        """What the application answers, with its first piece."""
        status, headers = 500, [("Content-Type", "text/plain")]

        def start(line: str, lines: list[tuple[str, str]], _fault: object = None) -> Callable[[bytes], object]:
            nonlocal status, headers
            status, headers = int(line[:3]), lines
            return lambda _data: None

        made = self._app(asked, start)
        whole = True
        try:
            rest = iter(made)
            first = next(rest, b"")
            lengths = [value for name, value in headers if name.lower() == "content-length"]
            whole = not first or str(len(first)) in lengths
            return Answer(status, headers, made, first, None if whole else rest)
        finally:
            if whole:
                close(made)

    async def _send(self, answer: "Answer", send: Send, gone: "asyncio.Task[None] | None") -> None:
        """Send piece by piece, and end the answer early for whoever does not take them: then its length is not true.

        Nothing more is made once `gone` is done.
        """
        lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": lines})
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.first})
            return
        loop, pace = asyncio.get_running_loop(), pace_of(self._app)
        piece: bytes | None = answer.first
        try:
            while piece is not None:
                if not await taken(send, piece, pace) or (gone and gone.done()):
                    return
                piece = await loop.run_in_executor(self._threads, next, answer.rest, None)
        finally:
            await loop.run_in_executor(self._threads, close, answer.made)
        await send({"type": "http.response.body"})


class Answer(NamedTuple):
    """An answer of which one piece has been made, and whatever makes the rest, if there is more."""

    status: int
    headers: list[tuple[str, str]]
    made: Iterable[bytes]
    first: bytes
    rest: Iterator[bytes] | None


async def leaving(receive: Receive) -> None:
    """Wait until whoever asked, and sends nothing more, has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def taken(send: Send, data: bytes, pace: Pace) -> bool:
    """Send some bytes; whether they were taken, no more slowly than bytes may come."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pace.window * max(1.0, len(data) / pace.least)):
            await send({"type": "http.response.body", "body": data, "more_body": True})
        return True
    return False


def close(made: Iterable[bytes]) -> None:
    """Tell an answer, as PEP 3333 has it, that nothing more of it is wanted."""
    if hasattr(made, "close"):
        made.close()


def environ(scope: Message, body: Body) -> "WSGIEnvironment":
    """A request as PEP 3333 has it."""
    server, client = _address(scope["server"]), _address(scope["client"])
    told = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": server[1],
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": client[1],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": lambda file, _size: FileWrapper(file, AT_ONCE),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        HANG_UP: body.hang_up,
    }
    return told | _headers(scope["headers"])


def _headers(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names in WSGI; one that comes several times is one list."""
    found: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines):
        if "_" in name:  # here it would look like the one with a hyphen, which a proxy may vouch for
            continue
        known = PLAIN.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        between = "; " if name == "cookie" else ","
        found[known] = f"{found[known]}{between}{value}" if known in found else value
    return {"HTTP_HOST": "", **found}


def _address(told: tuple[str, int | None] | None) -> tuple[str, str]:
    """Host and port; of a socket in the file system its path."""
    host, port = told or ("", None)
    return host, str(port or 0)
