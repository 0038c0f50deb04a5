"""Reminders, while the worker is killed before and after all that it does: none is lost, none comes before its time,
at most one comes twice, and then under the same Message-ID.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from portal import worker as scheduler
from portal.core import clock
from portal.core.db import db
from portal.core.mail import Message
from portal.core.outbox import LEASE, MailState, OutgoingMail
from portal.office_hours.jobs import JOBS
from tests.cast import make_cast
from tests.faults.stage import Backstage
from tests.office_hours.conftest import FIRST
from tests.office_hours.conftest import Stage as Hours

pytestmark = pytest.mark.slow
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
REMINDERS = next(job for job in JOBS if job.name == "office-hours-reminders")
DELIVERY = next(job for job in scheduler.OWN_JOBS if job.run is scheduler.deliver)
# Far more than the worker takes; a loop that would never end is a fault of its own.
MOST = 100


class Mortal:
    """Counts the steps of a process and kills it at one of them, as a power cut would: nothing is cleaned up."""

    def __init__(self, last: int) -> None:
        self.left = last

    def write(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """What only reads leaves nothing behind: to die there is to have died at the last write."""
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            self.step()

    def step(self, *_told: Any) -> None:
        """One step nearer."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Letterbox:
    """Takes mails into a file; the process may die before and after."""

    def __init__(self, path: Path, mortal: Mortal) -> None:
        self.file, self.mortal = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), mortal

    def send(self, made: Message) -> None:
        """Keep who has had what, and die or not."""
        name = next(line for line in made.content.split(b"\r\n") if line.startswith(b"Message-ID:"))
        self.mortal.step()
        os.write(self.file, made.to.encode() + b" " + name + b"\n")
        self.mortal.step()

    def check(self) -> None:
        """It is always there."""


class Post:
    """A worker that lives in a child of this process, at a time of our choice."""

    def __init__(self, behind: Backstage, letters: Path, patch: pytest.MonkeyPatch) -> None:
        self.behind, self.letters, self.patch = behind, letters, patch

    def work(self, at: datetime, *, dies_at: int = 0) -> bool:
        """Tick the reminders and the outbox at a time; whether the worker lived to the end."""
        with self.behind.app.app_context():
            db.session.remove()
            db.engine.dispose()
        child = os.fork()
        if child == 0:
            try:
                self._live(at, Mortal(dies_at))
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert status == 0 or os.WIFSIGNALED(status), status
        return status == 0

    def rehearse(self, at: datetime) -> None:
        """Tick in this very process when nothing is due: no child needs to compile the statements anew."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: at)
            for job in (REMINDERS, DELIVERY):
                scheduler.tick(self.behind.app, job)
        assert self.taken == []

    def _live(self, at: datetime, mortal: Mortal) -> None:
        """The life of the child, which never returns."""

        @contextmanager
        def letterbox(_config: object) -> Iterator[Letterbox]:
            yield Letterbox(self.letters, mortal)

        self.patch.setattr(clock, "now", lambda: at)
        self.patch.setattr(scheduler, "transport", letterbox)
        with self.behind.app.app_context():
            sa.event.listen(db.engine, "before_cursor_execute", mortal.write)
            sa.event.listen(db.engine, "commit", mortal.step)
        for job in (REMINDERS, DELIVERY):
            scheduler.tick(self.behind.app, job)
        os._exit(0)

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Addressee and Message-ID of all that was sent, in order."""
        lines = self.letters.read_text().splitlines() if self.letters.exists() else []
        return [(to, name) for to, _, name in (line.partition(" ") for line in lines)]

    def forget(self) -> None:
        """Nothing was ever sent."""
        self.letters.unlink(missing_ok=True)
        with self.behind.session() as session:
            session.execute(sa.delete(OutgoingMail))
            session.commit()


@pytest.fixture
def letters(behind: Backstage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A post office beside one booking, of which nobody has been told yet."""
    with behind.session() as session:
        stage = Hours(session, make_cast(session))
        stage.book(stage.slots(stage.series())[0])
        session.commit()
    made = Post(behind, tmp_path / "letters", monkeypatch)
    made.forget()
    made.rehearse(FIRST - 40 * HOUR)
    return made


def states(post: Post) -> list[MailState]:
    question = sa.select(OutgoingMail.state).order_by(OutgoingMail.id)
    return list(post.behind.read(lambda session: session.scalars(question).all()))


def test_killed_at_any_step_it_reminds_everybody_once_or_twice_and_never_early(letters: Post) -> None:
    due, repeated = FIRST - 24 * HOUR, 0
    assert letters.work(due - SECOND)
    assert letters.taken == []
    for step in range(1, MOST):
        lived = letters.work(due, dies_at=step)
        # What was under way is another's as soon as its lease has run out.
        assert letters.work(due + LEASE + SECOND)

        copies = Counter(to for to, _ in letters.taken)
        assert sorted(copies) == ["hugo-host@example.org", "rosa-researcher@example.org"], step
        assert sum(copies.values()) <= 3, step
        assert len(set(letters.taken)) == 2, step
        assert states(letters) == [MailState.SENT] * 2
        repeated += sum(copies.values()) > 2
        if lived:
            break
        letters.forget()
    else:
        pytest.fail("the worker never came to an end")
    # It did die everywhere; only between sending a mail and noting it does that cost a repeat.
    assert step > 8
    assert 2 <= repeated < step


def test_a_worker_that_was_down_for_hours_sends_what_still_helps(letters: Post) -> None:
    assert letters.work(FIRST - 30 * HOUR)
    assert letters.taken == []

    assert letters.work(FIRST - 2 * HOUR)
    assert letters.work(FIRST - HOUR + SECOND)
    assert letters.work(FIRST + SECOND)

    assert Counter(Counter(to for to, _ in letters.taken).values()) == {2: 2}
    assert len(set(letters.taken)) == 4
