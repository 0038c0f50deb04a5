"""Many uploads at once through two web processes, while processes and the store die and come back.

    python -m tests.reports.storm [--uploads N] [--kills N] [--seed N] [--pair sqlite-folder|postgresql-s3]

Clients speak tus in parts, to whichever of two servers answers, and go on after every cut. A killer ends a server, or
the store's, at the moment when the answer of a number drawn beforehand has come, while many others are on their way,
and starts it again. Then every file must be there: whole, once, as gpg sealed it; and after a day nothing else is.
"""

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from portal.core import clock
from portal.core.blobs import blobs
from portal.reports.jobs import collect, expire
from portal.reports.models import Chunk, Report, Upload
from portal.reports.states import ReportState, UploadState
from tests.faults.stage import Backstage, Reply, Stage, staged
from tests.faults.tus import Client
from tests.reports.openpgp import Gpg, gpg_home
from tests.servers import Site, s3, web
from tests.servers.store import Store

KIB, MIB = 1 << 10, 1 << 20
PAIRS = {"sqlite-folder": ("sqlite", "folder"), "postgresql-s3": ("postgresql", "s3")}
NAMES = ("Tom <tom@example.org>", "Tia <tia@example.org>", "Recovery <recovery@example.org>")
# How large files are, the many small ones first.
SIZES = (*[KIB] * 4, *[200 * KIB] * 8, *[3 * MIB] * 5, *[9 * MIB] * 2, 30 * MIB)
PATIENCE = 600


class Body(NamedTuple):
    """A file as a client has it: what gpg sealed, and what it made of that."""

    plain: bytes
    sealed: bytes


@dataclass
class Figures:
    """What came of it."""

    pair: str
    uploads: int
    seed: int
    mib: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    answers: int = 0
    retries: int = 0
    seconds: float = 0
    opened: int = 0


# What the server of S3 calls a file while it writes it. If it is killed then, it forgets it: it lists it to nobody.
STORES_OWN = "/.rclone_temp_put_"


class Killer:
    """Ends what it may end, one after another, each when the answer with a number that was drawn beforehand has come.

    What was killed is started again at once; the requests that follow meet whatever is up by then.
    """

    def __init__(self, victims: dict[str, Site | Store], count: int, answers: int, chance: random.Random) -> None:
        self.victims, self.kills, self.answers = victims, dict.fromkeys(victims, 0), 0
        numbers = sorted(chance.sample(range(2, answers), count))
        # Everybody's turn comes, in an order of chance.
        names = [name for _ in range(count) for name in chance.sample(sorted(victims), len(victims))]
        self._plan = deque(zip(numbers, names, strict=False))
        self._changed = threading.Lock()
        self._starting: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(len(victims))

    def hears(self) -> None:
        """An answer has come; nobody goes on before all who were to die by now have died."""
        with self._changed:
            self.answers += 1
            while self._plan and self._plan[0][0] <= self.answers:
                self._kill(self._plan.popleft()[1])

    def _kill(self, name: str) -> None:
        self.settle(name)
        self.victims[name].kill()
        self.kills[name] += 1
        self._starting[name] = self._pool.submit(self.victims[name].start)

    def settle(self, *names: str) -> None:
        """Wait until they have been started again."""
        for name in names or self.victims:
            if name in self._starting:
                self._starting[name].result()


class Sender:
    """A researcher's program that does not give up."""

    def __init__(self, clients: Sequence[Client], killer: Killer, body: Body, chance: random.Random) -> None:
        self.retries = 0
        self.ref = ""
        self.body = body
        self._clients, self._killer, self._chance = clients, killer, chance
        self._until = time.monotonic() + PATIENCE

    def send(self) -> None:
        """Begin a report, send its body in parts of any size, and submit it."""
        path = self._begun()
        size, offset = len(self.body.sealed), 0
        while offset < size:
            end = min(offset + self._chance.randint(1, 12 * MIB), size)
            reply = self._try(lambda client, o=offset, e=end: client.patch(path, o, self.body.sealed[o:e]))
            offset = int(reply.headers["upload-offset"]) if reply and reply.status == 204 else self._offset(path)
        while not ((reply := self._try(lambda client: client.submit(self.ref))) and reply.status == 200):
            self._again(reply)

    def _begun(self) -> str:
        """Where the bytes go. Whoever does not hear that it was announced begins another report."""
        while True:
            begun = self._try(lambda client: client.begin())
            if begun:
                self.ref = begun
                if path := self._try(lambda client: client.announce(self.ref, len(self.body.sealed))):
                    return path
            self._again(None)

    def _offset(self, path: str) -> int:
        while True:
            reply = self._try(lambda client: client.ask("HEAD", path))
            if reply and reply.status == 200:
                return int(reply.headers["upload-offset"])
            self._again(reply)

    def _try(self, request: Callable[[Client], Any]) -> Any:
        """The answer of whichever server was asked, None if there was none."""
        try:
            answer = request(self._chance.choice(self._clients))
        except (OSError, HTTPException, AssertionError):
            return None
        self._killer.hears()
        return answer

    def _again(self, reply: Reply | None) -> None:
        if reply is not None and reply.status not in (409, 423, 429, 500, 502, 503):
            raise AssertionError(f"{reply.status}: {reply.text}")
        if time.monotonic() > self._until:
            raise TimeoutError(f"{self.ref} never arrived; last was {reply}")
        self.retries += 1
        time.sleep(0.1)


def rage(pair: str, *, uploads: int, kills: int, seed: int, sizes: Sequence[int] = SIZES) -> Figures:
    """The whole of it. Raises AssertionError where anything is not as it should be."""
    chance, figures = random.Random(seed), Figures(pair, uploads, seed)
    with ExitStack() as stack:
        gpg = stack.enter_context(gpg_home())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-")))
        stage, second, victims, kept = stack.enter_context(_two(pair, folder))
        first = _client(stage, gpg)
        clients = [first, first.beside(second)]
        made = {size: Body(plain := chance.randbytes(size), gpg.seal(plain, NAMES)) for size in sorted(set(sizes))}
        bodies = [made[sizes[number % len(sizes)]] for number in range(uploads)]
        chance.shuffle(bodies)
        killer = Killer(victims, kills, 3 * uploads, chance)
        senders = [Sender(clients, killer, body, random.Random(chance.random())) for body in bodies]
        begun = time.monotonic()
        _send(senders, killer)
        figures.seconds = round(time.monotonic() - begun, 1)
        figures.kills, figures.answers = killer.kills, killer.answers
        figures.retries = sum(sender.retries for sender in senders)
        figures.mib = sum(len(body.sealed) for body in bodies) // MIB
        figures.opened = _arrived(first, gpg, senders)
        _counted(stage.behind, senders)
        _tidied(stage.behind, kept)
    return figures


@contextmanager
def _two(pair: str, folder: Path) -> Iterator[tuple[Stage, Stage, dict[str, Site | Store], Path]]:
    """Two servers on one database and one store, all that may be killed, and the store's folder."""
    database, kind = PAIRS[pair]
    with ExitStack() as stack:
        settings, kept = {}, folder / "store"
        victims: dict[str, Site | Store] = {}
        if kind == "s3":
            store = stack.enter_context(s3())
            settings, kept = {"PORTAL_STORAGE_URL": store.url, **store.environ}, store.folder
            os.environ.update(store.environ)  # for the way behind the servers
            victims["store"] = store
        first = stack.enter_context(staged(database, folder, settings))
        second = replace(first, site=stack.enter_context(web(first.behind.environ, migrate=False)))
        yield first, second, victims | {"first": first.site, "second": second.site}, kept


def _client(stage: Stage, gpg: Gpg) -> Client:
    for name in NAMES:
        gpg.make(name)
    tom, tia, recovery = (gpg.certificate(name) for name in NAMES)
    return Client(stage, (tom, tia, recovery))


def _send(senders: Sequence[Sender], killer: Killer) -> None:
    """All at once."""
    with ThreadPoolExecutor(len(senders)) as pool:
        for done in [pool.submit(sender.send) for sender in senders]:
            done.result()
    killer.settle()


def _arrived(client: Client, gpg: Gpg, senders: Sequence[Sender]) -> int:
    """Each is fetched as it was sealed, and opens; how many."""
    assert len({sender.ref for sender in senders}) == len(senders)
    for sender in senders:
        fetched = client.fetch(sender.ref)
        assert hashlib.sha256(fetched).digest() == hashlib.sha256(sender.body.sealed).digest(), sender.ref
        assert gpg.open(fetched) == sender.body.plain, sender.ref
    return len(senders)


def _counted(behind: Backstage, senders: Sequence[Sender]) -> None:
    """The rows say the same: one whole body each, its pieces one after another, and no byte twice."""
    wanted = {sender.ref: sender.body.sealed for sender in senders}
    with behind.session() as session:
        whole = sa.select(Report.ref, Upload).join(Upload.report).where(Upload.state == UploadState.COMPLETE)
        found = session.execute(whole.where(Report.state == ReportState.RECEIVED)).all()
        assert sorted(ref for ref, _ in found) == sorted(wanted)
        for ref, upload in found:
            pieces = session.scalars(sa.select(Chunk).where(Chunk.upload_id == upload.id).order_by(Chunk.offset)).all()
            assert [each.position for each in pieces] == list(range(len(pieces)))
            ends = [each.offset + each.size for each in pieces]
            assert [each.offset for each in pieces] == [0, *ends[:-1]]
            assert ends[-1] == upload.position == upload.length == len(wanted[ref])
            assert upload.sha256 == hashlib.sha256(wanted[ref]).hexdigest()


def _tidied(behind: Backstage, folder: Path) -> None:
    """Days later the store has the pieces that rows name, and nothing else, however it is looked at."""
    with behind.session() as session:
        assert not (missing := _keys(session) - set(blobs().list("reports"))), missing
        for days in (3, 5):
            expire(session, clock.now() + timedelta(days=days))
            collect(session, clock.now() + timedelta(days=days))
        named = _keys(session)
        assert set(blobs().list("reports")) == named
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {each for each in left if STORES_OWN not in each} == named, left - named


def _keys(session: Any) -> set[str]:
    return set(session.scalars(sa.select(Chunk.key)))


def main(arguments: Sequence[str]) -> None:
    """Let it rage as asked, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.reports.storm")
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pair", choices=list(PAIRS), action="append")
    asked = parser.parse_args(arguments)
    for pair in asked.pair or PAIRS:
        figures = rage(pair, uploads=asked.uploads, kills=asked.kills, seed=asked.seed)
        print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
