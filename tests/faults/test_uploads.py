"""Uploads, while the server dies, the store is away or ill, or the disk is full."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from portal.reports.models import Chunk, Upload
from tests.faults.conftest import Staging
from tests.faults.proxy import Proxy, proxied
from tests.faults.stage import Stage, whole
from tests.faults.tus import MIB, PART, Client
from tests.servers import s3
from tests.servers.waiting import until

pytestmark = pytest.mark.slow
Kept = tuple[dict[str, str], Path]
# What every test here is about happens between a store and a database; each of them is there once.
PAIRS = [("sqlite", "folder"), ("postgresql", "s3")]


def counted(stage: Stage) -> tuple[int, int]:
    """How many bytes the only upload is said to have, and how many its chunks have together."""
    size = sa.func.coalesce(sa.func.sum(Chunk.size), 0)
    position = stage.behind.read(lambda session: session.scalars(sa.select(Upload.position)).one())
    return position, int(stage.behind.read(lambda session: session.scalars(sa.select(size)).one()))


def pieces_in(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def kept(request: pytest.FixtureRequest, tmp_path: Path, stack: ExitStack) -> Kept:
    """The settings of a store, and the folder in which it keeps what it has."""
    if request.param == "folder":
        return {}, tmp_path / "store"
    store = stack.enter_context(s3())
    return {"PORTAL_STORAGE_URL": store.url, **store.environ}, store.folder


@pytest.mark.parametrize(("database", "kept"), PAIRS, indirect=True)
def test_an_upload_survives_three_kills(stage: Staging, kept: Kept) -> None:
    environ, folder = kept
    served = stage(environ)
    client = Client(served)
    data = client.sealed(40 * MIB)
    ref = client.begin()
    path = client.announce(ref, len(data))

    def killed(begin: int, end: int, when: Callable[[], bool]) -> int:
        """Send from `begin` to `end`, kill the server once `when` is so, start it again; where it stands then."""
        connection = client.send(path, begin, data[begin:end], len(data) - begin)
        until(when, "the moment to kill")
        served.site.kill()
        connection.close()
        served.site.start()
        found = client.offset(path)
        assert found % PART == 0 or found == len(data)
        assert counted(served) == (found, found)
        return found

    # In the middle of the fourth chunk, when the first one counts: it must, for only two may be on their way beside it.
    first = killed(0, 27 * MIB, lambda: counted(served)[0] >= PART)
    assert first in (PART, 2 * PART, 3 * PART)
    # While a chunk is being written, or a moment later.
    before = pieces_in(folder)
    second = killed(first, first + 12 * MIB, lambda: pieces_in(folder) > before)
    assert second in (first, first + PART)
    # When all has been sent and nobody has heard of it.
    third = killed(second, len(data), lambda: counted(served)[0] > second)
    assert third > second

    if third < len(data):
        assert client.patch(path, third, data[third:]).status == 204
    assert client.submit(ref).status == 200
    assert digest(client.fetch(ref)) == digest(data)


@pytest.fixture
def wire(stack: ExitStack) -> tuple[dict[str, str], Proxy]:
    """The settings of an S3 store at the other end of a wire."""
    store = stack.enter_context(s3())
    port = urlsplit(store.environ["AWS_ENDPOINT_URL"]).port
    assert port is not None
    proxy = stack.enter_context(proxied(port))
    there = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
    return {"PORTAL_STORAGE_URL": store.url, **store.environ, **there}, proxy


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_store_that_goes_away_is_told_and_the_upload_goes_on_when_it_is_back(
    stage: Staging, wire: tuple[dict[str, str], Proxy]
) -> None:
    environ, proxy = wire
    served = stage(environ)
    client = Client(served)
    data = client.sealed(20 * MIB)
    ref = client.begin()
    path = client.announce(ref, len(data))
    assert client.patch(path, 0, data[:PART]).status == 204

    for harm in (proxy.fail, proxy.cut):
        harm()
        reply = client.patch(path, PART, data[PART:])
        assert (reply.status, reply.text) == (
            503, "The store of files does not answer. What had arrived is kept; try again soon.\n",
        )  # fmt: skip
        assert client.offset(path) == PART
        assert counted(served) == (PART, PART)
        # What needs no store goes on meanwhile.
        assert served.browser(served.cast.researcher).get(client.base + "/").status == 200

    proxy.mend()
    assert client.patch(path, PART, data[PART:]).status == 204
    assert client.submit(ref).status == 200
    assert digest(client.fetch(ref)) == digest(data)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_slow_store_makes_an_upload_slow_and_nothing_else(stage: Staging, wire: tuple[dict[str, str], Proxy]) -> None:
    environ, proxy = wire
    served = stage(environ)
    client = Client(served)
    data = client.sealed(PART + MIB)
    ref = client.begin()
    path = client.announce(ref, len(data))
    proxy.slow(32 * MIB)

    connection = client.send(path, 0, data, len(data))
    # While the store takes its time, others are served, and nobody waits for a lock.
    assert served.browser(served.cast.researcher).get(client.base + "/").status == 200
    assert client.begin() != ref
    assert whole(connection.getresponse()).status == 204
    connection.close()

    assert client.submit(ref).status == 200
    assert digest(client.fetch(ref)) == digest(data)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one chunk and a half."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_and_no_half_chunk_counts(stage: Staging, small_disk: Path) -> None:
    served = stage({"PORTAL_STORAGE_URL": f"file://{small_disk}"})
    client = Client(served)
    data = client.sealed(20 * MIB)
    ref = client.begin()
    path = client.announce(ref, len(data))

    # In a request of its own, for two pieces may be on their way to the disk at the same time.
    assert client.patch(path, 0, data[:PART]).status == 204

    reply = client.patch(path, PART, data[PART:])

    assert (reply.status, reply.text) == (
        507, "There is no room left for files. What had arrived is kept; go on later.\n",
    )  # fmt: skip
    assert client.offset(path) == PART
    assert counted(served) == (PART, PART)
    assert pieces_in(small_disk) == 1

    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert client.patch(path, PART, data[PART:]).status == 204
    assert client.submit(ref).status == 200
    assert digest(client.fetch(ref)) == digest(data)
