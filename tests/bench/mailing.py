"""A wave of mails to a real SMTP server."""

import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import worker
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.challenges.models import Challenge
from portal.config import load_config
from portal.core import clock
from portal.core.mail import config_of, message
from portal.core.outbox import MailState, OutgoingMail
from portal.selection import queries
from portal.selection.actions.decisions import mean
from portal.selection.actions.waves import create_wave, release_wave
from portal.selection.jobs import release_waves
from portal.selection.models import Wave
from tests.bench.bulk import fill
from tests.bench.measuring import Result, Sizes, compared, measure, medians, seconds
from tests.bench.staging import KINDS
from tests.cast import make_cast
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
        ready = [
            message(each, config_of(behind.app))
            for each in session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))
        ]
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


@measure("wave")
def wave(sizes: Sizes) -> Iterator[Result]:
    """A whole wave: every answer handed over and every mail delivered, among few and among very many applications."""
    for kind in KINDS:
        for many in (sizes.applications, sizes.very_many):
            with tempfile.TemporaryDirectory() as name, backstage(kind, Path(name)) as behind, _sink() as port:
                yield _wave(kind, sizes, many, behind, port)


def _wave(kind: str, sizes: Sizes, many: int, behind: Backstage, port: int) -> Result:
    """A wave for each round; the bare counterpart only sends the same mails, made already."""
    settings = {**behind.environ, "PORTAL_MAIL_URL": f"smtp://127.0.0.1:{port}"}
    behind.app.extensions["portal.config"] = load_config(settings)
    with behind.session() as session:
        cast = make_cast(session)
        fill(session, cast.challenge.id, many)
        slug, lead = cast.slug, cast.lead.id
    # Waves take different people: where there are no more than one wave holds, there is one round.
    rounds = min(sizes.rounds, many // sizes.answers)
    taken: list[float] = []

    def ours() -> float:
        number = _draft(behind, slug, lead, sizes.answers)
        with behind.session() as session:
            took = seconds(lambda: _give_out(session, number, lead, taken))
        assert states(behind)[MailState.SENT] % sizes.answers == 0
        return sizes.answers / took

    def theirs() -> float:
        with behind.session() as session:
            last = sa.select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(sizes.answers)
            ready = [message(each, config_of(behind.app)) for each in session.scalars(last)]
        made = [message_from_bytes(each.content, policy=SMTP) for each in ready]
        with smtplib.SMTP("127.0.0.1", port) as connection:
            return len(made) / seconds(lambda: [connection.send_message(each) for each in made])

    rate, bare = medians(ours, theirs, rounds=rounds)
    note = f"{sizes.answers:,} of {many:,}; handing over {sizes.answers / median(taken):,.0f} answers/s"
    return compared(f"wave, {kind}", "answers/s", rate, bare, 0.5, note=note)


def _draft(behind: Backstage, slug: str, lead: int, count: int) -> int:
    """A wave with the next people whom nobody has answered, one of fifty invited."""
    with behind.session() as session:
        challenge = session.scalars(sa.select(Challenge).where(Challenge.slug == slug)).one()
        undecided = Application.challenge_id == challenge.id, Application.state == ApplicationState.SUBMITTED
        numbers = session.scalars(sa.select(Application.id).where(*undecided).limit(count)).all()
        places, at = count // 50 + 1, clock.now()
        for decision, part in ((Decision.INVITE, numbers[:places]), (Decision.DECLINE, numbers[places:])):
            mean(session, challenge, part, decision, by=lead, at=at)
        made = create_wave(session, challenge, at + timedelta(days=9), by=lead, at=at)
        session.commit()
        return made.id


def _give_out(session: Session, number: int, lead: int, taken: list[float]) -> None:
    """What the lead's button and the worker do."""
    at, found = clock.now(), session.get_one(Wave, number)

    def hand_over() -> None:
        total = queries.counts(session, number).total
        release_wave(session, found, count=total, by=lead, at=at)
        session.commit()
        release_waves(session, at)

    taken.append(seconds(hand_over))
    worker.deliver(session, at)
