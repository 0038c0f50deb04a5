"""An SMTP server that keeps what it is given."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.waiting import free_port


class Received(NamedTuple):
    """One delivery: the envelope's addresses and the message itself."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class Mailbox:
    """What has been delivered so far, in order; `url` is what PORTAL_MAIL_URL takes."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self.port = port
        self._received: list[Received] = []
        self._arrival = threading.Condition()

    @property
    def received(self) -> list[Received]:
        """All deliveries so far."""
        with self._arrival:
            return list(self._received)

    def wait_for(self, count: int, *, seconds: float = 10) -> list[Received]:
        """All deliveries, once there are at least `count` of them. Raises TimeoutError."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._received) >= count, timeout=seconds):
                raise TimeoutError(f"{len(self._received)} of {count} messages after {seconds} s")
            return list(self._received)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd when a message is complete."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content.replace(b"\r\n", b"\n"), policy=default)
        with self._arrival:
            self._received.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
            self._arrival.notify_all()
        return "250 OK"


@contextmanager
def smtp() -> Iterator[Mailbox]:
    """A server that accepts every message."""
    mailbox = Mailbox(free_port())
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
