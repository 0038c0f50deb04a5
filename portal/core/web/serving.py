"""The application over Granian's own interface (RSGI), in which no thread awaits the bytes that somebody sends.

Over WSGI a read of Granian cannot be ended: whoever sends nothing more keeps a thread until the connection ends. Here
an event loop takes in what comes. A thread begins once a request has come as far as a form does, and can be told at
any time to wait no longer.
"""

import asyncio
import sys
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Condition
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.wsgi import FileWrapper

from portal.config import Config
from portal.core.pace import TooSlow
from portal.core.web.patience import BODILESS, HANG_UP, pace_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# How many bytes are taken in before they are asked for, once somebody asks; and how many of a file are sent at once.
AHEAD = 1 << 20
# What WSGI calls otherwise than HTTP_….
PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Body:
    """What one request brings: filled by the event loop, emptied by a thread."""

    def __init__(self, loop: AbstractEventLoop, source: AsyncIterator[bytes] | None) -> None:
        self._loop, self._source = loop, source
        self._chunks: deque[bytes] = deque()
        self._taken = self._held = 0
        self._ended, self._late = source is None, False
        self._filling = False
        self._changed = Condition()
        self._asked = asyncio.Event()

    async def fill(self, least: int) -> None:
        """Take in at least `least` bytes, or all that come."""
        while self._source and not self._ended and self._held < least:
            try:
                chunk = await self._source.__anext__()  # `anext` with a default brings this server down
            except (StopAsyncIteration, RuntimeError):  # the end, of the body or of the connection
                chunk = None
            with self._changed:
                if chunk is None:
                    self._ended = True
                elif chunk:
                    self._chunks.append(chunk)
                    self._held += len(chunk)
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
    """Let Granian find its own interface where it looks for it: on what it serves."""
    app.__rsgi__ = Serving(app, config.threads)  # type: ignore[attr-defined]


class Serving:
    """The application as Granian calls it: `__rsgi__` of what it is told to serve."""

    def __init__(self, app: Flask, threads: int) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(threads, "request")

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Answer a request."""
        if scope.proto != "http":
            protocol.close(None)
            return
        loop = asyncio.get_running_loop()
        body = Body(loop, None if scope.method in BODILESS else protocol.__aiter__())
        following = None
        if scope.method not in BODILESS:
            if not self._asks_first(scope.headers):
                await self._begin(body)
            following = loop.create_task(body.follow())
        try:
            await loop.run_in_executor(self._threads, self._answer, environ(scope, body), protocol, loop)
        finally:
            if following:
                following.cancel()

    def _asks_first(self, headers: Any) -> bool:
        """Whether somebody waits to be asked for more than a form has: the answer may be that it is not wanted."""
        length = headers.get("content-length", "")
        return (
            "expect" in headers and length.isdecimal() and int(length) > (self._app.config["MAX_CONTENT_LENGTH"] or 0)
        )

    async def _begin(self, body: Body) -> None:
        """Take in as much as has to come within one window. Whoever is slower than that is told so by a read."""
        pace = pace_of(self._app)
        with suppress(TimeoutError):
            async with asyncio.timeout(pace.window):
                await body.fill(pace.least)
            return
        body.hang_up()

    def _answer(self, asked: "WSGIEnvironment", protocol: Any, loop: AbstractEventLoop) -> None:
        status, headers = 500, [("Content-Type", "text/plain")]

        def start(line: str, lines: list[tuple[str, str]], _fault: object = None) -> Callable[[bytes], object]:
            nonlocal status, headers
            status, headers = int(line[:3]), lines
            return lambda _data: None

        answer = self._app(asked, start)
        try:
            chunks = iter(answer)
            first = next(chunks, b"")
            if not first or str(len(first)) in [value for name, value in headers if name.lower() == "content-length"]:
                protocol.response_bytes(status, headers, first)
            else:
                _stream(protocol.response_stream(status, headers), first, chunks, loop)
        finally:
            if hasattr(answer, "close"):
                answer.close()


def _stream(transport: Any, first: bytes, chunks: Iterator[bytes], loop: AbstractEventLoop) -> None:
    """Send piece by piece, each once the one before has been taken."""

    async def send(data: bytes) -> None:
        await transport.send_bytes(data)

    asyncio.run_coroutine_threadsafe(send(first), loop).result()
    for chunk in chunks:
        asyncio.run_coroutine_threadsafe(send(chunk), loop).result()


def environ(scope: Any, body: Body) -> "WSGIEnvironment":
    """A request as PEP 3333 has it."""
    server, client = _address(scope.server), _address(scope.client)
    told = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": server[1],
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": client[1],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": lambda file, _size: FileWrapper(file, AHEAD),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        HANG_UP: body.hang_up,
    }
    for name in scope.headers.keys():  # noqa: SIM118 - no mapping
        if "_" in name:  # here it would look like the one with a hyphen, which a proxy may vouch for
            continue
        values = scope.headers.get_all(name)
        told[PLAIN.get(name) or f"HTTP_{name.upper().replace('-', '_')}"] = ("; " if name == "cookie" else ",").join(
            values
        )
    told.setdefault("HTTP_HOST", scope.authority or "")
    return told


def _address(told: str) -> tuple[str, str]:
    """Host and port; of a socket in the file system its path."""
    host, _, port = told.rpartition(":")
    return (host.strip("[]"), port) if port.isdecimal() else (host or port, "0")
