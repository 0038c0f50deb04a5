"""A mail server that may be killed at any moment: whatever it takes is in a file before it says so.

Run as `python -m tests.faults.keeper PORT FILE`.
"""

import asyncio
import os
import signal
import smtplib
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.programs import Program, begin
from tests.servers.waiting import free_port, until


class Keeping:
    """Appends addressee and Message-ID of each message durably."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd when a message is complete."""
        content = envelope.content
        assert isinstance(content, bytes)
        name = next(line for line in content.split(b"\r\n") if line.startswith(b"Message-ID:"))
        os.write(self.file, f"{envelope.rcpt_tos[0]} {name.decode()}\n".encode())
        os.fdatasync(self.file)
        return "250 OK"


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


async def _serve(port: int, path: Path) -> None:
    keeping = Keeping(path)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(keeping), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
