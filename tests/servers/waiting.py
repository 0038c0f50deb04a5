"""Ports to listen on and a patience that ends."""

import fcntl
import itertools
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.programs import Program

STEP = 0.02
_RANGE = range(10_240, 32_768)
# Processes that look for a port at the same time begin at different places.
_PORTS = itertools.cycle(random.sample(_RANGE, len(_RANGE)))


def free_port() -> int:
    """A port on the loopback address that nothing listens on just now.

    It is below those from which a system takes the near end of every connection, so that it stays free until it is
    listened on, and while a server that dies is started again.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def until(ready: Callable[[], bool], what: str, *, tries: int = 1500) -> None:
    """Ask again and again, at most `tries` times, 20 ms apart. Raises TimeoutError, saying `what` it waited for."""
    for _ in range(tries):
        if ready():
            return
        time.sleep(STEP)
    raise TimeoutError(f"waited {tries * STEP:.0f} s in vain for {what}")


def answers(port: int, path: str = "/") -> int | None:
    """The status of a GET on the loopback address, or None where nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def until_answering(port: int, path: str, process: "Program", log: Path, *, ok: bool = True, tries: int = 1500) -> None:
    """Wait for an HTTP server to answer, with 200 if `ok`. Raises RuntimeError with its log if it has ended instead."""

    def ready() -> bool:
        ended = process.poll()
        if ended is not None:
            raise RuntimeError(f"the server ended with {ended}:\n{log.read_text()[-4000:]}")
        status = answers(port, path)
        return status == 200 if ok else status is not None

    try:
        until(ready, f"{path} on port {port}", tries=tries)
    except TimeoutError as error:
        error.add_note(log.read_text()[-4000:])
        raise


def let_go(log: Path) -> bool:
    """Whether no process writes this log any more; whoever opened it for them has locked it (LOCK_SH)."""
    with log.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
