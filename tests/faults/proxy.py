"""A wire to another server that can be cut, or that answers by itself."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from tests.servers.waiting import free_port

BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Hands bytes to and fro; `cut` ends what is open and refuses what comes, `fail` answers everything with 500, and
    `slow` lets through so many bytes a second, each way of each wire.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._answer: bytes | None = None
        self._rate: float | None = None
        self._never = threading.Event()
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """As if the server had gone."""
        self._become(b"")

    def fail(self) -> None:
        """As if the server were ill."""
        self._become(BROKEN)

    def slow(self, rate: float) -> None:
        """As if it were far away."""
        self._rate = rate

    def mend(self) -> None:
        """As it was."""
        self._rate = None
        self._become(None)

    def close(self) -> None:
        """Listen no more."""
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _become(self, answer: bytes | None) -> None:
        with self._changing:
            self._answer = answer
            for wire in self._open:
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            if self._answer is not None:
                client.sendall(self._answer if client.recv(1) else b"")
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                with self._changing:
                    self._open |= {client, server}
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server)
                back.join()
                with self._changing:
                    self._open -= {client, server}

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(1 << 16):
                if self._rate:
                    self._never.wait(len(some) / self._rate)
                target.sendall(some)
        for wire in (source, target):
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(target: int) -> Iterator[Proxy]:
    """A wire to a port of the loopback address."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
