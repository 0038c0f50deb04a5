"""A wave of mails to a real SMTP server."""

import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import sqlalchemy as sa

from portal import worker
from portal.config import load_config
from portal.core import clock
from portal.core.mail import config_of, message
from portal.core.outbox import MailState, OutgoingMail
from tests.bench.measuring import Result, Sizes, compared, measure, medians, seconds
from tests.bench.staging import KINDS
from tests.faults.post import post, states
from tests.faults.stage import Backstage, backstage
from tests.servers.waiting import free_port, until


@contextmanager
def _sink() -> Iterator[int]:
    """An SMTP server in a process of its own that takes everything; its port."""
    port = free_port()
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Sink"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listening() -> bool:
        try:
            smtplib.SMTP("127.0.0.1", port, timeout=5).close()
        except OSError:
            return False
        return True

    try:
        until(listening, "the SMTP server")
        yield port
    finally:
        process.kill()
        process.wait()


def _again(behind: Backstage) -> None:
    """Let every mail be due, as if none had gone."""
    with behind.session() as session:
        due = {"state": MailState.QUEUED, "sent_at": None, "tries": 0, "not_before": clock.now()}
        session.execute(sa.update(OutgoingMail).values(due))
        session.commit()


@measure("mail")
def mail(sizes: Sizes) -> Iterator[Result]:
    """The outbox, claimed, rendered, handed over and marked, beside smtplib with messages that are made already."""
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as name, backstage(kind, Path(name)) as behind, _sink() as port:
            yield _mail(kind, sizes, behind, port)


def _mail(kind: str, sizes: Sizes, behind: Backstage, port: int) -> Result:
    settings = {**behind.environ, "PORTAL_MAIL_URL": f"smtp://127.0.0.1:{port}"}
    behind.app.extensions["portal.config"] = load_config(settings)
    post(behind, sizes.mails)
    with behind.session() as session:
        ready = [message(each, config_of(behind.app)) for each in session.scalars(sa.select(OutgoingMail))]
    made = [message_from_bytes(each.content, policy=SMTP) for each in ready]

    def ours() -> float:
        _again(behind)
        with behind.session() as session:
            took = seconds(lambda: worker.deliver(session, clock.now()))
        assert states(behind) == {MailState.SENT: sizes.mails}
        return sizes.mails / took

    def theirs() -> float:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            return len(made) / seconds(lambda: [connection.send_message(each) for each in made])

    rate, bare = medians(ours, theirs, rounds=sizes.rounds)
    return compared(f"mail, {kind}", "mails/s", rate, bare, 0.5)
