"""Sixty-four people in the same moment, in threads of several processes, some of which are killed at work.

Whoever was at a process that died asks again, with the same keys.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from threading import Barrier, Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import prepare
from portal.core.errors import Conflict, Refused

PROCESSES, THREADS = 4, 16
CROWD = PROCESSES * THREADS
PATIENCE = 120

# The server of processes has everything imported, so that a new one is there at once; it forks while it has no threads.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__, "tests.office_hours.simulation.stormy_fair"])


@dataclass(frozen=True)
class Errand:
    """What one person wants: the keyed request, told to `act` in plain values."""

    key: str
    member_id: int
    sitting_id: int
    slots: tuple[int, ...]


Act = Callable[[Session, Errand, datetime], str]
Answers = dict[str, str]


def crowd(url: str, act: Act, errands: Sequence[Errand], at: datetime, line: Connection) -> None:
    """One process: a thread a person. They begin together when told, and tell every answer once it is committed."""
    engine = sa.create_engine(url, pool_size=THREADS)
    prepare(engine)
    start, speaking = Barrier(len(errands)), Lock()

    def one(errand: Errand) -> None:
        start.wait()
        answer = ask(engine, act, errand, at)
        with speaking:
            line.send((errand.key, answer))

    line.send("ready")
    line.recv()
    with ThreadPoolExecutor(len(errands)) as pool:
        list(pool.map(one, errands))
    line.close()


def ask(engine: sa.Engine, act: Act, errand: Errand, at: datetime) -> str:
    """What the person is answered, after the commit; why not, if it is a refusal."""
    with Session(engine) as session:
        try:
            answer = act(session, errand, at)
            session.commit()
        except (Conflict, Refused) as refusal:
            return type(refusal).__name__
        return answer


class Gang:
    """One such process from outside."""

    def __init__(self, url: str, act: Act, errands: Sequence[Errand], at: datetime) -> None:
        self.errands, self.answers = errands, Answers()
        self.line, theirs = FORKS.Pipe()
        self.process = FORKS.Process(target=crowd, args=(url, act, errands, at, theirs), daemon=True)
        self.process.start()
        theirs.close()
        assert self._hear() == "ready"

    def _hear(self) -> Any:
        assert self.line.poll(PATIENCE), "nothing was answered for two minutes"
        return self.line.recv()

    def listen(self, until: int) -> None:
        """Hear so many answers, or all that there are."""
        with suppress(EOFError, ConnectionResetError):
            while len(self.answers) < until:
                key, answer = self._hear()
                self.answers[key] = answer

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever its threads do; what was said before is heard."""
        self.process.kill()
        self.process.join()
        self.listen(len(self.errands))

    def end(self) -> None:
        """It has done all that it had to."""
        self.listen(len(self.errands))
        self.process.join()
        assert self.process.exitcode == 0
        assert len(self.answers) == len(self.errands)


@dataclass
class Storm:
    """Lets crowds loose on a database, and kills some of them."""

    url: str
    killed: int = 0
    # How many were answered before their process died, and how many answers were never heard.
    heard: int = 0
    lost: int = 0

    def run(self, act: Act, errands: Sequence[Errand], at: datetime, kills: Sequence[int] = ()) -> Answers:
        """What everybody was answered in the end. The first processes are killed after so many answers each."""
        gangs = [Gang(self.url, act, errands[number::PROCESSES], at) for number in range(PROCESSES)]
        for gang in gangs:
            gang.line.send("go")
        answers = Answers()
        for gang, after in zip(gangs, kills, strict=False):
            answers |= self._kill(gang, after, act, at)
        for gang in gangs[len(kills) :]:
            gang.end()
            answers |= gang.answers
        return answers

    def _kill(self, gang: Gang, after: int, act: Act, at: datetime) -> Answers:
        gang.listen(after)
        gang.kill()
        self.killed += 1
        self.heard += len(gang.answers)
        self.lost += len(gang.errands) - len(gang.answers)
        again = Gang(self.url, act, gang.errands, at)
        again.line.send("go")
        again.end()
        # Whatever was answered before holds.
        assert gang.answers.items() <= again.answers.items()
        return again.answers
