"""A process dies at every step of an upload and of the collecting, once each; then the upload goes on elsewhere."""

import base64
import hashlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.pieces import read
from portal.reports import rules
from portal.reports.actions import drafts
from portal.reports.actions.keys import make_token, publish_key_set
from portal.reports.jobs import collect
from portal.reports.models import Chunk, Upload
from portal.reports.queries import keys, uploads
from portal.reports.states import Severity, UploadState
from tests.cast import Cast, make_cast
from tests.faults.stage import Backstage, backstage
from tests.reports.conftest import RECOVERY, TIA, TOM
from tests.reports.crashing import PART, hasten
from tests.reports.hands import HANDS
from tests.reports.openpgp import message
from tests.servers import s3
from tests.servers.site import ROOT

pytestmark = pytest.mark.slow
KILLED = 9
PAIRS = [("sqlite", "folder"), ("postgresql", "s3")]
DAY = timedelta(days=1, minutes=1)
PUT = {"folder": ["put", "half put", "put done", "fsync file", *["fsync folder"] * 3], "s3": ["put", "put done"]}
COUNT = ["UPDATE report_upload", "INSERT report_chunk", "commit", "commit done"]
STREAM = "application/offset+octet-stream"


@dataclass
class Bank:
    """A portal without a server, the processes that work for it and die, and the folder of its store."""

    behind: Backstage
    cast: Cast
    folder: Path
    kind: str
    token: str
    forks: subprocess.Popen[str]
    log: Path
    data: bytes

    def fork(self, step: int, **told: Any) -> int:
        """Let a process work until a step; the signal that ended it."""
        return self.tell(**told, step=step, log=str(self.log), data=str(self.log.with_name("data")))

    def tell(self, **told: Any) -> int:
        """Ask the process that forks for something; what came of it."""
        assert self.forks.stdin
        assert self.forks.stdout
        print(json.dumps(told), file=self.forks.stdin, flush=True)
        return int(self.forks.stdout.readline())

    def steps(self) -> list[str]:
        """The steps of the last process."""
        return self.log.read_text().splitlines()

    def announce(self) -> tuple[str, str]:
        """A new report and its body: the reference and the upload's id."""
        with self.behind.session() as session:
            given, at = drafts.Particulars("Report", Severity.LOW, "20.06"), clock.now()
            challenge, member = (session.get_one(type(row), row.id) for row in (self.cast.challenge, self.cast.member))
            report = drafts.begin_report(session, challenge, member, given, at=at)
            limits, by = rules.Limits(), member.account_id
            upload = drafts.begin_upload(session, report, limits, body=True, length=len(self.data), by=by, at=at)
            made = report.ref, upload.id
            session.commit()
        return made

    def path(self, *parts: str) -> str:
        """An address of the researcher's reports."""
        return "/".join((f"/challenges/{self.cast.slug}/reports", *parts))

    def ask(self, method: str, path: str, data: bytes = b"", **headers: str) -> Any:
        """A request of the researcher's program to another process: this one."""
        told = {**self.headers(), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.behind.app.test_client().open(path, method=method, data=data, headers=told)

    def headers(self) -> dict[str, str]:
        """What every request of a program has."""
        return {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0"}

    def kept(self, upload_id: str) -> bytes:
        """The bytes that count, each piece checked."""
        with self.behind.session() as session:
            pieces = [(each.key, each.tag) for each in uploads.chunks(session, upload_id)]
            return b"".join(read(blobs(), pieces))

    def after_a_day(self) -> None:
        """The day passes, and what is in the store is what rows name, and nothing else, however it is looked at."""
        with self.behind.session() as session:
            collect(session, clock.now() + DAY)
            named = sorted(session.scalars(sa.select(Chunk.key)).all())
            assert blobs().list("reports") == named
        assert sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()) == named


@pytest.fixture(scope="module", params=PAIRS, ids=["sqlite-folder", "postgresql-s3"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """A key set of two triagers, a token, and a process that forks others."""
    database, kind = request.param
    here, environ = tmp_path_factory.mktemp("bank"), {}
    folder = here / "store"
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(rules, "PART", PART)
        if kind == "s3":
            store = stack.enter_context(s3())
            environ, folder = {"PORTAL_STORAGE_URL": store.url, **store.environ}, store.folder
            for name, value in store.environ.items():
                patch.setenv(name, value)
        patch.setattr(os, "fsync", lambda _number: None)
        behind = stack.enter_context(backstage(database, here, environ))
        with behind.app.app_context():
            hasten(db.engine)
        forks = stack.enter_context(forking(behind.environ))
        cast, token, data = furnished(behind)
        (here / "data").write_bytes(data)
        made = Bank(behind, cast, folder, kind, token, forks, here / "log", data)
        made.tell(look=made.path("uploads", made.announce()[1]), headers=made.headers())
        yield made


@pytest.fixture(params=HANDS)
def hands(request: pytest.FixtureRequest) -> str:
    """In which order pieces are put that are on their way at the same time."""
    return str(request.param)


def furnished(behind: Backstage) -> tuple[Cast, str, bytes]:
    """Everybody, a researcher's token, and four parts and a bit that look sealed to the key set."""
    with behind.session() as session:
        cast, at = make_cast(session, running=True), clock.now()
        people = [(cast.triager.id, TOM), (cast.second_triager.id, TIA)]
        publish_key_set(session, people, RECOVERY, by=cast.admin.id, at=at)
        token = make_token(session, cast.challenge.id, "tests", by=cast.researcher.id, at=at)
        session.commit()
        current = keys.current_set(session)
        assert current is not None
        data = message(3 * PART + 100, [key_id for member in current.members for key_id in member.key_ids])
        for each in (cast.challenge, cast.member, cast.researcher):
            session.refresh(each)
        session.expunge_all()
    return cast, token, data


@contextmanager
def forking(environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The process that forks; what is said on its standard error shows in the test's."""
    command = [sys.executable, "-m", "tests.reports.crashing"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, **pipes) as forks:
        assert forks.stdin
        print(json.dumps(environ), file=forks.stdin, flush=True)
        yield forks
        forks.stdin.close()


def patches(bank: Bank) -> list[dict[str, Any]]:
    """The whole file in two requests: two parts that count one by one, then the rest, all or none, by its checksum."""
    cut = 2 * PART
    checksum = base64.b64encode(hashlib.sha256(bank.data[cut:]).digest()).decode()
    more = {"Upload-Checksum": f"sha256 {checksum}"}
    return [
        {"range": [0, cut], "headers": bank.headers()},
        {"range": [cut, len(bank.data)], "headers": bank.headers() | more},
    ]  # fmt: skip


def test_every_step_comes_in_an_order_that_loses_nothing(bank: Bank, hands: str) -> None:
    _, upload_id = bank.announce()

    assert bank.fork(0, path=bank.path("uploads", upload_id), patches=patches(bank), hands=hands) == 0

    # A piece and the folders that name it are on the disk before the row that counts it is committed; pieces that come
    # with a checksum are all there before any of them counts. Whether the next piece is there sooner does not matter.
    put = PUT[bank.kind]
    first = {"at once": [put + COUNT, put + COUNT], "last first": [put + put + COUNT, COUNT]}
    assert [each for each in committed(bank.steps()) if set(each) & {"put", "INSERT report_chunk"}] == [
        *first[hands], put + put + COUNT,
    ]  # fmt: skip
    assert bank.kept(upload_id) == bank.data


def committed(steps: list[str]) -> list[list[str]]:
    """The steps, each commit with what came before it."""
    found: list[list[str]] = [[]]
    for step in steps:
        found[-1].append(step)
        if step == "commit done":
            found.append([])
    return found


def test_dying_at_any_step_leaves_an_upload_that_goes_on(bank: Bank, hands: str) -> None:
    # With a checksum everything comes in the same order, whoever works beside.
    sent = patches(bank)[: 2 if hands == "at once" else 1]
    bank.fork(0, path=bank.path("uploads", bank.announce()[1]), patches=sent, hands=hands)
    steps = bank.steps()
    offsets = []
    for number, name in enumerate(steps, 1):
        ref, upload_id = bank.announce()
        path = bank.path("uploads", upload_id)

        assert bank.fork(number, path=path, patches=sent, hands=hands) == KILLED
        assert bank.steps() == steps[:number]

        offset = int(bank.ask("HEAD", path).headers["Upload-Offset"])
        offsets.append(offset)
        assert bank.kept(upload_id) == bank.data[:offset], name
        # An orphan goes though its upload stays open; what counts stays.
        bank.after_a_day()
        assert bank.kept(upload_id) == bank.data[:offset], name
        if offset < len(bank.data):
            answer = bank.ask("PATCH", path, bank.data[offset:], Upload_Offset=str(offset), Content_Type=STREAM)
            assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(bank.data))), answer.text
        assert bank.ask("POST", bank.path(ref, "submit")).status_code == 200
        assert digest(bank, upload_id) == hashlib.sha256(bank.data).hexdigest()
        assert bank.kept(upload_id) == bank.data

    assert offsets == sorted(offsets)
    assert set(offsets) == {0, PART, 2 * PART, sent[-1]["range"][1]}
    bank.after_a_day()


def digest(bank: Bank, upload_id: str) -> str | None:
    """The hash that a complete upload has."""
    with bank.behind.session() as session:
        upload = session.get_one(Upload, upload_id)
        assert upload.state is UploadState.COMPLETE
        assert session.scalars(sa.select(sa.func.sum(Chunk.size)).where(Chunk.upload_id == upload_id)).one() == len(
            bank.data
        )
        return upload.sha256


def test_dying_at_any_step_of_the_collecting_takes_nothing_that_counts(bank: Bank) -> None:
    collected = 0
    for number in itertools.count(1):
        whole, ended = bank.announce()[1], bank.announce()[1]
        for upload_id in (whole, ended):
            path = bank.path("uploads", upload_id)
            for begin in range(0, len(bank.data), 2 * PART):
                part = bank.data[begin : begin + 2 * PART]
                assert bank.ask("PATCH", path, part, Upload_Offset=str(begin), Content_Type=STREAM).status_code == 204
        with bank.behind.session():
            blobs().put(f"reports/{whole}/000009-{'0' * 16}", b"of a process that died")
        assert bank.ask("DELETE", bank.path("uploads", ended)).status_code == 204

        late = (clock.now() + DAY).isoformat()
        done = bank.fork(number, collect=late)

        assert bank.kept(whole) == bank.data
        bank.after_a_day()
        assert bank.kept(whole) == bank.data
        collected += 1
        if not done:
            break
        assert done == KILLED
    # Five pieces are deleted, two steps each; rows of two uploads are changed.
    assert collected > 14


def test_collecting_meanwhile_takes_nothing_that_counts(bank: Bank) -> None:
    done = threading.Event()

    def collecting() -> int:
        count = 0
        while not done.is_set():
            with bank.behind.session() as session:
                # As late as it may be without a day having passed for what has just been put.
                collect(session, clock.now() + timedelta(hours=23, minutes=59))
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(collecting)
        try:
            made = [bank.announce()[1] for _ in range(8)]
            for upload_id, patch in itertools.product(made, patches(bank)):
                begin, end = patch["range"]
                told = {**patch["headers"], "Upload-Offset": str(begin), "Content-Type": STREAM}
                path = bank.path("uploads", upload_id)
                answer = bank.behind.app.test_client().patch(path, data=bank.data[begin:end], headers=told)
                assert answer.status_code == 204, answer.text
        finally:
            done.set()
        runs = beside.result()

    assert runs > 1
    assert {bank.kept(upload_id) for upload_id in made} == {bank.data}
    bank.after_a_day()
