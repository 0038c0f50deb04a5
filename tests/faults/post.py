"""Mail for the faults: what is posted, a server that misbehaves on demand, and workers that run beside the test."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.core import clock, outbox
from portal.core.outbox import MailState, OutgoingMail
from tests.faults.stage import Backstage
from tests.servers.programs import begin
from tests.servers.waiting import free_port

Answer = Callable[[SMTP, Envelope], str]


def post(behind: Backstage, count: int) -> None:
    """So many mails, each to an address of its own, due since a minute."""
    with behind.session() as session:
        for number in range(count):
            outbox.post(
                session, "reports/receipt", to=f"person-{number:03}@example.org", key=f"receipt:{number}",
                at=clock.now() - timedelta(minutes=1), context={"ref": f"R-{number:04}", "slug": "test-challenge"},
            )  # fmt: skip
        session.commit()


def states(behind: Backstage) -> dict[MailState, int]:
    """How many mails are in which state."""
    question = sa.select(OutgoingMail.state, sa.func.count()).group_by(OutgoingMail.state)
    return dict(behind.read(lambda session: session.execute(question).all()))


def let_leases_run_out(behind: Backstage) -> None:
    """As if five minutes had passed."""
    with behind.session() as session:
        sending = sa.update(OutgoingMail).where(OutgoingMail.state == MailState.SENDING)
        session.execute(sending.values(not_before=clock.now() - timedelta(seconds=1)))
        session.commit()


class Office:
    """A mail server that keeps what it has accepted, and may do as it likes before it says so."""

    def __init__(self, port: int, url: str) -> None:
        self.url = url
        self.port = port
        self.accepted: list[tuple[str, str]] = []
        self.after: Answer = lambda _server, _envelope: "250 OK"
        self.recipient: Answer = lambda _server, _envelope: "250 OK"

    @property
    def copies(self) -> Counter[str]:
        """How often each address has had a mail."""
        return Counter(to for to, _ in self.accepted)

    @property
    def names(self) -> dict[str, set[str]]:
        """The Message-IDs under which each address has had mail."""
        found: dict[str, set[str]] = {}
        for to, name in self.accepted:
            found.setdefault(to, set()).add(name)
        return found

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Called by aiosmtpd for each recipient."""
        envelope.rcpt_tos.append(address)
        return self.recipient(server, envelope)

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd when a message is complete."""
        content = envelope.content
        assert isinstance(content, bytes)
        name = message_from_bytes(content, policy=default)["Message-ID"]
        self.accepted.append((envelope.rcpt_tos[0], str(name)))
        return self.after(server, envelope)


@contextmanager
def office() -> Iterator[Office]:
    """The server, listening."""
    port = free_port()
    made = Office(port, f"smtp://127.0.0.1:{port}")
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()


class Worker:
    """`flask worker` as a process of its own."""

    def __init__(self, behind: Backstage, mail_url: str, *arguments: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        environ = {**inherited, **behind.environ, "PORTAL_MAIL_URL": mail_url}
        log = Path(environ["PORTAL_DATA"]) / "worker.log"
        self.process = begin("flask", "--app", "app", "worker", *arguments, environ=environ, output=log)

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)

    def ended(self) -> int:
        """How it ended, when it has."""
        return self.process.wait(timeout=60)

    def stop(self) -> int:
        """Ask it to end, as an operator would; how it did."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()


@contextmanager
def worker(behind: Backstage, mail_url: str, *arguments: str) -> Iterator[Worker]:
    """A worker that does not outlive the test."""
    made = Worker(behind, mail_url, *arguments)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.kill()
            made.ended()
