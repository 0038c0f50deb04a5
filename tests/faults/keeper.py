"""A mail server that may be killed at any moment: whatever it takes is in a file before it says so.

Run as `python -m tests.faults.keeper PORT FILE`.
"""

import os
import signal
import smtplib
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from tests.servers.programs import Program, begin
from tests.servers.waiting import free_port, until


class Keeping(StreamRequestHandler):
    """Takes every message (RFC 5321), and appends its addressee and Message-ID to a file, durably."""

    file: int

    def handle(self) -> None:
        """Called for each connection."""
        to = b""
        self.wfile.write(b"220 keeper\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                to = line[line.index(b"<") + 1 : line.index(b">")]
            if verb == b"DATA":
                self.wfile.write(b"354 Go on\r\n")
                self._keep(to)
            self.wfile.write(b"250 OK\r\n")

    def _keep(self, to: bytes) -> None:
        """Keep the message that follows, if it comes to its end."""
        name = b""
        for line in self.rfile:
            if line.startswith(b"Message-ID:"):
                name = line.replace(b"\r", b"")
            if line == b".\r\n":
                os.write(self.file, to + b" " + name)
                os.fdatasync(self.file)
                return


class Keeper:
    """The server, from outside: started, killed, started again on the same port."""

    def __init__(self, path: Path) -> None:
        self.path, self.port = path, free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.process: Program | None = None
        path.touch()

    def start(self) -> None:
        """Listen."""
        arguments = (str(self.port), str(self.path))
        log = self.path.with_suffix(".log")
        self.process = begin("tests.faults.keeper", *arguments, environ=os.environ, output=log)
        until(self._listening, "the mail server")

    def _listening(self) -> bool:
        with suppress(OSError):
            smtplib.SMTP("127.0.0.1", self.port, timeout=5).close()
            return True
        return False

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Addressee and Message-ID of all that was taken, in order."""
        lines = self.path.read_text().splitlines()
        return [(to, name) for to, _, name in (line.partition(" ") for line in lines)]

    @property
    def size(self) -> int:
        """How many messages it has taken."""
        return self.path.read_bytes().count(b"\n")

    def copies(self) -> Counter[str]:
        """How often each address has had a mail."""
        return Counter(to for to, _ in self.taken)


if __name__ == "__main__":
    Keeping.file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    ThreadingTCPServer.allow_reuse_address = ThreadingTCPServer.daemon_threads = True
    ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Keeping).serve_forever()
